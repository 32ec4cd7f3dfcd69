"""Figures 11 and X13: what the attentive dropout block keeps of a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.faces import Array
from cadnet.paper import declarations
from cadnet.paper.drawing import examples
from cadnet.paper.drawing.pictures import PREDICTED, Pictures, points, show, side_for
from cadnet.paper.drawing.style import SMALL, WIDTH, Missing, hide, styled
from cadnet.paper.results import Results

_MOST = 6  # faces that fill a row
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
    drop: NDArray[np.floating],
    final: NDArray[np.floating],
    captions: Sequence[str],
    predicted: Array | None = None,
) -> Figure:
    """A face a column: the input, the importance map P_imp, the drop mask P′, and the face as the
    final mask P″ leaves it. Maps are drawn at their own resolution, a cell a position of the
    features.

    Args:
        images: (N, S, S, 3); six of them fill a page's width.
        importance, drop, final: (N, h, w) in [0, 1].
        captions: N, below the columns.
        predicted: (N, L, 2) px of the crop, drawn upon the output.
    """
    count = len(images)
    cell = (WIDTH - 0.6) / max(_MOST, count)
    below = 0.15 * max(caption.count("\n") for caption in captions)
    size = (max(3, count) * cell + 0.6, 4 * cell + 0.35 + below)
    figure = Figure(size, layout="compressed")
    axes = figure.subplots(4, count, squeeze=False)
    side = side_for(2 * count)
    for index, (top, upper, lower, bottom) in enumerate(axes.T):
        show(top, images[index], side)
        for place, mask in ((upper, importance[index]), (lower, drop[index])):
            shown = place.imshow(mask, cmap="viridis", vmin=0, vmax=1, interpolation="none")
            hide(place)
        show(bottom, dimmed(images[index], final[index]), side)
        if predicted is not None:
            points(bottom, predicted[index], PREDICTED, ms=1.6, mew=0)
        bottom.set_xlabel(captions[index], fontsize=SMALL)
    rows = ("Input", "Importance\n$P_{imp}$", "Drop mask\n$P'$", "Output\n$P''$")
    for place, label in zip(axes[:, 0], rows, strict=True):
        place.set_ylabel(label, fontsize=SMALL)
    figure.colorbar(
        shown, ax=axes[1:3].ravel().tolist(), fraction=0.03, pad=0.01, ticks=[0, 0.5, 1]
    )
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The chosen faces and what the dropout block keeps of them."""
    arrays = examples.load(figure, results)
    if not arrays["final"].size:
        raise Missing("the model has no attentive dropout block")
    landmarks = arrays["predicted"]
    shares = arrays["occluded"].mean(axis=1)
    known = np.isfinite(shares).all() and (arrays["expression"] < 0).all()
    labels = [f"{100 * share:.0f} % occluded" for share in shares]
    drawn = sheet(
        arrays["images"],
        arrays["importance"],
        arrays["drop"],
        arrays["final"],
        labels if known else examples.captions(arrays),
        landmarks if np.isfinite(landmarks).any() else None,
    )
    examples.sign(drawn, figure, results, predicted=True)
    return drawn
