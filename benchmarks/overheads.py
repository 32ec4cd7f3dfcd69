"""What jobs cost beside training steps, in CPU seconds by rule: cadnet/planning/overheads.yaml.

    python benchmarks/overheads.py

Runs a few experiments of the smoke and of the demo preset (one epoch, a short search) through the
real DAG, in a scratch folder, and writes that file; what it records of GPUs stays. Bash itself
tells what each job took of the CPU, so that other work on the machine disturbs little; what is left
of Snakemake's total is Snakemake's own. A rule's fixed and proportional parts follow from the two
presets by least squares.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import torch
import yaml
from scipy.optimize import nnls

from cadnet.evaluation.measure import device_name
from cadnet.paper import typeset
from cadnet.params import load
from cadnet.planning import overheads, steps
from cadnet.planning.costs import Costs
from cadnet.planning.counts import pictures
from cadnet.planning.jobs import jobs
from cadnet.planning.overheads import Cost
from cadnet.provenance import PACKAGE_ROOT, atomic_path

CORES = 2
EXPERIMENTS = ["cadnet", "cadnet_fer", "cadnet_half"]
# Bash reads this file before each command, and at its end tells what its children took: `times`
# of the shell itself, since a subshell has had no children.
NOTE = """trap 'times > "$CADNET_SPENT/$$"; printf "%s" "${BASH_EXECUTION_STRING##*python -m }" \
>> "$CADNET_SPENT/$$"' EXIT"""
# Rules, by their logs' folders.
GROUPS = {"search": "trial", "tables": "table", "figures": "figure"}


class Run(NamedTuple):
    """CPU seconds of a run: of each job by the plan's name for it, and of what is no job."""

    jobs: dict[str, float]
    snakemake: float
    planning: float
    forwarder: float


def seconds(words: str) -> float:
    """Of bash's `times`: "0m1.5s 0m0.2s"."""
    return sum(60 * int(m) + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", words))


def followers(spent: dict[int, float]) -> None:
    """Notes what the forwarders of journals have taken so far."""
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        command = process.info["cmdline"] or []
        if "cadnet.tracking.forward" in command and "--follow" in command:
            spent[process.pid] = sum(process.info["cpu_times"][:2])


def key(log: str) -> str:
    """The plan's name of a job, from its log's."""
    folder, _, subject = log.partition("/")
    subject = re.sub(r"/(seed|trial)([0-9]+)$", r"/\2", subject)
    return f"{GROUPS.get(folder, folder)} {subject}"


def settings(preset: str) -> dict[str, object]:
    """What is run of a preset."""
    grids = dict.fromkeys(load(PACKAGE_ROOT / "params.yaml").search.grids)
    grids["rank"] = {"values": [8.0, 16.0]}  # type: ignore[assignment]
    return {
        "preset": preset,
        "only": EXPERIMENTS,
        "seeds": [0],
        "train": {"epochs": 1, "warmup_epochs": 0},
        "search": {"epochs": 1, "grids": grids},
    }


def children() -> float:
    """CPU seconds of the processes that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def run(preset: str, folder: Path) -> Run:
    """One preset's jobs."""
    (folder / "mine.yaml").write_text(yaml.safe_dump(settings(preset)))
    (folder / "note.sh").write_text(NOTE)
    (folder / "spent").mkdir()
    command = [Path(sys.executable).with_name("snakemake"), "--cores", str(CORES)]
    command += ["--directory", folder, "--configfile", folder / "mine.yaml"]
    environment = {
        **os.environ,
        "BASH_ENV": str(folder / "note.sh"),
        "CADNET_SPENT": str(folder / "spent"),
    }
    forwarding: dict[int, float] = {}
    before = children()
    with (folder / "out.txt").open("w") as out:
        plan = [*command, "--dry-run", "--quiet", "--", "all"]
        subprocess.run(plan, cwd=PACKAGE_ROOT, stdout=out, stderr=out, check=True)
        planned = children()
        started = subprocess.Popen(
            [*command, "--", "all"], cwd=PACKAGE_ROOT, env=environment, stdout=out, stderr=out
        )
        while started.poll() is None:
            followers(forwarding)
            time.sleep(1)
    if started.returncode:
        raise SystemExit((folder / "out.txt").read_text())
    total = children() - planned
    spent = {}
    for path in (folder / "spent").iterdir():
        _, words, line = path.read_text().split("\n", 2)
        if name := re.search(r"--log logs/(\S+)\.log", line):
            spent[key(name[1])] = seconds(words)
    return Run(
        spent, total - sum(spent.values()), planned - before, max(forwarding.values(), default=0.0)
    )


def parts(preset: str, found: Run) -> dict[str, list[tuple[float, float]]]:
    """Units and CPU seconds of each job, without training steps and timings: by rule, or by job
    where the plan knows the job itself."""
    params = load(PACKAGE_ROOT / "params.yaml", settings(preset))
    known = {name: pictures(params, name, official=False) for name in params.datasets()}
    measured = steps.measured(params, None, cores=CORES, gpus=0)
    costs = Costs(params, known, overheads.overheads(), 1.0, measured)
    points = defaultdict(list)
    for job in jobs(params, official=False, pdf=typeset.program() is not None):
        if job.key not in found.jobs:
            print(f"{preset}: no time of {job.key}", file=sys.stderr)
            continue
        rest = found.jobs[job.key] - costs.device(job) - costs.timings(job)
        by_itself = job.rule == "table" and costs.units(job)
        points[job.key if by_itself else job.rule].append((costs.units(job), rest))
    return points


def fitted(points: list[tuple[float, float]]) -> Cost:
    """Fixed and proportional seconds, neither below zero."""
    units, spent = np.array(points).T
    if not units.any():
        return Cost(job=round(max(0.0, spent.mean()), 2))
    (job, unit), _ = nnls(np.column_stack([np.ones_like(units), units]), spent)
    return Cost(job=round(job, 2), unit=float(f"{unit:.3g}"))


def written(cost: Cost) -> str:
    unit = f", unit: {cost.unit}" if cost.unit else ""
    return f"{{ job: {cost.job}{unit} }}"


def write(runs: dict[str, Run]) -> None:
    """The file that the plan reads."""
    points = defaultdict(list)
    for preset, found in runs.items():
        for name, more in parts(preset, found).items():
            points[name] += more
    count = sum(len(found.jobs) for found in runs.values())
    planning = sum(found.planning for found in runs.values())
    snakemake = Cost(
        job=planning / len(runs),
        unit=(sum(found.snakemake for found in runs.values()) - planning) / count,
    )
    snakemake = Cost(job=round(snakemake.job, 2), unit=round(snakemake.unit, 3))
    forwarder = Cost(job=round(np.mean([found.forwarder for found in runs.values()]), 2))
    gpu = overheads.overheads().gpu
    lines = [
        "# What jobs cost beside training steps, in processor seconds, written by",
        "# benchmarks/overheads.py but for `gpu` (bfloat16, batches of 32, not compiled). `job`:",
        "# each job; `unit`: beyond it for each picture (builtin, align), prediction (predict,",
        "# score, quantise, collect, report, C1, C3) or architecture (measure).",
        f"machine: {CORES} cores of {device_name(torch.device('cpu'))}",
        f"yardstick: {overheads.yardstick(CORES):.2f}",
        f"snakemake: {written(snakemake)} # before the first job; for each job",
        f"forwarder: {written(forwarder)} # journals to MLflow, beside the jobs",
        "rules:",
        *(f"  {name}: {written(fitted(found))}" for name, found in sorted(points.items())),
        "gpu:",
        f"  architecture: {gpu.architecture}",
        f"  pictures_per_second: {gpu.pictures_per_second:g}",
        f"  where: {gpu.where}",
    ]
    with atomic_path(PACKAGE_ROOT / "cadnet/planning/overheads.yaml") as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    runs = {}
    for preset in ("smoke", "demo"):
        with tempfile.TemporaryDirectory() as folder:
            runs[preset] = run(preset, Path(folder))
    write(runs)


if __name__ == "__main__":
    main()
