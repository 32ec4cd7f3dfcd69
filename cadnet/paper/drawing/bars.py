"""Figure 9: reported and reproduced numbers of methods side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cadnet.paper.drawing.style import REPORTED, SMALL, look, styled, unavailable

_GREY_EDGE = "#777777"


@styled()
def grouped(table: pd.DataFrame, xlabel: str, measured_on: str) -> Figure:
    """Horizontal bars: grey and hatched what others reported, in colour what was reproduced.

    Args:
        table: a method a row, from top to bottom: ``label``; ``kind``, reported, trivial or
            reproduced; ``mean``; ``std`` over seeds, NaN without; ``experiment``, by which the
            colour is chosen (reported: ""). Rows without a mean are left out.
        xlabel: the metric with its unit.
        measured_on: the data behind the reproduced numbers, for the legend.
    """
    table = table.dropna(subset="mean").reset_index(drop=True)
    if table.empty:
        return unavailable("no number of any method")
    figure = Figure(figsize=(5.6, 0.27 * len(table) + 1.0))
    axes = figure.add_subplot()
    room = table["mean"].max() * 0.015
    for place, row in enumerate(table.to_dict("records")):
        reported = row["kind"] == "reported"
        colour = "#eeeeee" if reported else look(row["experiment"]).colour
        spread = None if np.isnan(row["std"]) else row["std"]
        axes.barh(
            place,
            row["mean"],
            height=0.7,
            color=colour,
            edgecolor=_GREY_EDGE if reported else colour,
            hatch="////" if reported else None,
            xerr=spread,
            error_kw={"elinewidth": 1, "capsize": 2.5},
        )
        text = f"{row['mean']:.2f}" + (f" ± {spread:.2f}" if spread is not None else "")
        axes.text(row["mean"] + (spread or 0) + room, place, text, va="center", fontsize=SMALL)
    axes.set_yticks(range(len(table)), table["label"], fontsize=SMALL)
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel=xlabel, ylim=(len(table) - 0.4, -0.6))
    axes.set_xlim(0, 1.22 * (table["mean"] + table["std"].fillna(0)).max())
    kinds = set(table["kind"])
    handles = []
    if "reported" in kinds:
        grey = {"facecolor": "#eeeeee", "edgecolor": _GREY_EDGE, "hatch": "////"}
        handles.append(Patch(label="reported, on the official photographs", **grey))
    if kinds - {"reported"}:
        handles.append(Patch(color=REPORTED, label=f"reproduced here: {measured_on}"))
    figure.legend(handles=handles, loc="outside lower left", fontsize=SMALL)
    return figure
