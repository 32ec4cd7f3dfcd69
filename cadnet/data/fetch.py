"""A dataset that anybody may download, into its folder: fetched, checked, unpacked.

    python -m cadnet.data.fetch --spec JSON --out data/fetched/cofw

The folder appears whole or not at all. ``SHA256SUMS`` in it lists every file, as in the built-in
faces' folders. What has come of a download that broke off lies in ``.<name>.fetch`` beside it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cadnet import job
from cadnet.data.access import Access, Archive, matching
from cadnet.data.download import FetchError, download, size
from cadnet.data.sources import MANIFEST
from cadnet.data.unpack import check_digests, unpack
from cadnet.provenance import atomic_path, file_digest


def fetch(out: Path, archives: list[Archive], *, replace: bool = False) -> str:
    """Brings a dataset into a folder; returns what there is then, for people.

    Args:
        out: the dataset's folder. What it holds stays as it is, unless ``replace``.
        replace: the folder is the pipeline's own.

    Raises:
        FetchError: the folder holds something else; another fetch into it goes on; the disk is too
            small; or as ``download`` and ``unpack``.
    """
    if not replace and _already_there(out, archives):
        return f"{out}: is already there; nothing was fetched"
    work = out.with_name(f".{out.name}.fetch")
    with atomic_path(out) as temporary, _alone(work):
        if not replace and _already_there(out, archives):
            raise FetchError(f"{out}: another fetch has just brought it")
        files = work / "files"
        files.mkdir()
        missing = [archive for archive in archives if not _copy(archive, out, files)]
        _check_space(work, missing)
        for archive in missing:
            part = download(archive, work)
            try:
                unpack(part, archive, files)
            except FetchError:
                part.unlink()
                raise
        paths = sorted(_listing(files))
        total = sum((files / path).stat().st_size for path in paths)
        lines = [f"{file_digest(files / path)}  {path}\n" for path in paths]
        (files / MANIFEST).write_text("".join(lines), encoding="utf-8")
        if replace and out.exists():
            shutil.rmtree(out)
        files.rename(temporary)
        for part in work.glob("*.part"):
            part.unlink()
    return f"{len(paths)} files, {size(total)}, in {out}"


def by_hand(name: str, known: Access, out: Path) -> str:
    """What a person does to get a dataset that only its owners give out."""
    return (
        f"{name} cannot be downloaded without its owners' consent; nothing was fetched\n"
        f"  {known.title}\n"
        f"  terms:  {known.licence}\n"
        f"  steps:  {known.get}\n"
        f"  folder: {out}/ (its layout: docs/datasets.md)\n"
        "Then `cadnet data status` says whether all of it is there"
    )


def fetch_by_name(name: str, known: Access, out: Path) -> str:
    """``cadnet data fetch``: the dataset, or as an error the steps to it.

    Raises:
        FetchError: as ``fetch``; or the dataset cannot be downloaded.
    """
    if known.archives:
        return f"{known.title}: {known.licence}\n{fetch(out, known.archives)}"
    if _listing(out):
        return f"{out}: is already there; nothing was fetched"
    raise FetchError(by_hand(name, known, out))


def _listing(folder: Path) -> list[str]:
    """All files of a folder, by their path in it."""
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()]


def _whole(paths: list[str], archive: Archive) -> bool:
    """Whether all wanted files of an archive are among the paths."""
    return all(
        len(matching(pattern, paths)) == member.count for pattern, member in archive.members.items()
    )


def _already_there(out: Path, archives: list[Archive]) -> bool:
    paths = _listing(out)
    if paths and not all(_whole(paths, archive) for archive in archives):
        raise FetchError(
            f"{out}: holds files, but not all of the dataset or in another layout; files of yours "
            "are never overwritten. `cadnet data status` says what is missing; move the folder "
            "away, or fetch to another one with --to"
        )
    return bool(paths)


def _copy(archive: Archive, out: Path, files: Path) -> bool:
    """Takes an archive's files from the dataset beside that holds them too, if it is there."""
    if archive.also_in is None:
        return False
    beside = out.with_name(archive.also_in)
    paths = _listing(beside)
    if not _whole(paths, archive):
        return False
    for pattern in archive.members:
        for path in matching(pattern, paths):
            (files / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(beside / path, files / path)
    check_digests(files, archive)
    return True


def _check_space(work: Path, archives: list[Archive]) -> None:
    """Begins nothing that the disk cannot hold: archives and their files lie there together."""
    come = sum(path.stat().st_size for path in work.glob("*.part"))
    wanted = sum(archive.bytes + archive.unpacked for archive in archives) - come
    free = shutil.disk_usage(work).free
    if free < wanted:
        raise FetchError(
            f"{work.parent}: {size(wanted)} are needed there and {size(free)} are free; free some, "
            "or use a folder on another disk"
        )


@contextmanager
def _alone(work: Path) -> Iterator[None]:
    """The working folder, locked; afterwards nothing is left of it but what can be gone on from."""
    work.mkdir(parents=True, exist_ok=True)
    lock = FileLock(work / "lock")
    try:
        lock.acquire(timeout=1)
    except (Timeout, FileNotFoundError):  # it may be tidying up just now
        raise FetchError(f"{work}: another fetch of the same dataset is going on") from None
    try:
        # A process that was killed could not tidy up.
        shutil.rmtree(work / "files", ignore_errors=True)
        yield
    finally:
        shutil.rmtree(work / "files", ignore_errors=True)
        if not any(work.glob("*.part")):
            shutil.rmtree(work)
        lock.release()


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--spec", type=job.json_argument, required=True)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        spec: dict[str, Any] = options.spec
        archives = [Archive.model_validate(archive) for archive in spec["archives"]]
        if not archives:
            raise FetchError(f"{spec['dataset']} cannot be downloaded by anybody")
        return fetch(options.out, archives, replace=True)

    return job.main(run, parser.parse_args(arguments), FetchError)


if __name__ == "__main__":
    sys.exit(main())
