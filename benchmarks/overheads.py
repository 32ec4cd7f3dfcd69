"""What jobs cost beside training: CPU seconds by rule, for cadnet/planning/overheads.yaml.

    python benchmarks/overheads.py

Runs two experiments of the smoke and of the demo preset (one epoch, a short search) through
the real DAG, in a scratch folder. Bash itself tells what each job took of the CPU, so that
other work on the machine disturbs little; what is left of Snakemake's total is Snakemake's own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil
import yaml

from cadnet.params import load
from cadnet.provenance import PACKAGE_ROOT

EXPERIMENTS = ["cadnet", "cadnet_fer", "cadnet_half"]
# Bash reads this file before each command, and at its end tells what its children took: `times`
# of the shell itself, since a subshell has had no children.
NOTE = """trap 'times > "$CADNET_SPENT/$$"; printf "%s" "${BASH_EXECUTION_STRING##*python -m }" \
>> "$CADNET_SPENT/$$"' EXIT"""
MODULES = {
    "cadnet.data.synthetic.generate": "builtin", "cadnet.data.align": "align",
    "cadnet.training.search": "choose", "cadnet.training.predict": "predict",
    "cadnet.evaluation.score": "score", "cadnet.evaluation.collect": "collect",
    "cadnet.evaluation.measure": "measure", "cadnet.evaluation.examples": "examples",
    "cadnet.paper.tables": "table", "cadnet.paper.figures": "figure",
    "cadnet.paper.report": "report", "cadnet.paper.latex": "paper",
    "cadnet.paper.typeset": "pdf", "cadnet.paper.plots": "plots",
    "cadnet.tracking.forward": "track", "cadnet.training.run": "train",
    "cadnet.models.weights": "weights", "cadnet.records.run": "records",
    "cadnet.export.int8": "quantise", "cadnet.export.costs": "costs",
}  # fmt: skip


def seconds(words: str) -> float:
    """Of bash's `times`: "0m1.5s 0m0.2s"."""
    return sum(60 * int(m) + float(s) for m, s in re.findall(r"(\d+)m([\d.]+)s", words))


def followers(spent: dict[int, float]) -> None:
    """Notes what the forwarders of journals have taken so far."""
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        command = process.info["cmdline"] or []
        if "cadnet.tracking.forward" in command and "--follow" in command:
            spent[process.pid] = sum(process.info["cpu_times"][:2])


def run(preset: str, folder: Path) -> dict[str, object]:
    """One preset's jobs: seconds by rule and name, of Snakemake itself, of the forwarder."""
    grids = dict.fromkeys(load(PACKAGE_ROOT / "params.yaml").search.grids)
    grids["rank"] = {"values": [8.0, 16.0]}  # type: ignore[assignment]
    tree = {
        "preset": preset,
        "only": EXPERIMENTS,
        "seeds": [0],
        "train": {"epochs": 1, "warmup_epochs": 0},
        "search": {"epochs": 1, "grids": grids},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(tree))
    (folder / "note.sh").write_text(NOTE)
    environment = {
        **os.environ,
        "BASH_ENV": str(folder / "note.sh"),
        "CADNET_SPENT": str(folder / "spent"),
    }
    (folder / "spent").mkdir()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [Path(sys.executable).with_name("snakemake"), "--cores", "2", "--directory", folder]
    with (folder / "out.txt").open("w") as out:
        started = subprocess.Popen(
            [*command, "--configfile", folder / "mine.yaml", "--", "all"],
            cwd=PACKAGE_ROOT, env=environment, stdout=out, stderr=out,
        )  # fmt: skip
        forwarding: dict[int, float] = {}
        while started.poll() is None:
            followers(forwarding)
            time.sleep(1)
    if started.returncode:
        raise SystemExit((folder / "out.txt").read_text())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = sum(getattr(after, n) - getattr(before, n) for n in ("ru_utime", "ru_stime"))
    jobs = defaultdict(list)
    for path in (folder / "spent").iterdir():
        _, words, command_line = path.read_text().split("\n", 2)
        module = command_line.split(" ")[0]
        if module in MODULES:
            name = re.search(r"--log logs/(\S+)\.log", command_line)
            jobs[MODULES[module]].append((name[1] if name else "", seconds(words)))
    taken = sum(s for rule in jobs.values() for _, s in rule)
    count = sum(map(len, jobs.values()))
    return {
        "jobs": {rule: dict(sorted(found)) for rule, found in sorted(jobs.items())},
        "snakemake": round(total - taken, 2),
        "count": count,
        "forwarder": round(max(forwarding.values(), default=0.0), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="every job's seconds, as JSON")
    parser.add_argument("--preset", choices=("smoke", "demo"), nargs="+", default=["smoke", "demo"])
    options = parser.parse_args()
    found = {}
    for preset in options.preset:
        with tempfile.TemporaryDirectory() as folder:
            found[preset] = run(preset, Path(folder))
        print(preset, "Snakemake itself", found[preset]["snakemake"], "s,", found[preset]["count"],
              "jobs; forwarder", found[preset]["forwarder"], "s")  # fmt: skip
        for rule, jobs in found[preset]["jobs"].items():  # type: ignore[attr-defined]
            times = list(jobs.values())
            print(f"  {rule:<10} {len(times):>3} jobs  median {statistics.median(times):6.2f}  "
                  f"sum {sum(times):7.2f} s")  # fmt: skip
        if options.out:
            options.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
