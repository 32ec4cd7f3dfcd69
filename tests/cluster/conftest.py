"""A cluster of one node (start_slurm.sh), and what SLURM knows of the jobs that ran on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.conftest import BIN, FEW, snakemake

START = Path(__file__).with_name("start_slurm.sh")
STATE = Path("/var/lib/cadnet-slurm")
CONFIG = (*FEW, "seeds=[0, 1]")
"""Two experiments with two seeds each, and three trials of the search."""


@dataclass(frozen=True)
class Record:
    """A job, as SLURM remembers it."""

    number: str
    rule: str
    wildcards: str
    state: str
    gpus: str
    start: datetime
    end: datetime
    visible: frozenset[str]
    """What its tasks found in CUDA_VISIBLE_DEVICES."""

    def overlaps(self, other: Record) -> bool:
        """Whether both ran at one time."""
        return max(self.start, other.start) < min(self.end, other.end)


def records(folder: Path) -> list[Record]:
    """The jobs, running ones too, of the workflow in a working directory."""
    shown = subprocess.run(
        ["scontrol", "--oneliner", "show", "jobs"], capture_output=True, text=True, check=True
    ).stdout
    told = STATE / "visible.txt"
    visible = [line.split() for line in told.read_text().splitlines()] if told.exists() else []
    found = []
    for line in shown.splitlines():
        job = dict(re.findall(r"(\S+?)=(\S*)", line))
        place = re.fullmatch(
            rf"{re.escape(str(folder))}/\.snakemake/slurm_logs/rule_([^/]+)/(?:(.+)/)?\d+\.log",
            job.get("StdOut", ""),
        )
        if place is None:
            continue
        start, end = (
            job[name].replace("Unknown", "9999-01-01") for name in ("StartTime", "EndTime")
        )
        found.append(
            Record(
                number=job["JobId"],
                rule=place[1],
                wildcards=place[2] or "",
                state=job["JobState"],
                gpus=job.get("TresPerJob", ""),
                start=start,
                end=end,
                visible=frozenset(devices for number, devices in visible if number == job["JobId"]),
            )
        )
    return found


def submission(folder: Path, *arguments: str, config: Sequence[str], target: str) -> list[str]:
    """The command line of a run on the cluster, with eager looks at the jobs: they are short."""
    return [
        *(str(BIN / "snakemake"), "--profile", "profiles/slurm", "--directory", str(folder)),
        *("--slurm-init-seconds-before-status-checks", "3", *arguments),
        *("--config", "preset=smoke", *config, "--", target),
    ]


def on_cluster(
    folder: Path, *arguments: str, config: Sequence[str] = CONFIG, target: str = "all"
) -> subprocess.CompletedProcess[str]:
    """`snakemake --profile profiles/slurm … -- target` in a working directory."""
    return subprocess.run(
        submission(folder, *arguments, config=config, target=target),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1800,
    )


def installed() -> bool:
    """Whether SLURM's daemons are on this machine."""
    return all(map(shutil.which, ("munged", "slurmctld", "slurmd")))


@pytest.fixture(scope="session")
def cluster() -> Iterator[None]:
    """SLURM on this machine; one that this fixture started ends with it."""
    if os.getuid() != 0:
        pytest.skip("only root may start munged, slurmctld and slurmd here")
    installed = all(map(shutil.which, ("munged", "slurmctld", "slurmd")))
    if not installed and shutil.which("apt-get") is None:
        pytest.skip(
            "munged, slurmctld and slurmd are absent, and there is no apt-get to install them"
        )
    was_there = (STATE / "slurmctld.pid").exists()
    started = subprocess.run([START], capture_output=True, text=True)
    if started.returncode and not installed():
        pytest.skip(f"slurm-wlm and munge cannot be installed here: {started.stderr[-300:]}")
    assert started.returncode == 0, started.stderr
    yield
    if not was_there:
        subprocess.run([START, "stop"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def ran(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory after everything ran on the cluster."""
    folder = tmp_path_factory.mktemp("slurm")
    done = on_cluster(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def later(ran: Path, tmp_path: Path) -> Path:
    """A copy of that directory, file dates included, which a test may change."""
    return shutil.copytree(ran, tmp_path / "later")


def locally(folder: Path, *, config: Sequence[str] = CONFIG, target: str) -> None:
    """The same without a cluster."""
    done = snakemake(folder, config=config, target=target)
    assert done.returncode == 0, done.stdout + done.stderr
