"""The hyper-parameter search (section 4.5): trials → a table, and the values that were best.

    python -m cadnet.training.search --grids "$(…)" --trials results/search/*/*/run.json \\
        --table results/search.csv --chosen results/chosen.json

A trial is a training run of ``cadnet.training.run`` with one value changed. The best has the lowest
landmark error on held-out faces; where a grid is about expressions, the highest accuracy. Of equals
the first wins.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from cadnet import job
from cadnet.provenance import atomic_path, write_json

COLUMNS = ("grid", "parameter", "experiment", "value", "metric", "validation", "epochs", "chosen")


def judged_by(grid: str) -> tuple[str, bool]:
    """The run record's field that decides, and whether less is better."""
    return ("validation_accuracy", False) if grid == "lambda_fer" else ("validation_nrmse", True)


def judge(
    grids: dict[str, Any], records: dict[tuple[str, int], dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row for each trial, the chosen one of each grid marked.

    Args:
        grids: as in ``params.yaml``.
        records: run.json of each grid's trial, by its place in the grid.
    """
    rows = []
    for name, grid in grids.items():
        field, less = judged_by(name)
        results = [records[name, index][field] for index in range(len(grid["values"]))]
        best = results.index(min(results) if less else max(results))
        for index, value in enumerate(grid["values"]):
            record = records[name, index]
            row = (name, grid["parameter"], grid["experiment"], value, field, results[index],
                   record["epochs"], index == best)  # fmt: skip
            rows.append(dict(zip(COLUMNS, row, strict=True)))
    return rows


def tuned(spec: dict[str, Any], chosen: dict[str, float]) -> dict[str, Any]:
    """An experiment with the chosen loss weights; other chosen values leave it as it is."""
    prefix = "train.loss."
    loss = {k.removeprefix(prefix): v for k, v in chosen.items() if k.startswith(prefix)}
    train = {**spec["train"], "loss": {**spec["train"]["loss"], **loss}}
    return {**spec, "train": train}


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--grids", type=job.json_argument, required=True)
    parser.add_argument("--trials", type=Path, nargs="+", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--chosen", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        records = {
            (path.parent.parent.name, int(path.parent.name.removeprefix("trial"))): json.loads(
                path.read_text(encoding="utf-8")
            )
            for path in options.trials
        }
        rows = judge(options.grids, records)
        with (
            atomic_path(options.table) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            write = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            write.writeheader()
            write.writerows(rows)
        best = {row["parameter"]: row["value"] for row in rows if row["chosen"]}
        write_json(options.chosen, best)
        return ", ".join(f"{name} = {value:g}" for name, value in best.items())

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
