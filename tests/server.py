"""A file server on this machine that behaves as badly as a test wants."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files`` by path, with ranges and ETags.

    Attributes:
        cut: answers end after so many bytes of the body.
        ranges, tags, lengths: whether it honours Range, names versions, says how much comes.
        go_on: until it is set, answers stop in the middle; ``started``: one is there.
        asked: headers of every request; ``sent``: bytes of every body.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cut: int | None = None
        self.ranges = self.tags = self.lengths = True
        self.asked: list[dict[str, str]] = []
        self.sent: list[int] = []
        self.started = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}?download=1"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(dict(self.headers))
        body = server.files.get(self.path.lstrip("/").partition("?")[0])
        if body is None:
            self.send_error(404)
            return
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = 0
        if wanted and server.ranges and self.headers.get("If-Range", tag) == tag:
            start = int(wanted[1])
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if server.tags:
            self.send_header("ETag", tag)
        if server.lengths:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        part = body[start:] if server.cut is None else body[start : start + server.cut]
        server.sent.append(len(part))
        half = len(part) // 2
        self.wfile.write(part[:half])
        server.started.set()
        server.go_on.wait(30)
        with contextlib.suppress(OSError):  # nobody may be there any more
            self.wfile.write(part[half:])


@contextmanager
def serving() -> Iterator[Server]:
    """A server in a thread."""
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    try:
        yield server
    finally:
        server.go_on.set()
        server.shutdown()
        server.server_close()


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of files by name."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return memory.getvalue()
