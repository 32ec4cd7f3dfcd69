"""One file from a server, whole or not at all; a download that broke off goes on where it stopped.

What has come lies in ``<name>.part``, beside it in ``<name>.json`` the version of the file that the
server had then. A server whose file is another by now, or that gives no parts, starts it over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter, Retry

from cadnet import job
from cadnet.data.access import Archive
from cadnet.provenance import file_digest, write_json

_CHUNK = 1 << 16  # what a broken connection loses at most
_TIMEOUT = (15, 60)  # seconds without a connection, without a byte
# Before an answer has begun; what breaks later is resumed by the next try. Waits 0, 1, 2 s.
RETRIES = Retry(
    total=3,
    backoff_factor=0.5,
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,
    respect_retry_after_header=False,  # a server may ask for hours: its answer is shown instead
)


class FetchError(Exception):
    """Something could not be fetched: says what came instead, what is left of it, what to do."""


def size(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def download(archive: Archive, folder: Path) -> Path:
    """The archive's file in a folder, checked.

    Raises:
        FetchError: the server cannot be reached or refuses; the connection broke (what came is
            kept, and gone on from); the file is too large or its sha256 is not the archive's (it
            is deleted).
    """
    name = Path(urlsplit(archive.url).path).name
    part, known = folder / f"{name}.part", folder / f"{name}.json"
    if archive.sha256 and part.is_file() and file_digest(part) == archive.sha256:
        return part
    with requests.Session() as session, _explained(archive, part, known):
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=RETRIES))
        if not _transfer(session, archive, part, known):
            part.unlink(missing_ok=True)
            if not _transfer(session, archive, part, known):
                raise FetchError(f"{archive.url}: the server gives parts that nobody asked for")
    if archive.sha256 and (found := file_digest(part)) != archive.sha256:
        part.unlink()
        raise FetchError(
            f"{archive.url}: sha256 is {found}, expected {archive.sha256}; the file was damaged on "
            "its way, or is another by now. It is deleted: try again"
        )
    return part


def _transfer(session: requests.Session, archive: Archive, part: Path, known: Path) -> bool:
    """Asks for the file, or its rest, and writes it; False where the rest cannot be had."""
    headers = {"Accept-Encoding": "identity"}
    start, version = _begun(archive, part, known)
    if start:
        headers["Range"] = f"bytes={start}-"
        if version:
            headers["If-Range"] = version
    with session.get(archive.url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        span = answer.headers.get("Content-Range", "")
        if answer.status_code == 416 and start:
            return span == f"bytes */{start}"
        if answer.status_code == 206 and not (start and span.startswith(f"bytes {start}-")):
            return False
        if answer.status_code not in (200, 206):
            raise FetchError(
                f"{archive.url}: the server answers {answer.status_code} {answer.reason}; try "
                "again later, or get the files by hand (docs/datasets.md)"
            )
        if answer.status_code == 200:
            start = 0
        rest = answer.headers.get("Content-Length")
        total = start + int(rest) if rest else None
        write_json(known, {"url": archive.url, "version": _version(answer)})
        with (
            part.open("ab" if start else "wb") as file,
            job.bar(
                total=total, initial=start, desc=part.stem, unit="B", unit_scale=True
            ) as progress,
        ):
            came = start
            for chunk in answer.iter_content(_CHUNK):
                came += len(chunk)
                if max(came, total or 0) > archive.bytes:
                    part.unlink()
                    raise FetchError(
                        f"{archive.url}: the file has {size(max(came, total or 0))} or more, at "
                        f"most {size(archive.bytes)} were expected; it is another by now. Get the "
                        "files by hand (docs/datasets.md)"
                    )
                file.write(chunk)
                progress.update(len(chunk))
    return True


def _begun(archive: Archive, part: Path, known: Path) -> tuple[int, str]:
    """How many bytes have come that can be gone on from, and of which version of the file.

    Where the server names no version, only the digest of the whole file can tell.
    """
    try:
        noted = json.loads(known.read_text(encoding="utf-8"))
        start = part.stat().st_size
    except (OSError, ValueError):
        return 0, ""
    sure = noted["url"] == archive.url and (noted["version"] or archive.sha256)
    return (start, noted["version"]) if sure else (0, "")


def _version(answer: requests.Response) -> str:
    """What tells the file from another under the same address; weak tags do not (RFC 9110)."""
    tag: str = answer.headers.get("ETag", "")
    return tag if re.match('"', tag) else answer.headers.get("Last-Modified", "")


def _reason(error: Exception) -> str:
    """What is at the bottom of an error of requests, without the names of its layers."""
    inner = error.args[0] if error.args else error
    inner = getattr(inner, "reason", inner)
    before, _, after = str(inner).partition("): ")
    return after or before


@contextmanager
def _explained(archive: Archive, part: Path, known: Path) -> Iterator[None]:
    """Errors of the network as ``FetchError``; keeps what came if it can be gone on from."""
    try:
        yield
    except requests.RequestException as error:
        came, _ = _begun(archive, part, known)
        if came:
            raise FetchError(
                f"{archive.url}: the connection broke after {size(came)} ({_reason(error)}); they "
                "are kept: the same command goes on from there"
            ) from error
        part.unlink(missing_ok=True)
        raise FetchError(
            f"{archive.url}: cannot be had ({_reason(error)}); is there a network, or a proxy to "
            "name (HTTPS_PROXY)? Try again"
        ) from error
