"""Figures 1 and 2: faces with their landmarks, those that are hidden in another colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cadnet.faces import Array
from cadnet.paper import declarations
from cadnet.paper.drawing import examples
from cadnet.paper.drawing.pictures import OCCLUDED, TRUTH, Pictures, points, show, side_for
from cadnet.paper.drawing.style import SMALL, WIDTH, styled
from cadnet.paper.results import Results

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
    """Faces (N, S, S, 3) in rows of six at most, captions below.

    Args:
        landmarks: (N, L, 2) px of the crop; NaN or None where a dataset has none.
        occluded: (N, L), true for landmarks that are annotated as hidden, which get their own
            colour; NaN or None where unknown.
    """
    count = len(images)
    down = -(-count // _MOST)
    across = -(-count // down)
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


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The chosen faces; how much of each is occluded, or what it expresses."""
    arrays = examples.load(figure, results)
    shares = arrays["occluded"].mean(axis=1)
    known = np.isfinite(shares).all()
    labels = [f"{100 * share:.0f} % occluded" for share in shares]
    drawn = sheet(
        arrays["images"],
        arrays["truth"],
        arrays["occluded"],
        labels if known else examples.captions(arrays, predicted=False),
    )
    examples.sign(drawn, figure, results)
    return drawn
