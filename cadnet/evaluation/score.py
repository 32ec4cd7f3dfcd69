"""Predictions of an experiment's runs → a tidy table, and the error of every image.

    python -m cadnet.evaluation.score --runs results/cadnet/seed*/run.json \\
        --data data/aligned/300w.arrow data/aligned/cofw.arrow --mild 0.2 --moderate 0.4 \\
        --out results/cadnet

Writes ``scores.csv`` (experiment, seed, train_on, dataset, subset, metric, value, images),
``errors.parquet`` and ``expressions.parquet`` (one image a row), ``landmarks.csv`` (the mean error
of each point).
Errors are shares of what the dataset's protocol divides by, in percent, and say so in the metric's
name: ``io`` is the inter-ocular distance (outer eye corners), ``box`` the width of the face's box.
The training set's mean shape is scored beside the models, and its most frequent expression: a model
that does not beat them has learned nothing. Expressions are scored by accuracy and macro F1, in
percent; videos also by jitter, models with a dropout block by statistics of their masks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cadnet import job
from cadnet.data.store import Store
from cadnet.evaluation import expressions, metrics
from cadnet.evaluation.details import landmark_errors, more_scores
from cadnet.evaluation.runs import Run, measurable, run_results, test_rows, values
from cadnet.evaluation.runs import normaliser as normaliser_of
from cadnet.faces import REGIONS, Array, comparable_points
from cadnet.provenance import atomic_path

TRIVIAL, MAJORITY = "mean_shape", "majority"
_ERRORS = {
    "mean": metrics.mean_distance,
    "rms_point": metrics.rms_points,
    "rms_coord": metrics.rms_coordinates,
}
_SUFFIX = {"interocular": "io", "box_width": "box"}


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
    normaliser = normaliser_of(store, rows)
    a, b = from_predicted @ predicted.astype(np.float64), from_truth @ truth
    regions = REGIONS.get(scheme, {}) if scheme == store.scheme else {}
    points = metrics.point_errors(a, b) / normaliser[:, None]
    table = {
        "experiment": run.experiment,
        "seed": run.seed,
        "train_on": run.train_on,
        "dataset": store.about["dataset"],
        "subset": store.subset[rows],
        "key": store.keys[rows],
        "normaliser": _SUFFIX[store.about["normaliser"]],
        **{name: 100 * error(a, b) / normaliser for name, error in _ERRORS.items()},
        "occluded": store.occluded[rows].mean(axis=1),
        **{name: 100 * points[:, region].mean(axis=1) for name, region in regions.items()},
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
        **{
            f"nrmse_{name}_{suffix}": float(part[name].mean())
            for name in REGIONS["ibug68"]
            if name in part and part[name].notna().all()
        },
        "auc_008": metrics.auc(error, 8.0),
        "auc_010": metrics.auc(error, 10.0),
        "failure_008": metrics.failure_rate(error, 8.0),
        "failure_010": metrics.failure_rate(error, 10.0),
    }


def _own_validation(found: pd.DataFrame) -> pd.DataFrame:
    """The held-out validation part counts for the models trained on its dataset alone."""
    foreign = (found["subset"] == "validation") & (found["dataset"] != found["train_on"])
    return found[~foreign].reset_index(drop=True)


def all_errors(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> pd.DataFrame:
    """Landmark errors of every run and of the mean shape, on every dataset it is tested on."""
    parts, pairs = [], set()
    for path, record in records:
        for store, table, run, scheme in run_results(path, record, stores):
            landmarks = values(table, "landmarks")
            if landmarks is not None and measurable(store):
                points = landmarks.reshape(len(landmarks), -1, 2)
                parts.append(image_errors(run, store, test_rows(store), points, scheme))
                pairs.add((run.train_on, store.about["dataset"]))
    for train_on, dataset in sorted(pairs):
        source, store = stores[train_on], stores[dataset]
        rows = test_rows(store)
        mean = source.landmarks[source.rows(split="train")].mean(axis=0)
        # All stores' crops are alike, so the mean shape of one is a guess for another.
        guess = np.broadcast_to(mean, (len(rows), *mean.shape))
        parts.append(image_errors(Run(TRIVIAL, 0, train_on), store, rows, guess, source.scheme))
    return _own_validation(pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame()


def expression_results(
    run: Run, store: Store, predicted: NDArray[np.int64], classes: int
) -> pd.DataFrame:
    """Tested faces with one of the labels, one a row: their expression, what it was taken for."""
    rows = test_rows(store)
    known = (store.expression[rows] >= 0) & (store.expression[rows] < classes)
    table = {
        "experiment": run.experiment,
        "seed": run.seed,
        "train_on": run.train_on,
        "dataset": store.about["dataset"],
        "subset": store.subset[rows][known],
        "key": store.keys[rows][known],
        "truth": store.expression[rows][known],
        "predicted": predicted[known],
    }
    return pd.DataFrame(table)


def all_expressions(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> pd.DataFrame:
    """Expressions that every run saw, and the most frequent one, on every dataset with labels."""
    parts, pairs = [], set()
    for path, record in records:
        for store, table, run, _ in run_results(path, record, stores):
            logits = values(table, "expression")
            if logits is not None and (store.expression[test_rows(store)] >= 0).any():
                best, classes = logits.argmax(axis=1), logits.shape[1]
                parts.append(expression_results(run, store, best, classes))
                pairs.add((run.train_on, store.about["dataset"], classes))
    for train_on, dataset, classes in sorted(pairs):
        source, store = stores[train_on], stores[dataset]
        labels = source.expression[source.rows(split="train")]
        common = np.bincount(labels[(labels >= 0) & (labels < classes)]).argmax()
        guess = np.full(len(test_rows(store)), common)
        parts.append(expression_results(Run(MAJORITY, 0, train_on), store, guess, classes))
    return _own_validation(pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame()


def tidy(
    errors: pd.DataFrame,
    seen: pd.DataFrame,
    stores: dict[str, Store],
    occlusion: dict[str, float],
    more: Iterable[tuple[Any, ...]] = (),
) -> pd.DataFrame:
    """The long table; ``more`` are rows of it beside those of errors and expressions."""
    rows = list(more)
    keys = ["experiment", "seed", "train_on", "dataset"]
    for run, part in errors.groupby(keys, sort=True) if len(errors) else ():
        for subset, members in subsets(part, stores[str(run[3])].about["unions"], occlusion):
            for metric, value in summarise(members).items():
                rows.append((*run, subset, metric, value, len(members)))
    for run, part in seen.groupby([*keys, "subset"], sort=True) if len(seen) else ():
        predicted, truth = part["predicted"].to_numpy(), part["truth"].to_numpy()
        rows.append((*run, "accuracy", expressions.accuracy(predicted, truth), len(part)))
        rows.append((*run, "macro_f1", expressions.macro_f1(predicted, truth), len(part)))
    return pd.DataFrame(rows, columns=[*keys, "subset", "metric", "value", "images"])


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--mild", type=float, required=True)
    parser.add_argument("--moderate", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        stores = {store.about["dataset"]: store for store in map(Store, options.data)}
        records = [(p, json.loads(p.read_text(encoding="utf-8"))) for p in options.runs]
        errors = all_errors(records, stores)
        seen = all_expressions(records, stores)
        occlusion = {"mild": options.mild, "moderate": options.moderate}
        scores = tidy(errors, seen, stores, occlusion, more_scores(records, stores))
        with atomic_path(options.out / "landmarks.csv") as temporary:
            landmark_errors(records, stores).to_csv(
                temporary, index=False, float_format="%.6g", lineterminator="\n"
            )
        with atomic_path(options.out / "scores.csv") as temporary:
            scores.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")
        columns = ["experiment", "seed", "train_on", "dataset", "subset", "key"]
        per_image = errors.reindex(columns=[*columns, "occluded", "mean"])
        with atomic_path(options.out / "errors.parquet") as temporary:
            per_image.rename(columns={"mean": "error"}).to_parquet(temporary, index=False)
        with atomic_path(options.out / "expressions.parquet") as temporary:
            seen.reindex(columns=[*columns, "truth", "predicted"]).to_parquet(
                temporary, index=False
            )
        return f"{len(records)} runs, {len(errors)} image errors, {len(scores)} scores"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
