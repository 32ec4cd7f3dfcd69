"""The wanted files of a zip, and nothing that it could do besides.

All names are looked at before a byte is written: one that leads out of the folder, a link or a name
that comes twice refuses the whole archive, wanted or not. Nothing is larger than it may be.
"""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path

from cadnet import job
from cadnet.data.access import Archive, matching
from cadnet.data.download import FetchError
from cadnet.provenance import file_digest

# What zipfile raises on damaged, encrypted or strangely packed files.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def unpack(file: Path, archive: Archive, folder: Path) -> None:
    """The archive's members from a zip file into a folder, under the names that they have there.

    Raises:
        FetchError: the zip is damaged; an entry is dangerous, too large, missing or not as its
            digest says.
    """
    try:
        with zipfile.ZipFile(file) as opened:
            chosen = _chosen(opened.infolist(), archive)
            for path, entry in job.bar(chosen.items(), desc="unpack", unit="file"):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                # ZipFile reads no more than the entry's size, and checks its CRC.
                with opened.open(entry) as packed, target.open("xb") as written:
                    shutil.copyfileobj(packed, written, 1 << 20)
    except _BROKEN as error:
        raise FetchError(f"{archive.url}: is no whole zip file ({error}); try again") from error
    check_digests(folder, archive)


def check_digests(folder: Path, archive: Archive) -> None:
    """Refuses members that are not the published ones.

    Raises:
        FetchError: names the file, expected and actual sha256.
    """
    for path, wanted in archive.digests.items():
        found = file_digest(folder / path)
        if found != wanted:
            raise FetchError(
                f"{archive.url}: sha256 of {path} is {found}, expected {wanted}; the archive is "
                "another by now. Get the files by hand (docs/datasets.md)"
            )


def _chosen(entries: list[zipfile.ZipInfo], archive: Archive) -> dict[str, zipfile.ZipInfo]:
    """The entries to unpack, by their path in the dataset's folder."""
    files = [entry for entry in entries if not entry.is_dir()]
    for entry in entries:
        if reason := _danger(entry):
            raise FetchError(
                f"{archive.url}: {entry.orig_filename!r} in it {reason}; nothing was unpacked"
            )
    twice = [name for name, n in Counter(e.filename for e in entries).items() if n > 1]
    if twice:
        raise FetchError(f"{archive.url}: {twice[0]!r} is in it twice; nothing was unpacked")
    found = _below(files, archive, 0)
    if not found:
        found = _below(files, archive, 1)
    for pattern, member in archive.members.items():
        paths = matching(pattern, list(found))
        if len(paths) != member.count:
            raise FetchError(
                f"{archive.url}: {len(paths)} of {member.count} {pattern} are in it; it is another "
                "by now. Get the files by hand (docs/datasets.md)"
            )
        for path in paths:
            if found[path].file_size > member.bytes:
                raise FetchError(
                    f"{archive.url}: {path} in it would have {found[path].file_size} bytes, at "
                    f"most {member.bytes} were expected; nothing was unpacked"
                )
    return found


def _below(
    files: list[zipfile.ZipInfo], archive: Archive, folders: int
) -> dict[str, zipfile.ZipInfo]:
    """The wanted files, so many folders down from the top of the zip."""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in files:
        path = "/".join(entry.filename.split("/")[folders:])
        if path and any(matching(pattern, [path]) for pattern in archive.members):
            if path in found:
                raise FetchError(
                    f"{archive.url}: {path} is in two of its folders; nothing was unpacked"
                )
            found[path] = entry
    return found


def _danger(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not to be unpacked; empty where nothing speaks against it."""
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "is an absolute name"
    if "\\" in name or "\0" in name:
        return "has a character that is no part of a name"
    if ".." in name.split("/"):
        return "leads out of its folder"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    return ""
