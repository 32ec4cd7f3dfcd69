"""Figures 5 and 6: criss-cross attention in pictures and clips, as the running model has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.paper import declarations
from cadnet.paper.drawing.architecture import FUSED, GEOMETRY, PICTURE
from cadnet.paper.drawing.diagram import TEXT, Box, arrow, box, canvas
from cadnet.paper.drawing.style import SMALL, WIDTH, Missing, measured, styled
from cadnet.paper.results import Results
from cadnet.schema import Model

_FEW = 10  # rows of a grid whose cells are still parted by lines
_COLOURS = ListedColormap(["#e4e4e4", "#56B4E9", "#D55E00"])


def texts(shape: tuple[int, ...], reduced: int) -> dict[str, str]:
    """Of the boxes, for an attention's input (1, C, [T,] H, W): names and shapes."""
    channels, *places = shape[1:]
    area = "×".join(map(str, places))
    cross = sum(places) - len(places) + 1
    return {
        "input": f"H\n{channels}×{area}",
        "query": f"Q\n{reduced}×{area}",
        "key": f"K\n{reduced}×{area}",
        "value": f"V\n{channels}×{area}",
        "weights": f"softmax(Q·K)\n{cross} weights at\neach of {area}",
        "sum": f"Σ A·V + H\n{channels}×{area}",
    }


def _flow(axes: Axes, text: dict[str, str]) -> None:
    wide, high = 0.85, 0.42
    middle = 0.78
    start = box(axes, Box(0.02, middle, wide, high), text["input"], PICTURE)
    x, upper, lower = 1.25, middle + 0.6, middle - 0.6
    query = box(axes, Box(x, upper, wide, high), text["query"], GEOMETRY)
    key = box(axes, Box(x, middle, wide, high), text["key"], GEOMETRY)
    value = box(axes, Box(x, lower, wide, high), text["value"], GEOMETRY)
    for place in (query, key, value):
        bus = 1.05
        arrow(axes, start.right, (bus, start.right[1]), (bus, place.left[1]), place.left)
    axes.text(
        0.45, middle - 0.1, "1×1 convolutions\nto Q, K, V", fontsize=TEXT, va="top", ha="center"
    )
    weights = box(axes, Box(2.4, middle + 0.27, 1.0, 0.5), text["weights"], FUSED)
    for place in (query, key):
        bus = 2.25
        arrow(axes, place.right, (bus, place.right[1]), (bus, weights.left[1]), weights.left)
    out = box(axes, Box(3.65, middle - 0.25, wide, high), text["sum"], GEOMETRY)
    arrow(axes, weights.right, (out.top[0], weights.right[1]), out.top)
    arrow(axes, value.right, (out.bottom[0], value.right[1]), out.bottom)


def _grids(figure: Figure, reached: list[NDArray[np.bool_]], left: float, width: float) -> None:
    """A row for each number of iterations, a grid for each frame."""
    rows, frames = len(reached), len(reached[0])
    _, height = figure.get_size_inches()
    pitch = min(width / frames, (height - 0.5) / rows - 0.12)
    for row, there in enumerate(reached):
        bottom = height - 0.5 - (row + 1) * (pitch + 0.12) + 0.12
        for frame in range(frames):
            state = there[frame].astype(int)
            if frame == frames // 2:
                state[tuple(length // 2 for length in state.shape)] = 2
            side = 0.92 * pitch
            axes = canvas(figure, left + frame * pitch, bottom, side, side)
            edges: dict[str, Any] = {"ec": "white", "lw": 0.4} if len(state) <= _FEW else {}
            axes.pcolormesh(state[::-1], cmap=_COLOURS, vmin=0, vmax=2, **edges)
            axes.set(xlim=(0, state.shape[1]), ylim=(0, state.shape[0]))
            if frame == 0:
                axes.set_ylabel(f"R = {row + 1}", fontsize=SMALL, labelpad=2)
            if row == 0 and frames > 1:
                offset = frame - frames // 2
                label = "t" if not offset else f"t {'+' if offset > 0 else '−'} {abs(offset)}"
                axes.set_title(label, fontsize=TEXT, pad=2)


@styled()
def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The attention of the first drawn architecture: its steps, and what reaches the centre."""
    from cadnet.paper.drawing.trace import reach, trace

    model = Model.model_validate(results.models["models"][next(iter(figure.drawn))])
    size = results.models["size"]
    if model.dgb is None or model.dgb.attention != "criss_cross":
        raise Missing("the model has no criss-cross attention")
    seen = trace(model, size)["dgb.attention"]
    places = seen.out[2:]
    drawn = Figure((WIDTH, 2.3))
    drawn.set_layout_engine("none")
    _flow(canvas(drawn, 0.03, 0.08, 4.55, 1.95), texts(seen.out, model.dgb.reduced))
    steps = range(1, seen.calls + 1)
    _grids(drawn, [reach(model, seen.out, step) for step in steps], 4.9, WIDTH - 4.95)
    dimensions = "frames × height × width" if len(places) > 2 else "height × width"
    measured(
        drawn,
        f"Channels × {dimensions} at {size} × {size} px",
        "right: what reaches the centre (red)",
    )
    return drawn
