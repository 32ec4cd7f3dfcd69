"""How large the DAG is, and how long Snakemake takes to build it.

    python benchmarks/dag.py [--jobs 500 1000 2000 5000 10000]

A dry run in an empty folder: of the presets, and of generated lists of experiments (CAD-Net on 300W
under other names, three seeds each: seven jobs an experiment). Times are of the processor, beside
what reading an unknown target's DAG of one job takes, so that other work disturbs little.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from cadnet.provenance import PACKAGE_ROOT

SNAKEMAKE = Path(sys.executable).with_name("snakemake")
AN_EXPERIMENT = 7  # jobs: training and prediction of three seeds, scoring


def generated(count: int) -> dict[str, Any]:
    """Parameters with so many experiments, which alone are selected."""
    names = [f"generated{index:05d}" for index in range(count)]
    one = {"title": "CAD-Net", "architecture": "cadnet", "train_on": "300w", "test_on": ["300w"]}
    return {"preset": "smoke", "seeds": [0, 1, 2], "only": names,
            "experiments": dict.fromkeys(names, one)}  # fmt: skip


def built(parameters: dict[str, Any], target: str = "all") -> tuple[int, float, float]:
    """Jobs of a dry run, its processor seconds and peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "parameters.yaml")
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        config.write_text(yaml.dump(parameters, Dumper=dumper), encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [SNAKEMAKE, "--dry-run", "--quiet", "rules", "--directory", folder,
             "--configfile", config, "--", target],
            cwd=PACKAGE_ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = done.stdout + done.stderr
    found = re.search(r"^total\s+(\d+)", text, re.MULTILINE)
    if done.returncode or found is None:
        raise SystemExit(text[-3000:])
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return int(found[1]), seconds, after.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="*", default=[1000, 2000, 5000, 10000])
    options = parser.parse_args()
    _, start, _ = built({"preset": "smoke"}, "data/builtin/300w/SHA256SUMS")
    print(f"start: {start:.1f} s")
    for preset in ("smoke", "demo", "paper"):
        jobs, seconds, memory = built({"preset": preset})
        print(f"{preset:<10} {jobs:>6} jobs  {seconds:6.1f} s  {memory:5.0f} MiB", flush=True)
    measured = []
    for wanted in options.jobs:
        jobs, seconds, memory = built(generated(round(wanted / AN_EXPERIMENT)))
        each = 1e3 * (seconds - start) / jobs
        measured.append((jobs, seconds - start))
        print(f"generated  {jobs:>6} jobs  {seconds:6.1f} s  {memory:5.0f} MiB  "
              f"{each:.2f} ms a job beyond the start", flush=True)  # fmt: skip
    if len(measured) > 1:
        jobs_, seconds_ = np.array(measured).T
        power = np.polyfit(np.log(jobs_), np.log(seconds_), 1)[0]
        ratio = (seconds_[-1] / jobs_[-1]) / (seconds_[0] / jobs_[0])
        print(f"time ~ jobs^{power:.2f}; a job at {jobs_[-1]:.0f} takes {ratio:.2f} times one at "
              f"{jobs_[0]:.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
