"""Figures 3 and 10: predictions beside the truth."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.faces import Array
from cadnet.paper import declarations
from cadnet.paper.drawing import examples
from cadnet.paper.drawing.pictures import PREDICTED, TRUTH, Pictures, points, show, side_for
from cadnet.paper.drawing.style import SMALL, WIDTH, styled
from cadnet.paper.results import Results

_MOST = 6  # faces in a row


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


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The chosen faces, as annotated and as predicted."""
    arrays = examples.load(figure, results)
    drawn = predictions(*(arrays[name] for name in ("images", "truth", "predicted", "errors")))
    examples.sign(drawn, figure, results, predicted=True)
    return drawn
