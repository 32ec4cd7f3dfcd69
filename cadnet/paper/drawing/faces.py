"""Figures 1 and 2: faces under occlusion. Figures 3 and 10: predictions beside the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from cadnet.faces import Array
from cadnet.paper.drawing.pictures import (
    OCCLUDED,
    PREDICTED,
    TRUTH,
    Pictures,
    points,
    show,
    side_for,
)
from cadnet.paper.drawing.style import SMALL, WIDTH, styled, unavailable

_MOST = 6  # faces in a row


def _legend(figure: Figure, entries: dict[str, str]) -> None:
    """What the colours of landmarks mean, below the pictures."""
    handles = [
        Line2D([], [], ls="", marker="o", ms=5, color=colour, mec="#000000", mew=0.6, label=label)
        for label, colour in entries.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


@styled()
def sheet(
    images: Pictures,
    landmarks: Array | None,
    occluded: Array | None,
    captions: Sequence[str],
) -> Figure:
    """Faces (N, S, S, 3) in rows of six, captions below.

    Args:
        landmarks: (N, L, 2) px of the crop; NaN or None where a dataset has none.
        occluded: (N, L), true for landmarks that are annotated as hidden, which get their own
            colour; NaN or None where unknown.
    """
    count = len(images)
    if not count:
        return unavailable("no face to show")
    across = min(_MOST, count)
    down = -(-count // across)
    cell = WIDTH / _MOST
    figure = Figure((max(2, across) * cell, down * (cell + 0.25) + 0.25), layout="compressed")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    kinds: dict[str, str] = {}
    for index, place in enumerate(axes):
        if index >= count:
            place.set_axis_off()
            continue
        show(place, images[index], side_for(count))
        place.set_xlabel(captions[index], fontsize=SMALL)
        if landmarks is None:
            continue
        there = np.isfinite(landmarks[index]).all(axis=1)
        hidden = np.zeros(len(there), dtype=bool)
        if occluded is not None:
            hidden = np.nan_to_num(occluded[index]).astype(bool)
        for label, colour, chosen in (
            ("landmark", TRUTH, there & ~hidden),
            ("occluded landmark", OCCLUDED, there & hidden),
        ):
            if chosen.any():
                points(place, landmarks[index, chosen], colour)
                kinds[label] = colour
    if kinds:
        _legend(figure, kinds)
    return figure


@styled()
def predictions(
    images: Pictures,
    truth: Array,
    predicted: Array,
    errors: NDArray[np.floating],
    unit: str = "%",
) -> Figure:
    """Faces with the truth in the upper row, with predictions in the lower, NRMSE under each.

    Args:
        images: (N, S, S, 3); six of them fill a page's width.
        truth, predicted: (N, L, 2) and (N, L′, 2) px of the crop.
        errors: (N,) in ``unit``.
    """
    count = len(images)
    if not count:
        return unavailable("no face to show")
    cell = WIDTH / max(_MOST, count)
    figure = Figure((max(3, count) * cell, 2 * cell + 0.4), layout="compressed")
    axes = figure.subplots(2, count, squeeze=False)
    for index in range(count):
        for place, landmarks, colour in zip(
            axes[:, index], (truth[index], predicted[index]), (TRUTH, PREDICTED), strict=True
        ):
            show(place, images[index], side_for(2 * count))
            points(place, landmarks, colour)
        axes[1, index].set_xlabel(f"{errors[index]:.2f} {unit}", fontsize=SMALL)
    axes[0, 0].set_ylabel("Ground truth")
    axes[1, 0].set_ylabel("Prediction")
    figure.supxlabel("NRMSE of each face", fontsize=SMALL)
    return figure
