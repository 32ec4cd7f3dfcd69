"""Boxes and arrows, in inches from the lower left corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from cadnet.paper.drawing.style import hide

TEXT = 6.5  # points
LINE = "#444444"


def times(shape: Sequence[int]) -> str:
    """(1, 64, 8, 8) → 64 × 8 × 8: a shape without the batch."""
    return "×".join(str(length) for length in shape[1:])


class Box(NamedTuple):
    """A drawn box: its place, for arrows."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> tuple[float, float]:
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.width, self.y + self.height / 2

    @property
    def top(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height

    @property
    def bottom(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y


def canvas(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes in inches at a place of a figure."""
    across, down = figure.get_size_inches()
    axes = figure.add_axes((left / across, bottom / down, width / across, height / down))
    axes.set(xlim=(0, width), ylim=(0, height))
    hide(axes)
    axes.patch.set_alpha(0)
    return axes


def box(axes: Axes, place: Box, text: str, colour: str) -> Box:
    """A box with its text, the name above, in bold, the shapes below."""
    axes.add_patch(Rectangle(place[:2], *place[2:], fc=colour, ec=LINE, lw=0.8))
    x, y = place.x + place.width / 2, place.y + place.height / 2
    axes.text(x, y, text, ha="center", va="center", fontsize=TEXT, linespacing=1.25)
    return place


def frame(axes: Axes, place: Box, title: str) -> None:
    """A dashed frame about several boxes."""
    style = {"fc": "none", "ec": LINE, "lw": 0.8, "ls": (0, (3, 2))}
    axes.add_patch(Rectangle(place[:2], *place[2:], **style))  # type: ignore[arg-type]
    at = (place.x + 0.05, place.y + place.height - 0.04)
    axes.text(*at, title, ha="left", va="top", fontsize=TEXT + 0.5, fontweight="bold")


def arrow(axes: Axes, *corners: tuple[float, float]) -> None:
    """A line over its corners, with its head at the last."""
    axes.plot(*zip(*corners[:-1], strict=True), color=LINE, lw=0.9, solid_joinstyle="miter")
    axes.add_patch(
        FancyArrowPatch(
            corners[-2], corners[-1], arrowstyle="-|>", mutation_scale=6, lw=0.9, color=LINE,
            shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip
