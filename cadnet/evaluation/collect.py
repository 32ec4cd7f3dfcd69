"""All experiments' scores into one tidy table, with what they were made from.

    python -m cadnet.evaluation.collect --runs results/*/seed*/run.json \\
        --scores results/*/scores.csv --data data/aligned/*.json --out results

Writes ``scores.csv``, ``errors.parquet`` and ``expressions.parquet`` of all experiments,
``data.json`` (the datasets), ``runs.json`` (the runs, with their MLflow runs) and ``metrics.json``
(means over seeds, for DVC).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from cadnet import job
from cadnet.evaluation.about import MAJORITY, TRIVIAL, datasets
from cadnet.integrity import verified
from cadnet.provenance import atomic_path, write_json


def together(paths: list[Path]) -> pd.DataFrame:
    """Tables of the same columns, one below the other; what several have (the trivial predictor's
    rows) once.

    Raises:
        ValueError: a file cannot be read; names it.
    """
    parts = []
    for path in map(verified, paths):
        try:
            parts.append(pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path))
        except (OSError, ValueError) as error:
            message = f"{path}: cannot be read ({error}); delete it and run again"
            raise ValueError(message) from error
    full = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(full, ignore_index=True).drop_duplicates(ignore_index=True)


def means(scores: pd.DataFrame) -> dict[str, Any]:
    """Mean NRMSE or accuracy over seeds by experiment and test set, for `dvc metrics diff`."""
    nrmse = scores["metric"].isin(["nrmse_mean_io", "nrmse_mean_box"])
    trivial = scores["experiment"].isin([TRIVIAL, MAJORITY])
    tree: dict[str, Any] = {}
    for wanted, suffix in ((nrmse, ""), (scores["metric"] == "accuracy", "/accuracy")):
        chosen = scores[wanted & ~trivial]
        for (name, dataset, subset), part in chosen.groupby(["experiment", "dataset", "subset"]):
            of = tree.setdefault(str(name), {})
            of[f"{dataset}/{subset}{suffix}"] = round(float(part["value"].mean()), 6)
    return tree


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    for name in ("runs", "scores", "data"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    parser.add_argument("--tracking", type=Path, help="what cadnet.tracking.forward wrote")
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        scores = together(options.scores)
        with atomic_path(options.out / "scores.csv") as temporary:
            scores.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")
        for name in ("errors", "expressions"):
            table = together([path.with_name(f"{name}.parquet") for path in options.scores])
            with atomic_path(options.out / f"{name}.parquet") as temporary:
                table.to_parquet(temporary, index=False)
        write_json(options.out / "metrics.json", means(scores))
        write_json(options.out / "data.json", datasets(options.data))
        tracked = json.loads(options.tracking.read_text())["runs"] if options.tracking else {}
        records = [json.loads(path.read_text(encoding="utf-8")) for path in options.runs]
        for record in records:
            trained = record.get("quantised", record["experiment"])
            name = f"{trained}/seed{record['seed']}"
            record["mlflow_run_id"] = tracked.get(name)
        write_json(options.out / "runs.json", records)
        return f"{len(records)} runs, {len(scores)} scores"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
