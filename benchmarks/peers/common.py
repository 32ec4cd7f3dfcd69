"""What every peer shares: faces to look at, how they are timed, what is printed.

Needs NumPy alone: it runs in the peers' own environments.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SECONDS = 3.0


def faces() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, S, S, 3) uint8 and boxes (N, 4) of the file that is the first argument."""
    with np.load(sys.argv[1]) as file:
        return file["pictures"], file["boxes"]


def milliseconds(work: Callable[[], Any]) -> float:
    """The median time of some calls."""
    for _ in range(3):
        work()
    times, start = [], time.perf_counter()
    while time.perf_counter() - start < SECONDS or len(times) < 5:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return 1000 * statistics.median(times)


def report(one: Callable[[int], Any], many: Callable[[], Any], count: int) -> None:
    """Times a face after the other, and all at once; prints JSON."""
    at = iter(range(10**9))
    latency = milliseconds(lambda: one(next(at) % count))
    batch = milliseconds(many)
    status = Path("/proc/self/status").read_text()  # getrusage would count the parent's as well
    memory = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024
    print(json.dumps({"ms": latency, "faces_per_s": 1000 * count / batch, "mib": memory}))
