"""How each dataset is had, and on what terms: ``access.yaml``, typed.

Light: the Snakefile asks this while it is read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from cadnet.data.sources import SOURCE_MODULES
from cadnet.yamlfiles import read_yaml

Bytes = Annotated[int, Field(ge=1)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """Unknown keys and other types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Member(Strict):
    """Files that are wanted of an archive.

    Attributes:
        bytes: what each may have at most, unpacked.
        count: how many there are, where the name is a pattern.
    """

    bytes: Bytes
    count: Annotated[int, Field(ge=1)] = 1


class Archive(Strict):
    """A zip file on a server.

    Attributes:
        url: its address.
        bytes: what it may have at most.
        sha256: of the whole file; None where its publisher does not keep it the same to the byte.
        members: the wanted files, by their path in the dataset's folder, in which ``*`` stands for
            anything but ``/``. In the zip they lie under that path, or all under one folder more.
        digests: sha256 of some members, by path.
        also_in: another dataset that holds these files; they are copied where it lies beside.
    """

    url: str
    bytes: Bytes
    sha256: Digest | None = None
    members: dict[str, Member]
    digests: dict[str, Digest] = {}
    also_in: str | None = None

    @property
    def unpacked(self) -> int:
        """Bytes that its wanted files have at most."""
        return sum(member.bytes * member.count for member in self.members.values())


def matching(pattern: str, paths: list[str]) -> list[str]:
    """The paths, relative to a dataset's folder, that a member's name means."""
    depth = pattern.count("/")
    return [p for p in paths if p.count("/") == depth and PurePosixPath(p).match(pattern)]


class Access(Strict):
    """A dataset's name, its terms, the steps, and its archives where anybody may download it."""

    title: str
    licence: str
    get: str
    archives: list[Archive] = []


@cache
def access() -> dict[str, Access]:
    """By dataset, in the order of ``SOURCE_MODULES``."""
    tree = read_yaml(Path(__file__).with_name("access.yaml"))
    known = {name: Access.model_validate(entry) for name, entry in tree.items()}
    return {name: known[name] for name in SOURCE_MODULES}
