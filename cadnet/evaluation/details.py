"""What is scored beside errors and expressions: masks, videos' jitter, each landmark alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cadnet.data.store import Store
from cadnet.evaluation import metrics
from cadnet.evaluation.jitter import jitter, to_frames
from cadnet.evaluation.runs import Run, measurable, normaliser, run_results, test_rows, values
from cadnet.faces import Array

LANDMARK_COLUMNS = ["experiment", "seed", "dataset", "subset", "landmark", "error"]
_MASKS = ("mask_drop_sparsity", "mask_final_sparsity", "mask_coverage")
_JITTER = {
    "jitter_io": "predicted",
    "jitter_truth_io": "truth",
    "jitter_excess_io": "excess",
}


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
            videos = [getattr(video, field) for video in found.values()]
            if videos:
                value = float(np.mean(videos))
                yield (*astuple(run), store.about["dataset"], subset, metric, value, len(videos))


def more_scores(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> Iterator[tuple[Any, ...]]:
    """Rows of the tidy table beside errors and expressions: masks, and jitter of videos."""
    for path, record in records:
        for store, table, run, scheme in run_results(path, record, stores):
            masks, landmarks = values(table, "masks"), values(table, "landmarks")
            own = store.about["dataset"] == run.train_on
            rows: list[tuple[Any, ...]] = []
            if masks is not None:
                rows += mask_scores(run, store, masks)
            if landmarks is not None and store.video.any() and scheme == store.scheme:
                rows += jitter_scores(run, store, landmarks.reshape(len(landmarks), -1, 2))
            yield from (row for row in rows if own or row[4] != "validation")


def landmark_errors(
    records: list[tuple[Path, dict[str, Any]]], stores: dict[str, Store]
) -> Iterator[tuple[Any, ...]]:
    """Rows of ``LANDMARK_COLUMNS``: the mean error of each point, in % of the dataset's normaliser,
    where the schemes are one."""
    for path, record in records:
        for store, table, run, scheme in run_results(path, record, stores):
            landmarks = values(table, "landmarks")
            if landmarks is None or scheme != store.scheme or not measurable(store):
                continue
            rows = test_rows(store)
            truth = store.landmarks[rows].astype(np.float64)
            points = metrics.point_errors(landmarks.reshape(truth.shape), truth)
            points = 100 * points / normaliser(store, rows)[:, None]
            for subset, chosen in _subset_rows(store):
                where = (run.experiment, run.seed, store.about["dataset"], subset)
                for landmark, error in enumerate(points[chosen].mean(axis=0)):
                    yield (*where, landmark, float(error))
