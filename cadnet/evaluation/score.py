"""Predictions of an experiment's runs → a tidy table, and the error of every image.

    python -m cadnet.evaluation.score --runs results/cadnet/seed*/run.json \\
        --data data/aligned/300w.arrow data/aligned/cofw.arrow --mild 0.2 --moderate 0.4 \\
        --out results/cadnet

Writes ``scores.csv`` (experiment, seed, train_on, dataset, subset, metric, value, images),
``errors.parquet`` and ``expressions.parquet`` (one image a row), ``landmarks.csv`` (the mean error
of each point), ``reliability.json`` (how far the points that seeds agree on can be trusted).
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
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cadnet import job
from cadnet.data.store import Store
from cadnet.evaluation import expressions, metrics, reliability
from cadnet.evaluation.about import MAJORITY, TRIVIAL
from cadnet.evaluation.details import LANDMARK_COLUMNS, landmark_errors, more_scores
from cadnet.evaluation.runs import Run, measurable, run_results, test_rows, values
from cadnet.evaluation.runs import normaliser as normaliser_of
from cadnet.faces import REGIONS, Array, comparable_points
from cadnet.provenance import atomic_path, write_csv, write_json

_ERRORS = {
    "mean": metrics.mean_distance,
    "rms_point": metrics.rms_points,
    "rms_coord": metrics.rms_coordinates,
}
_SUFFIX = {"interocular": "io", "box_width": "box"}
_WHOSE = ["experiment", "seed", "train_on", "dataset"]
_COLUMNS = [*_WHOSE, "subset", "metric", "value", "images"]
_FACE = [("experiment", pa.string()), ("seed", pa.int64()), ("train_on", pa.string()),
         ("dataset", pa.string()), ("subset", pa.string()), ("key", pa.string())]  # fmt: skip
_ERRORS_FILE = pa.schema([*_FACE, ("occluded", pa.float64()), ("mean", pa.float64())])
_EXPRESSIONS_FILE = pa.schema([*_FACE, ("truth", pa.int64()), ("predicted", pa.int64())])


def _faces(run: Run, store: Store, rows: NDArray[np.int64]) -> dict[str, Any]:
    """The columns that say whose some rows are, and of which faces."""
    whose = {"experiment": run.experiment, "seed": run.seed, "train_on": run.train_on}
    return {
        **{name: [value] * len(rows) for name, value in whose.items()},
        "dataset": [store.about["dataset"]] * len(rows),
        "subset": store.subset[rows].tolist(),
        "key": store.keys[rows].tolist(),
    }


def _numbers(table: pa.Table, column: str) -> NDArray[Any]:
    found: NDArray[Any] = table[column].to_numpy()
    return found


def _parts(table: pa.Table, columns: list[str]) -> Iterator[tuple[tuple[Any, ...], pa.Table]]:
    """What some columns hold, in its order, with the rows that hold it."""
    rows = list(zip(*(table[column].to_pylist() for column in columns), strict=True))
    for found in sorted(set(rows)):
        yield found, table.filter([row == found for row in rows])


def image_errors(
    run: Run, store: Store, rows: NDArray[np.int64], predicted: Array, scheme: str
) -> pa.Table:
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
        **_faces(run, store, rows),
        "normaliser": [_SUFFIX[store.about["normaliser"]]] * len(rows),
        **{name: 100 * error(a, b) / normaliser for name, error in _ERRORS.items()},
        "occluded": store.occluded[rows].mean(axis=1, dtype=np.float64),
        **{name: 100 * points[:, region].mean(axis=1) for name, region in regions.items()},
    }
    return pa.table(table)


def subsets(
    errors: pa.Table, unions: dict[str, list[str]], occlusion: dict[str, float]
) -> Iterator[tuple[str, pa.Table]]:
    """The subsets of one run on one dataset: its own, unions, and strata of occlusion."""
    names = set(errors["subset"].to_pylist())
    for (name,), part in _parts(errors, ["subset"]):
        yield name, part
        if name == "validation":
            continue
        share = _numbers(part, "occluded")  # NaN, where there are no labels, is in no stratum
        mild, heavy = share <= occlusion["mild"], share > occlusion["moderate"]
        moderate = (share > occlusion["mild"]) & ~heavy
        for stratum, chosen in {"mild": mild, "moderate": moderate, "heavy": heavy}.items():
            if chosen.any():
                yield f"{name}:{stratum}", part.filter(chosen)
    for name, members in unions.items():
        if set(members) <= names:
            yield name, errors.filter(pc.is_in(errors["subset"], pa.array(members)))


def summarise(part: pa.Table) -> dict[str, float]:
    """The metrics of a subset, by name."""
    error, suffix = _numbers(part, "mean"), part["normaliser"][0].as_py()
    regions = {
        name: _numbers(part, name) for name in REGIONS["ibug68"] if name in part.schema.names
    }
    known = {name: values for name, values in regions.items() if np.isfinite(values).all()}
    return {
        **{f"nrmse_{name}_{suffix}": float(_numbers(part, name).mean()) for name in _ERRORS},
        **{f"nrmse_{name}_{suffix}": float(values.mean()) for name, values in known.items()},
        "auc_008": metrics.auc(error, 8.0),
        "auc_010": metrics.auc(error, 10.0),
        "failure_008": metrics.failure_rate(error, 8.0),
        "failure_010": metrics.failure_rate(error, 10.0),
    }


def _own_validation(parts: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """All parts; held-out validation faces count for the models trained on their dataset alone."""
    found = pa.concat_tables([schema.empty_table(), *parts], promote_options="default")
    tested = pc.not_equal(found["subset"], "validation")
    return found.filter(pc.or_(tested, pc.equal(found["dataset"], found["train_on"])))


def all_errors(records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]) -> pa.Table:
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
    return _own_validation(parts, _ERRORS_FILE)


def expression_results(
    run: Run, store: Store, predicted: NDArray[np.int64], classes: int
) -> pa.Table:
    """Tested faces with one of the labels, one a row: their expression, what it was taken for."""
    rows = test_rows(store)
    known = (store.expression[rows] >= 0) & (store.expression[rows] < classes)
    table = {
        **_faces(run, store, rows[known]),
        "truth": store.expression[rows][known].astype(np.int64),
        "predicted": predicted[known].astype(np.int64),
    }
    return pa.table(table, schema=_EXPRESSIONS_FILE)


def all_expressions(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> pa.Table:
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
    return _own_validation(parts, _EXPRESSIONS_FILE)


def tidy(
    errors: pa.Table,
    seen: pa.Table,
    stores: dict[str, Store],
    occlusion: dict[str, float],
    more: Iterable[tuple[Any, ...]] = (),
) -> list[tuple[Any, ...]]:
    """Rows of scores.csv; ``more`` are those beside errors and expressions."""
    rows = list(more)
    for run, part in _parts(errors, _WHOSE):
        for subset, members in subsets(part, stores[run[3]].about["unions"], occlusion):
            for metric, value in summarise(members).items():
                rows.append((*run, subset, metric, value, len(members)))
    for run, part in _parts(seen, [*_WHOSE, "subset"]):
        predicted, truth = _numbers(part, "predicted"), _numbers(part, "truth")
        rows.append((*run, "accuracy", expressions.accuracy(predicted, truth), len(part)))
        rows.append((*run, "macro_f1", expressions.macro_f1(predicted, truth), len(part)))
    return rows


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
        points = landmark_errors(records, stores)
        write_csv(options.out / "landmarks.csv", LANDMARK_COLUMNS, points, digits=6)
        write_csv(options.out / "scores.csv", _COLUMNS, scores, digits=9)
        per_image = errors.select(_ERRORS_FILE.names).rename_columns({"mean": "error"})
        with atomic_path(options.out / "errors.parquet") as temporary:
            pq.write_table(per_image, temporary)
        with atomic_path(options.out / "expressions.parquet") as temporary:
            pq.write_table(seen, temporary)
        write_json(options.out / "reliability.json", reliability.of_runs(records, stores))
        return f"{len(records)} runs, {len(errors)} image errors, {len(scores)} scores"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
