"""Recognised expressions: pure functions of labels, indices into ``faces.EXPRESSIONS``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


def accuracy(predicted: Labels, truth: Labels) -> float:
    """Share that is right, in percent."""
    return float(100 * np.mean(predicted == truth))


def confusion(predicted: Labels, truth: Labels, classes: int) -> NDArray[np.int64]:
    """(classes, classes): how often the row's expression was taken for the column's."""
    matrix = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def macro_f1(predicted: Labels, truth: Labels) -> float:
    """Mean F1 of the expressions that occur, in percent; those that never do have none."""
    matrix = confusion(predicted, truth, int(max(predicted.max(), truth.max())) + 1)
    right, wanted, said = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    occurs = wanted + said > 0
    return float(100 * np.mean(2 * right[occurs] / (wanted + said)[occurs]))
