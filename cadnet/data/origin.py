"""Where a dataset comes from: the user's official files, a download, or the built-in faces.

Light: the Snakefile asks this while it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadnet.data.access import access
from cadnet.data.sources import FOLDERS
from cadnet.params import Data, ParameterError
from cadnet.provenance import tree_digest

BUILTIN = Path("data/builtin")
FETCHED = Path("data/fetched")


@dataclass(frozen=True)
class Origin:
    """A dataset's root folder and what it holds.

    Attributes:
        kind: ``official`` or ``built-in``.
        digest: of the user's files; None for what the pipeline draws or fetches, whose manifest
            has it.
        expected: faces a part; None for official files, whose source knows.
    """

    root: Path
    kind: str
    digest: str | None
    expected: dict[str, int] | None


def locate(data: Data, dataset: str) -> Origin:
    """Official files in ``<raw>/<dataset>`` win; without that folder it is a download where
    ``data.fetch`` names the dataset, else the built-in faces.

    Raises:
        ParameterError: the folder is there, but empty; or absent, and nothing stands in.
    """
    root = Path(data.raw, FOLDERS.get(dataset, dataset))
    if not root.is_dir():
        if dataset in data.fetch:
            return Origin(FETCHED / dataset, "official", None, None)
        if dataset not in data.builtin.datasets():
            raise ParameterError(
                f"{root}: is not there, and there are no built-in faces of {dataset} (yet); put "
                "the dataset there (docs/datasets.md), or leave it out of experiments"
            )
        return Origin(BUILTIN / dataset, "built-in", None, data.builtin.counts(dataset))
    if not any(path.is_file() for path in root.rglob("*") if not path.name.startswith(".")):
        raise ParameterError(
            f"{root}: is an empty folder; put {dataset} there in its official layout "
            "(docs/datasets.md), or remove the folder to use the built-in faces"
        )
    digest = tree_digest(root, Path(".snakemake", "cadnet", f"{dataset}.digests.json"))
    return Origin(root, "official", digest, None)


def align_spec(data: Data, dataset: str, origin: Origin) -> dict[str, Any]:
    """All that alignment depends on besides the files."""
    return {
        "dataset": dataset,
        "origin": origin.kind,
        "digest": origin.digest,
        "expected": origin.expected,
        "partial": data.partial,
        "validation": data.validation,
        "size": data.size,
        "margin": data.margin,
    }


def fetch_spec(dataset: str) -> dict[str, Any]:
    """All that a download depends on."""
    archives = access()[dataset].archives
    return {"dataset": dataset, "archives": [archive.model_dump() for archive in archives]}


def builtin_spec(data: Data, dataset: str) -> dict[str, Any]:
    """All that the built-in faces of a dataset depend on."""
    spec = {
        "dataset": dataset,
        "seed": data.builtin.seed,
        "size": data.builtin.size,
        "counts": data.builtin.counts(dataset),
    }
    return spec | ({"frames": data.builtin.frames} if dataset == "300vw" else {})
