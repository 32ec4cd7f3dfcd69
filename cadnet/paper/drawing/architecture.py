"""Figure 4: the network as it is, every shape as a hook saw it in a forward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cadnet.paper import declarations
from cadnet.paper.drawing.diagram import Box, arrow, box, canvas, frame, times
from cadnet.paper.drawing.style import SMALL, WIDTH, measured, styled
from cadnet.paper.results import Results
from cadnet.schema import Model

if TYPE_CHECKING:
    from cadnet.paper.drawing.trace import Passed

PICTURE, BACKBONE, GEOMETRY, DROPOUT, FUSED, HEAD = (
    "#ffffff", "#e8e8e8", "#cfe3f2", "#fbe3c0", "#e6dcef", "#cdeadf",
)  # fmt: skip
_HEIGHT = 2.75
_HIGH = 0.5  # of a box of three lines
Traced = dict[str, "Passed"]


def backbone_boxes(model: Model, traced: Traced) -> list[tuple[str, str]]:
    """The names and shapes of picture, stem and stages, in order."""
    stages = [(f"stage {n}", times(traced[f"backbone.layer{n}"].out)) for n in (1, 2, 3, 4)]
    stem = ("7×7 conv, pool", times(traced["backbone.maxpool"].out))
    return [("picture", times(traced["backbone"].into)), stem, *stages]


def geometry_boxes(model: Model, traced: Traced) -> list[str]:
    """The text of the geometry block's boxes."""
    assert model.dgb is not None
    attention = traced["dgb.attention"]
    name = model.dgb.attention.replace("_", "-")
    return [
        f"1×1 conv\n{times(traced['dgb.reduce'].out)}",
        f"{name}\nR = {attention.calls}\n{times(attention.out)}",
        f"concat. X\n{times(traced['dgb.fuse'].into)}",
        f"3×3 conv\n{times(traced['dgb.fuse'].out)}",
    ]


def dropout_boxes(model: Model, traced: Traced) -> list[str]:
    """The text of the dropout block's boxes."""
    mask = times(traced["masks"].out)
    return [
        f"gate\n{times(traced['adb.gate'].into)}→{times(traced['adb.gate'].out)}",
        f"P′, $P_{{imp}}$\n{mask}",
        f"P″ = P′·$P_{{imp}}$\n{mask}",
        f"B·C, norm\n{times(traced['adb.norm'].out)}",
    ]


def head_boxes(model: Model, traced: Traced) -> list[str]:
    """The text of the heads' boxes."""
    boxes = []
    if model.landmarks:
        outputs = traced["head"].out[-1]
        name = f"low-rank, r = {model.llb.rank}" if model.llb else "linear"
        boxes.append(f"{name}\nlandmarks\n{outputs // 2}×2")
    if model.fer:
        boxes.append(f"dropout, linear\nexpressions\n{times(traced['fer'].out)}")
    return boxes


def _chain(axes: Axes, texts: list[str], left: float, bottom: float, colour: str) -> list[Box]:
    width, gap, made = 0.75, 0.12, []
    for index, text in enumerate(texts):
        place = Box(left + index * (width + gap), bottom, width, _HIGH)
        made.append(box(axes, place, text, colour))
        if index:
            arrow(axes, made[-2].right, made[-1].left)
    return made


def panel(axes: Axes, model: Model, size: int, title: str) -> None:
    """One network: the backbone downwards, its two blocks beside it, the heads at the right."""
    from cadnet.paper.drawing.trace import trace

    traced = trace(model, size)
    axes.text(0, _HEIGHT, title, fontsize=SMALL, fontweight="bold", va="top")
    column: list[Box] = []
    names = backbone_boxes(model, traced)
    for index, (name, shape) in enumerate(names):
        place = Box(0.02, _HEIGHT - 0.52 - 0.4 * index, 1.4, 0.28)
        colour = BACKBONE if index else PICTURE
        column.append(box(axes, place, f"{name}  {shape}", colour))
        if index:
            arrow(axes, column[-2].bottom, column[-1].top)
    last, bus, right = column[-1].right, 1.5, 5.27
    ends = []
    rows = [
        (model.dgb, "Deep geometry-aware block", geometry_boxes, GEOMETRY, 1.62),
        (model.adb, "Attentive dropout block", dropout_boxes, DROPOUT, 0.32),
    ]
    for present, name, texts, colour, bottom in rows:
        if present:
            frame(axes, Box(1.6, bottom - 0.12, 3.54, 0.92), name)
            chain = _chain(axes, texts(model, traced), 1.67, bottom, colour)
            arrow(axes, last, (bus, last[1]), (bus, chain[0].left[1]), chain[0].left)
            ends.append(chain[-1].right)
    middle = 1.22
    into, flat = traced["norm"].into, traced["head" if model.landmarks else "fer"].into
    fused = Box(right, middle, 0.75, _HIGH)
    box(axes, fused, f"concat., norm\n{times(into)}" if ends else f"norm\n{times(into)}", FUSED)
    for end in ends or [last]:
        above = end[1] > middle + _HIGH / 2
        target = fused.top if above else fused.bottom
        arrow(axes, end, (target[0], end[1]), target)
    flattened = Box(right + 0.87, middle, 0.75, _HIGH)
    box(axes, flattened, f"mean {model.pool}×{model.pool},\nflatten\n{times(flat)}", FUSED)
    arrow(axes, fused.right, flattened.left)
    for text, (bottom, from_, to) in zip(
        head_boxes(model, traced),
        ((middle + 0.85, flattened.top, "bottom"), (middle - 0.85, flattened.bottom, "top")),
        strict=False,
    ):
        head = box(axes, Box(right + 0.8, bottom, 0.9, _HIGH), text, HEAD)
        arrow(axes, from_, (from_[0], getattr(head, to)[1]))


@styled()
def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """A panel for each drawn architecture, at the size of the pipeline's pictures."""
    models, size = results.models["models"], results.models["size"]
    count = len(figure.drawn)
    drawn = Figure((WIDTH, count * (_HEIGHT + 0.1) + 0.25))
    drawn.set_layout_engine("none")
    for index, (key, title) in enumerate(figure.drawn.items()):
        bottom = (count - 1 - index) * (_HEIGHT + 0.1) + 0.02
        axes = canvas(drawn, 0.03, bottom, WIDTH - 0.06, _HEIGHT)
        panel(axes, Model.model_validate(models[key]), size, title)
    measured(drawn, f"Channels × height × width of one picture of {size} × {size} px")
    return drawn
