"""Figure 9: numbers of methods side by side, a group of bars a test set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from cadnet.paper import declarations
from cadnet.paper.declarations import METRICS
from cadnet.paper.drawing.style import COLUMN, SMALL, Missing, look, measured, seeds, styled
from cadnet.paper.kinds.scores import TRIVIAL_LABELS, score_cell
from cadnet.paper.reported import reported
from cadnet.paper.results import Results

_EDGE = "#777777"
_OTHERS: dict[str, Any] = {"facecolor": "#eeeeee", "edgecolor": _EDGE, "hatch": "////"}


@styled()
def grouped(table: pd.DataFrame, xlabel: str) -> Figure:
    """Horizontal bars, a panel a group: grey and hatched what others reported, in colour what was
    reproduced.

    Args:
        table: a method a row, from top to bottom: ``group``; ``label``; ``reported``; ``mean``;
            ``std`` over seeds, NaN without; ``experiment``, by which the colour is chosen.
        xlabel: the metric with its unit.
    """
    groups = list(dict.fromkeys(table["group"]))
    heights = [(table["group"] == group).sum() for group in groups]
    figure = Figure(figsize=(COLUMN, 0.21 * len(table) + 0.35 * len(groups) + 0.9))
    panels = figure.subplots(len(groups), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    ends = (table["mean"] + table["std"].fillna(0)).max()
    for axes, group in zip(panels, groups, strict=True):
        part = table[table["group"] == group]
        for place, row in enumerate(part.to_dict("records")):
            colour = look(row["experiment"]).colour
            style = _OTHERS if row["reported"] else {"facecolor": colour, "edgecolor": colour}
            spread = None if np.isnan(row["std"]) else row["std"]
            axes.barh(place, row["mean"], height=0.7, **style)
            if spread is not None:
                axes.errorbar(row["mean"], place, xerr=spread, color="#000000", lw=1, capsize=2)
            text = f"{row['mean']:.2f}" + (f" ± {spread:.2f}" if spread is not None else "")
            end = row["mean"] + (spread or 0) + 0.015 * ends
            axes.text(end, place, text, va="center", fontsize=SMALL)
        axes.set_yticks(range(len(part)), part["label"], fontsize=SMALL)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(part) - 0.4, -0.6)
        axes.set_title(group, loc="left", fontsize=SMALL, fontweight="bold")
    panels[-1].set(xlabel=xlabel, xlim=(0, 1.25 * ends))
    if table["reported"].any():
        handle = Patch(label="reported in the paper, on the official photographs", **_OTHERS)
        figure.legend(handles=[handle], loc="outside lower left", fontsize=SMALL)
    return figure


def _reported(figure: declarations.Figure, column: declarations.Column) -> list[tuple[object, ...]]:
    """What the paper's table of that name prints in a column of that label."""
    printed = reported().tables.get(figure.table)
    if printed is None or column.label not in printed.columns:
        return []
    place = printed.columns.index(column.label)
    return [
        (f"{row.method} (paper)", True, row.values[place], np.nan, "")
        for row in printed.rows
        if row.values[place] is not None
    ]


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """A group for each column: reported numbers, the trivial predictor, the rows."""
    found: list[tuple[object, ...]] = []
    ran: set[int] = set()
    for index, column in enumerate(figure.columns):
        trivial = METRICS[column.metric].trivial
        rows = [(TRIVIAL_LABELS[trivial].split(" (")[0], trivial)] if trivial else []
        rows += [(row.label, at) for row in figure.reproduced if (at := row.at(index))]
        ours = []
        for label, experiment in rows:
            cell = score_cell(results, experiment, column, "reproduced")
            if cell.mean is not None:
                std = np.nan if cell.std is None else cell.std
                ours.append((label, False, cell.mean, std, experiment))
                ran.add(len(cell.seeds) if experiment != trivial else 0)
        if len(ours) > 1:
            found += [(column.label, *row) for row in (*_reported(figure, column), *ours)]
    if not found:
        raise Missing("no run of its experiments")
    names = ["group", "label", "reported", "mean", "std", "experiment"]
    drawn = grouped(pd.DataFrame(found, columns=names), "NRMSE (% of the inter-ocular distance)")
    used = [results.describe(d) for d in figure.needed_datasets() if d in results.data]
    measured(drawn, *used, seeds(max(ran)))
    return drawn
