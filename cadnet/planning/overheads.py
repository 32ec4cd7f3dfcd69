"""What jobs cost beside training steps, from ``overheads.yaml``, and how fast this machine is."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cadnet.yamlfiles import read_yaml

_FILE = Path(__file__).with_name("overheads.yaml")
YARDSTICK = "import numba, pandas, scipy.stats, torch"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cost(_Strict):
    """Processor seconds of a job: fixed, and for each of its units (``overheads.yaml``)."""

    job: float
    unit: float = 0.0


class Recorded(_Strict):
    """A GPU's measured speed: pictures a second of training ``architecture``'s steps from the
    store, at the paper preset's sizes."""

    architecture: str
    pictures_per_second: float
    where: str


class Overheads(_Strict):
    machine: str
    yardstick: float
    snakemake: Cost
    forwarder: Cost
    rules: dict[str, Cost]
    gpu: Recorded


def overheads() -> Overheads:
    """As recorded."""
    return Overheads.model_validate(read_yaml(_FILE))


def yardstick(cores: int, repeats: int = 3) -> float:
    """Processor seconds that a new process takes to import what jobs import, while the other
    cores do the same: the least of some."""
    command = [sys.executable, "-c", YARDSTICK]
    taken = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = [subprocess.Popen(command) for _ in range(cores)]
        for process in started:
            process.wait()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        taken.append(spent / cores)
    return min(taken)
