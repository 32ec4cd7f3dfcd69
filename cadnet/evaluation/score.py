"""Predictions of all runs → one tidy table, the error of every image, and what they were made from.

    python -m cadnet.evaluation.score --runs results/*/seed*/run.json --data data/aligned/*.arrow \\
        --mild 0.2 --moderate 0.4 --out results

Writes ``scores.csv`` (experiment, seed, train_on, dataset, subset, metric, value, images),
``errors.parquet`` (one image a row), ``data.json`` (the datasets), ``runs.json`` (the runs) and
``metrics.json`` (means over seeds, for DVC).
Errors are shares of what the dataset's protocol divides by, in percent, and say so in the metric's
name: ``io`` is the inter-ocular distance (outer eye corners), ``box`` the width of the face's box.
The training set's mean shape is scored beside the models: a model that does not beat it has learned
nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cadnet import job
from cadnet.data.store import Store
from cadnet.evaluation import metrics
from cadnet.faces import SCHEMES, Array, comparable_points
from cadnet.provenance import atomic_path, write_json

TRIVIAL = "mean_shape"
Record = dict[str, Any]  # a run.json
_ERRORS = {
    "mean": metrics.mean_distance,
    "rms_point": metrics.rms_points,
    "rms_coord": metrics.rms_coordinates,
}
_SUFFIX = {"interocular": "io", "box_width": "box"}


@dataclass(frozen=True)
class Run:
    """Whose predictions are scored."""

    experiment: str
    seed: int
    train_on: str


def image_errors(
    run: Run, store: Store, rows: NDArray[np.int64], predicted: Array, scheme: str
) -> pd.DataFrame:
    """Errors of some faces, one a row, in percent of the dataset's normaliser.

    Args:
        predicted: (len(rows), L, 2) px of the crop, in ``scheme``; schemes that differ are
            compared at their common points, the truth's own corners measure the face.
    """
    from_predicted, from_truth = comparable_points(scheme, store.scheme)
    truth = store.landmarks[rows].astype(np.float64)
    named = store.about["normaliser"]
    normaliser = (
        SCHEMES[store.scheme].interocular(truth) if named == "interocular" else store.box[rows, 2]
    )
    a, b = from_predicted @ predicted.astype(np.float64), from_truth @ truth
    table = {
        "experiment": run.experiment,
        "seed": run.seed,
        "train_on": run.train_on,
        "dataset": store.about["dataset"],
        "subset": store.subset[rows],
        "key": store.keys[rows],
        "normaliser": _SUFFIX[named],
        **{name: 100 * error(a, b) / normaliser for name, error in _ERRORS.items()},
        "occluded": store.occluded[rows].mean(axis=1),
    }
    return pd.DataFrame(table)


def subsets(
    errors: pd.DataFrame, unions: dict[str, list[str]], occlusion: dict[str, float]
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The subsets of one run on one dataset: its own, unions, and strata of occlusion."""
    for name, part in errors.groupby("subset", sort=True):
        yield str(name), part
        labelled = part.dropna(subset="occluded")
        if name == "validation" or labelled.empty:
            continue
        mild = labelled["occluded"] <= occlusion["mild"]
        heavy = labelled["occluded"] > occlusion["moderate"]
        strata = {"mild": mild, "moderate": ~mild & ~heavy, "heavy": heavy}
        for stratum, chosen in strata.items():
            if chosen.any():
                yield f"{name}:{stratum}", labelled[chosen]
    for name, members in unions.items():
        if set(members) <= set(errors["subset"]):
            yield name, errors[errors["subset"].isin(members)]


def summarise(part: pd.DataFrame) -> dict[str, float]:
    """The metrics of a subset, by name."""
    error, suffix = part["mean"].to_numpy(), part["normaliser"].iloc[0]
    return {
        **{f"nrmse_{name}_{suffix}": float(part[name].mean()) for name in _ERRORS},
        "auc_008": metrics.auc(error, 8.0),
        "auc_010": metrics.auc(error, 10.0),
        "failure_008": metrics.failure_rate(error, 8.0),
        "failure_010": metrics.failure_rate(error, 10.0),
    }


def read_predictions(path: Path) -> pa.Table:
    """What ``cadnet.training.predict`` wrote.

    Raises:
        ValueError: the file is cut off.
    """
    try:
        return pq.read_table(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); delete it and run again") from error


def run_errors(
    path: Path, record: dict[str, Any], stores: dict[str, Store]
) -> Iterator[pd.DataFrame]:
    """Errors of one run, a frame a test set.

    Raises:
        ValueError: its predictions are cut off, or of other faces than the stores hold.
    """
    file = path.parent / "predictions.parquet"
    predictions = read_predictions(file)
    scheme = predictions.schema.metadata[b"scheme"].decode()
    run = Run(record["experiment"], record["seed"], record["train_on"])
    for dataset in record["parameters"]["test_on"]:
        store = stores[dataset]
        table = predictions.filter(pc.equal(predictions["dataset"], dataset))
        rows = np.flatnonzero(store.split != "train")
        if table["key"].to_pylist() != store.keys[rows].tolist():
            raise ValueError(f"{file}: is of other faces than {dataset} holds; delete it")
        landmarks = table["landmarks"].combine_chunks().flatten().to_numpy()
        yield image_errors(run, store, rows, landmarks.reshape(len(rows), -1, 2), scheme)


def all_errors(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> pd.DataFrame:
    """Errors of every run and of the mean shape, on every dataset it is tested on.

    The held-out validation part counts for the models trained on its dataset alone.
    """
    parts = [part for path, record in records for part in run_errors(path, record, stores)]
    pairs = {(r["train_on"], d) for _, r in records for d in r["parameters"]["test_on"]}
    for train_on, dataset in sorted(pairs):
        source, store = stores[train_on], stores[dataset]
        rows = np.flatnonzero(store.split != "train")
        mean = source.landmarks[source.rows(split="train")].mean(axis=0)
        # All stores' crops are alike, so the mean shape of one is a guess for another.
        guess = np.broadcast_to(mean, (len(rows), *mean.shape))
        parts.append(image_errors(Run(TRIVIAL, 0, train_on), store, rows, guess, source.scheme))
    errors = pd.concat(parts, ignore_index=True)
    foreign = (errors["subset"] == "validation") & (errors["dataset"] != errors["train_on"])
    return errors[~foreign].reset_index(drop=True)


def tidy(
    errors: pd.DataFrame, stores: dict[str, Store], occlusion: dict[str, float]
) -> pd.DataFrame:
    """The long table."""
    rows = []
    keys = ["experiment", "seed", "train_on", "dataset"]
    for (experiment, seed, train_on, dataset), part in errors.groupby(keys, sort=True):
        for subset, members in subsets(part, stores[str(dataset)].about["unions"], occlusion):
            for metric, value in summarise(members).items():
                rows.append(
                    (experiment, seed, train_on, dataset, subset, metric, value, len(members))
                )
    return pd.DataFrame(rows, columns=[*keys, "subset", "metric", "value", "images"])


def means(scores: pd.DataFrame) -> dict[str, Any]:
    """Mean NRMSE over seeds by experiment and test set, for `dvc metrics diff`."""
    nrmse = scores["metric"].str.startswith("nrmse_mean_")
    chosen = scores[nrmse & (scores["experiment"] != TRIVIAL)]
    tree: dict[str, Any] = {}
    for (name, dataset, subset), part in chosen.groupby(["experiment", "dataset", "subset"]):
        tree.setdefault(str(name), {})[f"{dataset}/{subset}"] = round(
            float(part["value"].mean()), 6
        )
    return tree


def describe(store: Store) -> dict[str, Any]:
    """What the report says about a dataset."""
    about, subset_counts = store.about, dict(store.about["subsets"])
    return {
        "origin": about["origin"],
        "partial": bool(about["missing"]),
        "missing": about["missing"],
        "digest": about["digest"],
        "train": subset_counts.pop("train", 0),
        "subsets": subset_counts,
        "counts": about["counts"],
        "occlusion_labels": bool(sum(about["occlusion_labels"].values())),
    }


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--tracking", type=Path, help="what cadnet.tracking.forward wrote")
    parser.add_argument("--mild", type=float, required=True)
    parser.add_argument("--moderate", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        stores = {store.about["dataset"]: store for store in map(Store, options.data)}
        records = [(p, json.loads(p.read_text(encoding="utf-8"))) for p in options.runs]
        errors = all_errors(records, stores)
        scores = tidy(errors, stores, {"mild": options.mild, "moderate": options.moderate})
        with atomic_path(options.out / "scores.csv") as temporary:
            scores.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")
        columns = ["experiment", "seed", "train_on", "dataset", "subset", "key", "occluded"]
        per_image = errors[columns].assign(error=errors["mean"])
        with atomic_path(options.out / "errors.parquet") as temporary:
            per_image.to_parquet(temporary, index=False)
        write_json(options.out / "metrics.json", means(scores))
        tracked = json.loads(options.tracking.read_text())["runs"] if options.tracking else {}
        for _, record in records:
            name = f"{record['experiment']}/seed{record['seed']}"
            record["mlflow_run_id"] = tracked.get(name)
        write_json(options.out / "runs.json", [record for _, record in records])
        write_json(
            options.out / "data.json", {name: describe(store) for name, store in stores.items()}
        )
        return f"{len(records)} runs, {len(errors)} image errors, {len(scores)} scores"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
