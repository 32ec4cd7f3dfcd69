"""Landmark metrics: pure functions of arrays.

"NRMSE" names three different numbers in the literature. Here each has its own name, and the
tables use the first, as the field does:

* ``mean_distance``: mean over points of the Euclidean distance.
* ``rms_points``: root of the mean over points of the squared distance.
* ``rms_coordinates``: root of the mean over coordinates of the squared difference.

Each is in the landmarks' own unit, per image; dividing by a normaliser is left to the caller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cadnet.faces import Array

FloatArray = NDArray[np.float64]


def point_errors(predicted: Array, truth: Array) -> FloatArray:
    """Euclidean distance of each point: (N, L, 2), (N, L, 2) → (N, L).

    ``faces.REGIONS`` says which columns are a face's jaw, brows, nose, eyes, mouth.
    """
    return np.linalg.norm(predicted.astype(np.float64) - truth, axis=-1)


def mean_distance(predicted: Array, truth: Array) -> FloatArray:
    """(N, L, 2), (N, L, 2) → (N,)."""
    return point_errors(predicted, truth).mean(axis=-1)


def rms_points(predicted: Array, truth: Array) -> FloatArray:
    """(N, L, 2), (N, L, 2) → (N,)."""
    difference = predicted.astype(np.float64) - truth
    result: FloatArray = np.sqrt((difference**2).sum(axis=-1).mean(axis=-1))
    return result


def rms_coordinates(predicted: Array, truth: Array) -> FloatArray:
    """(N, L, 2), (N, L, 2) → (N,)."""
    difference = predicted.astype(np.float64) - truth
    result: FloatArray = np.sqrt((difference**2).mean(axis=(-2, -1)))
    return result


def auc(errors: Array, threshold: float) -> float:
    """Area under the cumulative error distribution up to the threshold, as a share of it.

    Exact: the curve is a step function of the errors, so its integral is a mean.
    """
    return float(np.mean(np.maximum(0.0, threshold - errors)) / threshold)


def failure_rate(errors: Array, threshold: float) -> float:
    """Share of images whose error is above the threshold."""
    return float(np.mean(errors > threshold))
