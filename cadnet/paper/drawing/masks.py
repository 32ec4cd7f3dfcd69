"""Figures 11 and X13: what the attentive dropout block keeps of a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.faces import Array
from cadnet.paper.drawing.pictures import PREDICTED, Pictures, points, show, side_for
from cadnet.paper.drawing.style import SMALL, WIDTH, hide, styled, unavailable

_DIM = 0.25  # what is left of the brightness where the mask is 0


def dimmed(image: Pictures, mask: Array) -> Pictures:
    """A picture (S, S, 3) darkened where a mask (h, w) is low, cell by cell."""
    size = len(image)
    rows, columns = (np.arange(size) * cells // size for cells in mask.shape)
    weight = _DIM + (1 - _DIM) * mask[rows][:, columns, None]
    return np.round(image * weight).astype(np.uint8)


@styled()
def sheet(
    images: Pictures,
    importance: NDArray[np.floating],
    final: NDArray[np.floating],
    captions: Sequence[str],
    predicted: Array | None = None,
) -> Figure:
    """A face a column: the input, the importance map P_imp, and the face as the final mask P″
    leaves it. Maps are drawn at their own resolution, a cell a position of the features.

    Args:
        images: (N, S, S, 3); six of them fill a page's width.
        importance, final: (N, h, w) in [0, 1].
        captions: N, below the columns.
        predicted: (N, L, 2) px of the crop, drawn upon the output.
    """
    count = len(images)
    if not count:
        return unavailable("no face to show")
    cell = (WIDTH - 0.6) / max(6, count)
    figure = Figure((max(3, count) * cell + 0.6, 3 * cell + 0.3), layout="compressed")
    axes = figure.subplots(3, count, squeeze=False)
    size, side = images.shape[1], side_for(2 * count)
    extent = (-0.5, size - 0.5, size - 0.5, -0.5)
    for index, (top, middle, bottom) in enumerate(axes.T):
        show(top, images[index], side)
        shown = middle.imshow(
            importance[index], cmap="viridis", vmin=0, vmax=1, extent=extent, interpolation="none"
        )
        hide(middle)
        show(bottom, dimmed(images[index], final[index]), side)
        if predicted is not None:
            points(bottom, predicted[index], PREDICTED, ms=1.6, mew=0)
        bottom.set_xlabel(captions[index], fontsize=SMALL)
    for place, label in zip(axes[:, 0], ("Input", "Importance", "Output"), strict=True):
        place.set_ylabel(label)
    bar = figure.colorbar(shown, ax=axes[1, :].tolist(), fraction=0.04, pad=0.01, ticks=[0, 0.5, 1])
    bar.set_label("$P_{imp}$")
    return figure
