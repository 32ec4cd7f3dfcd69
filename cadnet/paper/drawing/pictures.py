"""Faces in figures: small enough for a page, with landmarks upon them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cadnet.faces import Array
from cadnet.paper.drawing.style import hide

Pictures = NDArray[np.uint8]
TRUTH, PREDICTED, OCCLUDED = "#ffffff", "#2ee65c", "#ff9d2e"
"""Colours of landmarks upon faces: annotated, predicted, annotated as occluded."""
_BYTES, _BYTES_A_PIXEL = 230_000, 1.7  # of a figure's pictures in svg; of a photograph's pixel


def side_for(count: int) -> int:
    """px of each of so many pictures in one figure: 128, or less where they are many."""
    return min(128, int((_BYTES / _BYTES_A_PIXEL / count) ** 0.5))


def resample(picture: Pictures, side: int) -> Pictures:
    """(S, S, 3) → (side, side, 3) in 32 levels a channel, which halves the bytes as PNG."""
    from PIL import Image

    resized = Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC)
    levels = np.round(np.asarray(resized) * (31 / 255))
    return np.round(levels * (255 / 31)).astype(np.uint8)


def show(axes: Axes, picture: Pictures, side: int) -> None:
    """A picture (S, S, 3) in side × side px; coordinates in the axes stay px of the S."""
    size = len(picture)
    extent = (-0.5, size - 0.5, size - 0.5, -0.5)
    # Not resampled again: a vector file holds the pixels as they are.
    axes.imshow(resample(picture, side), extent=extent, interpolation="none")
    axes.set(xlim=extent[:2], ylim=extent[2:])
    hide(axes)


def points(axes: Axes, landmarks: Array, colour: str, **options: Any) -> None:
    """Landmarks (L, 2) px; NaN and what lies outside the picture are left out."""
    known = landmarks[np.isfinite(landmarks).all(axis=1)]
    diameter = 2.4 if len(landmarks) > 40 else 3.4
    # A dark rim keeps them apart from skin of any colour.
    style = {"ms": diameter, "color": colour, "mec": "#000000", "mew": 0.4, **options}
    axes.plot(*known.T, "o", **style)
