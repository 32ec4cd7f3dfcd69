"""A training run's own record of itself: JSON lines, written as things happen.

The first line is ``start``; then ``epoch`` lines; last ``end``. A journal without an end whose
process is gone is of a run that was killed.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from cadnet.credentials import masked
from cadnet.provenance import digest, writing

NAME = "journal.jsonl"


class Journal:
    """Appends lines; each is on its way to the disk when the call returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with writing(path):
            self._file = path.open("w", encoding="utf-8")
        self._process = psutil.Process()

    def write(self, kind: str, **fields: Any) -> None:
        """One line of a kind, stamped with the time."""
        line = {"kind": kind, "time": int(time.time() * 1000), **fields}
        with writing(self._path):
            self._file.write(json.dumps(line, sort_keys=True) + "\n")
            self._file.flush()

    def epoch(self, step: int, metrics: dict[str, float]) -> None:
        """An epoch's metrics, with what the process uses of the machine."""
        memory = self._process.memory_info().rss / 2**20
        used = sum(self._process.cpu_times()[:2])
        system = {"system/memory_mib": round(memory, 1), "system/cpu_seconds": round(used, 2)}
        self.write("epoch", step=step, metrics={**metrics, **system})

    def close(self) -> None:
        """No line follows."""
        self._file.close()


@contextmanager
def journal(folder: Path, **start: Any) -> Iterator[Journal]:
    """A run's journal in its result folder, with its end however it ends.

    Args:
        start: ``experiment``, ``seed``, ``parameters``, ``digest`` (of the parameters), ``commit``,
            ``dataset`` (name, digest, origin, n).
    """
    same = ("experiment", "seed", "digest", "commit", "dataset")
    identity = digest([start[key] for key in same])
    folder.mkdir(parents=True, exist_ok=True)
    written = Journal(folder / NAME)
    process = {"host": socket.gethostname(), "pid": os.getpid(), "started": own_start(os.getpid())}
    written.write("start", process=process, attempt=uuid.uuid4().hex, identity=identity, **start)
    try:
        yield written
    except (SystemExit, KeyboardInterrupt):
        written.write("end", status="KILLED")
        raise
    except BaseException as error:
        reason = masked(f"{type(error).__name__}: {error}")[:500]
        written.write("end", status="FAILED", error=reason)
        raise
    else:
        written.write("end", status="FINISHED")
    finally:
        written.close()


def own_start(pid: int) -> float | None:
    """When a process started: a pid alone may be another's by now."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def read(path: Path) -> list[dict[str, Any]]:
    """A journal's lines so far; a line that is still being written does not count."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            break  # the disk was full: nothing after it can be trusted
    return found


def status(lines: list[dict[str, Any]]) -> str:
    """RUNNING, FINISHED, FAILED or KILLED, in MLflow's words."""
    if lines[-1]["kind"] == "end":
        return str(lines[-1]["status"])
    process = lines[0]["process"]
    if process["host"] != socket.gethostname():
        return "RUNNING"  # another node's: only it can tell
    return "RUNNING" if own_start(process["pid"]) == process["started"] else "KILLED"
