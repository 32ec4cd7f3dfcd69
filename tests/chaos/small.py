"""A small pipeline that faults are done to: one experiment, one dataset, three tables."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
EXPERIMENTS = ("cadnet",)
GRIDS = ("rank", "lambda_fer", "lambda_u", "lambda_v", "gamma_drop", "gamma_final")
CONFIG = (
    "preset=smoke",
    f"only=[{', '.join(EXPERIMENTS)}]",
    f"search={{grids: {{{', '.join(f'{name}: null' for name in GRIDS)}}}}}",
    f"experiments={{{', '.join(f'{name}: {{test_on: [300w]}}' for name in EXPERIMENTS)}}}",
    "data={builtin: {300w: {afw: 4, helen/trainset: 24, lfpw/trainset: 12, helen/testset: 4, "
    "lfpw/testset: 4, ibug: 4}}}",
    "train={epochs: 12}",
)
TABLES = ("T2", "T4", "V1")
"""None of those that show times: C3, E1, T3, X6 and X10 differ from run to run."""
FINAL = (
    "results/scores.csv",
    "results/metrics.json",
    *(f"reports/tables/{name}.{kind}" for name in TABLES for kind in ("csv", "md", "tex")),
)
PARTS = (
    ("data/aligned/300w.arrow",),
    tuple(f"results/{name}/seed0/predictions.parquet" for name in EXPERIMENTS),
    ("results/scores.csv",),
    FINAL,
)
"""What a run makes, in four parts one after the other."""


def command(
    folder: Path, targets: Sequence[str] = FINAL, config: Sequence[str] = CONFIG
) -> list[str]:
    """What a user types."""
    tool = [str(BIN / "snakemake"), "--cores", "2", "--directory", str(folder)]
    return [*tool, "--config", *config, "--", *targets]


def environment() -> dict[str, str]:
    """Of a user's shell."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")}


def start(folder: Path, said: Path, *arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Snakemake in a session of its own; what it says goes into a file."""
    with said.open("ab") as file:
        return subprocess.Popen(
            command(folder, *arguments),
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def run(folder: Path, *arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    return subprocess.run(
        command(folder, *arguments),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
    )


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """`cadnet verify` there."""
    return subprocess.run(
        [str(BIN / "cadnet"), "verify"], cwd=folder, capture_output=True, text=True, check=False
    )


@dataclass(frozen=True)
class Tracked:
    """What MLflow's store holds: parents, and for each seed's run its metric points."""

    parents: int
    seeds: dict[str, list[int]]
    doubled: int
    unfinished: int


def tracked(folder: Path) -> Tracked:
    """Read with nothing but sqlite."""
    store = sqlite3.connect(f"file:{folder}/mlruns/mlflow.db?mode=ro", uri=True)
    try:
        role = "SELECT run_uuid, value FROM tags WHERE key = 'cadnet.role'"
        roles = dict(store.execute(role).fetchall())
        name = "SELECT run_uuid, value FROM tags WHERE key = 'cadnet.experiment'"
        names = dict(store.execute(name).fetchall())
        points = dict(store.execute("SELECT run_uuid, COUNT(*) FROM metrics GROUP BY run_uuid"))
        parameters = dict(store.execute("SELECT run_uuid, COUNT(*) FROM params GROUP BY run_uuid"))
        distinct = "SELECT DISTINCT run_uuid, key, step FROM metrics"
        (once,) = store.execute(f"SELECT COUNT(*) FROM ({distinct})").fetchone()
        (unfinished,) = store.execute(
            "SELECT COUNT(*) FROM runs WHERE status != 'FINISHED'"
        ).fetchone()
    finally:
        store.close()
    seeds: dict[str, list[int]] = {}
    for run_id, what in roles.items():
        if what == "seed":
            assert parameters[run_id] > 20, run_id
            seeds.setdefault(names[run_id], []).append(points[run_id])
    parents = sum(what == "experiment" for what in roles.values())
    return Tracked(parents, seeds, sum(points.values()) - once, unfinished)


def at_work_in(folder: Path) -> list[psutil.Process]:
    """Jobs, and who brings journals to MLflow."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(folder):
                found.append(process)
    return found


def content(folder: Path) -> dict[str, bytes]:
    """The final tables and scores."""
    return {name: (folder / name).read_bytes() for name in FINAL}


@dataclass(frozen=True)
class Reference:
    """A run that nothing disturbed.

    Attributes:
        folder: where every run of the tests takes place: MLflow's store knows its own place.
        states: copies of the folder before each of the four parts, and after the last.
        seconds: how long each part took.
    """

    folder: Path
    states: list[Path]
    seconds: list[float]
    content: dict[str, bytes]
    tracked: Tracked

    def restore(self, part: int) -> Path:
        """The folder as it was before a part, once what worked there has ended."""
        assert not psutil.wait_procs(at_work_in(self.folder), timeout=120)[1]
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.states[part], self.folder)
        return self.folder

    def compare(self) -> int:
        """Asserts that the folder holds what the reference holds; returns how many runs MLflow has
        besides: of jobs that had finished when the kill came, but not for Snakemake."""
        for name, expected in self.content.items():
            assert (self.folder / name).read_bytes() == expected, name
        checked = verify(self.folder)
        assert checked.returncode == 0, checked.stderr
        found = tracked(self.folder)
        assert found.parents == self.tracked.parents, found
        assert (found.doubled, found.unfinished) == (0, 0), found
        more = 0
        for name, (points,) in self.tracked.seeds.items():
            assert set(found.seeds[name]) == {points}, found
            more += len(found.seeds[name]) - 1
        return more


def reference(place: Path) -> Reference:
    """Make it, part by part; each state is copied."""
    folder, states, seconds = place / "work", [], []
    folder.mkdir()
    for number, targets in enumerate(PARTS):
        states.append(shutil.copytree(folder, place / f"state{number}"))
        before = time.monotonic()
        done = run(folder, targets)
        assert done.returncode == 0, done.stdout + done.stderr
        seconds.append(time.monotonic() - before)
    states.append(shutil.copytree(folder, place / "done"))
    return Reference(folder, states, seconds, content(folder), tracked(folder))
