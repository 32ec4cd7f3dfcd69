"""X6: runtime against R, the criss-cross iterations, and against r, the rank."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from cadnet.paper.drawing.style import SMALL, WIDTH, look, styled, unavailable

AXES = {"R": "Criss-cross iterations R", "r": "Rank r of the low-rank block"}
_DEVICES = (("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"))


@styled()
def draw(table: pd.DataFrame, ylabel: str, title: str = "") -> Figure:
    """A panel for R and one for r, upon one axis from zero, so that small changes look small.

    Args:
        table: a measurement a row: ``parameter`` (a key of ``AXES``), ``value`` of it,
            ``runtime``, ``device`` (its name, for the legend).
        ylabel: what ``runtime`` is, with its unit.
    """
    present = [name for name in AXES if name in set(table["parameter"])]
    if not present:
        return unavailable("no runtime was measured")
    figure = Figure(figsize=(WIDTH, 2.7))
    panels = figure.subplots(1, len(present), sharey=True, squeeze=False)[0]
    colour = look("cadnet").colour
    for axes, name in zip(panels, present, strict=True):
        of = table[table["parameter"] == name].sort_values("value")
        for (marker, dash), (device, part) in zip(_DEVICES, of.groupby("device"), strict=False):
            style = {"marker": marker, "ls": dash, "color": colour, "ms": 5, "lw": 1.2}
            axes.plot(part["value"], part["runtime"], label=str(device), **style)
        if name == "r":
            axes.set_xscale("log", base=2)
        values = sorted(set(of["value"]))
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.set_xlabel(AXES[name])
    panels[0].set(ylabel=ylabel, ylim=(0, 1.15 * table["runtime"].max()))
    figure.suptitle(title, fontsize=SMALL, x=0.01, ha="left")
    panels[-1].legend(loc="lower right")
    return figure
