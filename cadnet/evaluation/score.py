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
from dataclasses import astuple, dataclass
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
from cadnet.evaluation import expressions, metrics
from cadnet.evaluation.jitter import jitter, to_frames
from cadnet.faces import REGIONS, SCHEMES, Array, comparable_points
from cadnet.provenance import atomic_path

TRIVIAL, MAJORITY = "mean_shape", "majority"
Record = dict[str, Any]  # a run.json
_ERRORS = {
    "mean": metrics.mean_distance,
    "rms_point": metrics.rms_points,
    "rms_coord": metrics.rms_coordinates,
}
_MASKS = ("mask_drop_sparsity", "mask_final_sparsity", "mask_coverage")
_JITTER = {
    "jitter_io": "predicted",
    "jitter_truth_io": "truth",
    "jitter_excess_io": "excess",
}
_SUFFIX = {"interocular": "io", "box_width": "box"}


@dataclass(frozen=True)
class Run:
    """Whose predictions are scored."""

    experiment: str
    seed: int
    train_on: str


def _normaliser(store: Store, rows: NDArray[np.int64]) -> Array:
    """(len(rows),) px of the crop: what the dataset's protocol divides by."""
    if store.about["normaliser"] == "box_width":
        width: Array = store.box[rows, 2]
        return width
    return SCHEMES[store.scheme].interocular(store.landmarks[rows].astype(np.float64))


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
    normaliser = _normaliser(store, rows)
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


def read_predictions(path: Path) -> pa.Table:
    """What ``cadnet.training.predict`` wrote.

    Raises:
        ValueError: the file is cut off.
    """
    try:
        return pq.read_table(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); delete it and run again") from error


def test_rows(store: Store) -> NDArray[np.int64]:
    """The faces that predictions are made for."""
    return np.flatnonzero(store.split != "train")


def measurable(store: Store) -> bool:
    """Whether a dataset's faces to be tested have landmarks."""
    return bool(np.isfinite(store.landmarks[test_rows(store)]).any())


def run_results(
    path: Path, record: Record, stores: dict[str, Store]
) -> Iterator[tuple[Store, pa.Table, Run, str]]:
    """Predictions of one run, a table a test set, with the run and its landmark scheme.

    Raises:
        ValueError: its predictions are cut off, or of other faces than the stores hold.
    """
    file = path.parent / "predictions.parquet"
    predictions = read_predictions(file)
    scheme = predictions.schema.metadata[b"scheme"].decode()
    run = Run(record["experiment"], record["seed"], record["train_on"])
    for dataset in record["parameters"]["test_on"]:
        store = stores[dataset]
        table = predictions.filter(pc.equal(predictions["dataset"], dataset)).combine_chunks()
        if table["key"].to_pylist() != store.keys[test_rows(store)].tolist():
            raise ValueError(f"{file}: is of other faces than {dataset} holds; delete it")
        yield store, table, run, scheme


def _values(table: pa.Table, column: str) -> NDArray[np.float32] | None:
    """A column of lists as (N, …); None where the model says nothing of the kind."""
    values = table[column].combine_chunks()
    if not len(values) or values.null_count:
        return None
    numbers: NDArray[np.float32] = values.flatten().to_numpy()
    return numbers.reshape(len(values), -1)


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
            landmarks = _values(table, "landmarks")
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
            logits = _values(table, "expression")
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


def _subset_rows(store: Store) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The subsets of a dataset's tested faces, unions among them, each with who is in it."""
    subset = store.subset[test_rows(store)]
    for name in sorted(set(subset)):
        yield str(name), subset == name
    for name, members in store.about["unions"].items():
        if set(members) <= set(subset):
            yield name, np.isin(subset, members)


def mask_scores(run: Run, store: Store, masks: NDArray[np.float32]) -> Iterator[tuple[Any, ...]]:
    """Rows of the tidy table: the masks' statistics, means over faces."""
    for subset, chosen in _subset_rows(store):
        for column, metric in enumerate(_MASKS):
            value = float(np.nanmean(masks[chosen, column], dtype=np.float64))
            yield (*astuple(run), store.about["dataset"], subset, metric, value, int(chosen.sum()))


def jitter_scores(run: Run, store: Store, predicted: Array) -> Iterator[tuple[Any, ...]]:
    """Rows of the tidy table: the jitter of videos, means over videos, which ``images`` counts."""
    rows = test_rows(store)
    said, true = (
        to_frames(points, store.region[rows], store.size)
        for points in (predicted, store.landmarks[rows])
    )
    for subset, chosen in _subset_rows(store):
        found = jitter(said[chosen], true[chosen], store.video[rows][chosen], scheme=store.scheme)
        for metric, field in _JITTER.items():
            values = [getattr(video, field) for video in found.values()]
            if values:
                value = float(np.mean(values))
                yield (*astuple(run), store.about["dataset"], subset, metric, value, len(values))


def more_scores(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> Iterator[tuple[Any, ...]]:
    """Rows of the tidy table beside errors and expressions: masks, and jitter of videos."""
    for path, record in records:
        for store, table, run, scheme in run_results(path, record, stores):
            masks, landmarks = _values(table, "masks"), _values(table, "landmarks")
            own = store.about["dataset"] == run.train_on
            rows: list[tuple[Any, ...]] = []
            if masks is not None:
                rows += mask_scores(run, store, masks)
            if landmarks is not None and store.video.any() and scheme == store.scheme:
                rows += jitter_scores(run, store, landmarks.reshape(len(landmarks), -1, 2))
            yield from (row for row in rows if own or row[4] != "validation")


def landmark_errors(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> pd.DataFrame:
    """Mean error of each point, in % of the dataset's normaliser, where the schemes are one."""
    parts = []
    for path, record in records:
        for store, table, run, scheme in run_results(path, record, stores):
            landmarks = _values(table, "landmarks")
            if landmarks is None or scheme != store.scheme or not measurable(store):
                continue
            rows = test_rows(store)
            truth = store.landmarks[rows].astype(np.float64)
            points = metrics.point_errors(landmarks.reshape(truth.shape), truth)
            points = 100 * points / _normaliser(store, rows)[:, None]
            for subset, chosen in _subset_rows(store):
                mean = points[chosen].mean(axis=0)
                table_of = {"experiment": run.experiment, "seed": run.seed,
                            "dataset": store.about["dataset"], "subset": subset,
                            "landmark": np.arange(len(mean)), "error": mean}  # fmt: skip
                parts.append(pd.DataFrame(table_of))
    columns = ["experiment", "seed", "dataset", "subset", "landmark", "error"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


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
