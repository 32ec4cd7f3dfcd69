"""Digests of results: a job records what it writes and verifies what it reads.

The SHA-256 of ``results/cadnet/scores.csv`` is in ``results/cadnet/.digests/scores.csv.sha256``,
as ``sha256sum`` writes it: in ``results/cadnet``, ``sha256sum -c .digests/*`` checks it too. A file
without a record, such as one that a person put there, is taken as it is.

Light on purpose, as ``cadnet.provenance`` is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

FOLDER = ".digests"

_recording = False


class CorruptedError(ValueError):
    """A file is not what its job wrote: the message names it and what to do."""


def file_digest(path: Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def recording() -> Iterator[None]:
    """A job runs: what ``atomic_path`` writes meanwhile, in any thread, is recorded."""
    global _recording
    before, _recording = _recording, True
    try:
        yield
    finally:
        _recording = before


def digest_to_record(written: Path) -> str | None:
    """A file's digest while a job runs; None elsewhere, and for a folder."""
    return file_digest(written) if _recording and written.is_file() else None


def record_of(path: Path) -> Path:
    """Where a file's digest is."""
    return path.parent / FOLDER / f"{path.name}.sha256"


def record(path: Path, digest: str) -> None:
    """Writes a file's digest, atomically."""
    final = record_of(path)
    final.parent.mkdir(exist_ok=True)
    temporary = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        temporary.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


def forget(path: Path) -> None:
    """Removes a file's digest: another content may follow."""
    record_of(path).unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Removes a file and its digest; they may be gone already."""
    forget(path)
    path.unlink(missing_ok=True)


def difference(path: Path) -> str:
    """How a file differs from what its job recorded, in words; empty where it does not, or where
    nothing is recorded."""
    try:
        line = record_of(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if not path.is_file():
        return "is gone"
    found, recorded = file_digest(path), line.split(" ")[0]
    if found == recorded:
        return ""
    return (
        f"its content differs from what its job wrote (digest {found[:12]}…, recorded "
        f"{recorded[:12]}…)"
    )


@cache
def _difference(path: Path, *state: int) -> str:
    """The same, calculated once a process while the file's entry stays as it is."""
    return difference(path)


def verified(path: Path) -> Path:
    """The path of a file that is to be read, once its content is known to be its job's.

    A file that is not there passes: who opens it says so.

    Raises:
        CorruptedError: the content differs.
    """
    if not (path.is_file() and record_of(path).is_file()):
        return path
    status = path.stat()
    state = (status.st_ino, status.st_size, status.st_mtime_ns)
    if problem := _difference(path, *state):
        raise CorruptedError(
            f"{path}: {problem}; remove it and run `snakemake all` again: it will be rebuilt"
        )
    return path


def recorded_files(folders: Iterable[Path]) -> Iterator[Path]:
    """All files below some folders that have a record, whether they are there or not."""
    for top in folders:
        for folder, names, _ in os.walk(top):
            here = FOLDER in names
            names[:] = sorted(name for name in names if not name.startswith("."))
            if here:
                for entry in sorted(Path(folder, FOLDER).glob("*.sha256")):
                    yield Path(folder, entry.stem)


def report(folders: list[Path]) -> tuple[str, bool]:
    """What ``cadnet verify`` prints, and whether all is well."""
    files = list(recorded_files(folders))
    problems = [f"{path}: {problem}" for path in files if (problem := difference(path))]
    if not files:
        places = ", ".join(map(str, folders)) or "this folder"
        return f"no recorded file in {places}: run the pipeline first", False
    if not problems:
        return f"{len(files)} files are as their jobs wrote them", True
    mend = (
        "Remove what differs and ask for it by name, as in `snakemake --cores 2 FILE`, then for "
        "`all`: it will be rebuilt, and what was made from it."
    )
    count = f"{len(problems)} of {len(files)} files are not as their jobs wrote them."
    return "\n".join([*problems, count, mend]), False
