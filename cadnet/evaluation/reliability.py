"""How far the points of a prediction can be trusted: disagreement of seeds, calibrated.

Models of several seeds see the same face. Where they disagree on a point, its error tends to be
large. ``fit`` turns disagreement into the probability that the point is *near*: within 10 % of the
inter-ocular distance of where it belongs. ``check`` says what that probability is worth.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cadnet.data.store import Store
from cadnet.evaluation.runs import Record, measurable, run_results, test_rows, values
from cadnet.faces import SCHEMES, Array, comparable_points
from cadnet.integrity import verified

NEAR = 0.1
"""Of the inter-ocular distance: a point closer than this is near."""
_KNOTS = 33
_BINS = 10


class Consensus(NamedTuple):
    """What models of several seeds say together."""

    landmarks: Array
    """(N, L, 2): the mean of theirs."""
    disagreement: Array
    """(N, L): mean distance of theirs from it, over the inter-ocular distance."""


def consensus(landmarks: Array, scheme: str) -> Consensus:
    """Landmarks (S, N, L, 2) of S seeds in one scheme → what they say together."""
    mean = landmarks.mean(axis=0, dtype=np.float64)
    distance = np.linalg.norm(landmarks - mean, axis=-1).mean(axis=0)
    return Consensus(mean, distance / SCHEMES[scheme].interocular(mean)[:, None])


class Calibration(NamedTuple):
    """Disagreement → probability of being near: falling, linear between knots."""

    disagreement: list[float]
    near: list[float]

    def __call__(self, disagreement: Array) -> Array:
        found: Array = np.interp(disagreement, self.disagreement, self.near)
        return found


def fit(disagreement: Array, near: NDArray[np.bool_]) -> Calibration:
    """Isotonic regression of ``near`` on ``disagreement`` (both flat), thinned to some knots."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(disagreement, kind="stable")
    falling = isotonic_regression(near[order].astype(np.float64), increasing=False).x
    at = np.unique(np.linspace(0, len(order) - 1, _KNOTS).round().astype(int))
    knots = [float(f"{value:.6g}") for value in disagreement[order][at]]
    return Calibration(knots, [float(f"{value:.6g}") for value in falling[at]])


def check(probability: Array, near: NDArray[np.bool_]) -> dict[str, float | None]:
    """What probabilities (flat) are worth: the expected calibration error over ten equal bins, the
    Brier score beside the one of always saying the share, and the area under the ROC curve (null
    where all points are near, or none)."""
    from scipy.stats import rankdata

    bins = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    error = sum(
        np.mean(bins == b) * abs(probability[bins == b].mean() - near[bins == b].mean())
        for b in np.unique(bins)
    )
    share, hits = near.mean(), int(near.sum())
    misses = len(near) - hits
    ranks = rankdata(probability)[near].sum() - hits * (hits + 1) / 2
    found = {
        "share_near": share,
        "calibration_error": error,
        "brier": np.mean((probability - near) ** 2),
        "brier_of_share": share * (1 - share),
        "auc": ranks / (hits * misses) if hits and misses else None,
    }
    return {k: v if v is None else round(float(v), 6) for k, v in found.items()}


def _points(said: Consensus, store: Store, rows: NDArray[np.int64], scheme: str) -> Array:
    """(N, K, 3) at the points that scheme and dataset share: disagreement, error (over the
    inter-ocular distance of the truth), and 1 for near, else 0."""
    ours, theirs = comparable_points(scheme, store.scheme)
    truth = store.landmarks[rows].astype(np.float64)
    distance = np.linalg.norm(ours @ said.landmarks - theirs @ truth, axis=-1)
    error = distance / SCHEMES[store.scheme].interocular(truth)[:, None]
    disagreement = said.disagreement @ ours.T
    return np.stack([disagreement, error, error <= NEAR], axis=-1)


def of_runs(records: list[tuple[Path, Record]], stores: dict[str, Store]) -> dict[str, Any]:
    """Calibration on the held-out faces of the training set, and what it is worth on each test set.

    JSON-like; ``calibration`` is null, with a ``reason``, where there is none to be had.
    """
    schemes: set[str] = set()
    said: defaultdict[str, list[Array]] = defaultdict(list)
    for path, record in records:
        for store, table, _, scheme in run_results(path, record, stores):
            landmarks = values(table, "landmarks")
            by_eyes = store.about["normaliser"] == "interocular"
            if landmarks is not None and by_eyes and measurable(store):
                said[store.about["dataset"]].append(landmarks.reshape(len(landmarks), -1, 2))
                schemes.add(scheme)
    train_on = records[0][1]["train_on"]
    seeds = [record["seed"] for _, record in records]
    about: dict[str, Any] = {"seeds": seeds, "near": NEAR, "calibration": None, "checked": {}}
    if not said:
        return {**about, "reason": "the model gives no landmarks, or no face has any"}
    if len(records) < 2:
        return {**about, "reason": "one seed: nothing to disagree with"}
    (scheme,) = schemes
    points = {
        name: _points(
            consensus(np.stack(all_), scheme), stores[name], test_rows(stores[name]), scheme
        )
        for name, all_ in said.items()
    }
    held_out = stores[train_on].subset[test_rows(stores[train_on])] == "validation"
    if train_on not in points or not np.isfinite(known := points[train_on][held_out]).any():
        return {**about, "reason": f"no face of {train_on} with landmarks was held out"}
    known = known[np.isfinite(known).all(axis=-1)]
    calibration = fit(known[:, 0], known[:, 2] > 0)
    for name, found in points.items():
        tested = found[stores[name].subset[test_rows(stores[name])] != "validation"]
        tested = tested[np.isfinite(tested).all(axis=-1)]
        if len(tested):
            worth = check(calibration(tested[:, 0]), tested[:, 2] > 0)
            error = round(100 * float(tested[:, 1].mean()), 6)
            about["checked"][name] = {"points": len(tested), "nrmse_mean_io": error, **worth}
    return {**about, "reason": "", "calibration": calibration._asdict(), "fitted_on": train_on}


def read(path: Path, seeds: list[int]) -> Calibration | None:
    """The calibration of an experiment's ``reliability.json``, if it has one for these seeds: more
    of them, or fewer, disagree otherwise."""
    found = json.loads(verified(path).read_text(encoding="utf-8"))
    fits = found["calibration"] and sorted(found["seeds"]) == sorted(seeds)
    return Calibration(**found["calibration"]) if fits else None
