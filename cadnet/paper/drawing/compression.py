"""E1: error of smaller models against their size, arithmetic and latency."""

from __future__ import annotations

from math import isnan
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cadnet.paper import declarations
from cadnet.paper.drawing.style import WIDTH, Missing, look, measured, seeds, styled
from cadnet.paper.kinds.compression import FILE, LATENCY
from cadnet.paper.kinds.scores import score_cell
from cadnet.paper.results import Results

AXES = {
    FILE: ("File (MiB)", 1.0),
    "multiply_adds": ("Multiply-adds (10⁶)", 1e-6),
    LATENCY: ("Latency, onnxruntime (ms)", 1.0),
}
"""Metrics of the panels: label, scale."""
_ENDS = ("value", "low", "high")


@styled()
def panels_of(models: pd.DataFrame, ylabel: str) -> Figure:
    """A panel for each cost, upon one axis of errors; costs from zero.

    Args:
        models: ``experiment``, ``label``, ``error``, ``std`` (0 without), and for each key of
            ``AXES`` its value and, as ``…_low`` and ``…_high``, its quartiles.
    """
    figure = Figure(figsize=(WIDTH, 3.3))
    panels = figure.subplots(1, len(AXES), sharey=True)
    for axes, (metric, (xlabel, scale)) in zip(panels, AXES.items(), strict=True):
        for row in models.to_dict("records"):
            colour, _, marker = look(row["experiment"])
            at = scale * row[metric]
            spread = [[at - scale * row[f"{metric}_low"]], [scale * row[f"{metric}_high"] - at]]
            style: dict[str, Any] = {"color": colour, "capsize": 2.5, "lw": 1, "ls": "none"}
            axes.errorbar(
                at, row["error"], xerr=spread, yerr=row["std"], marker=marker, ms=6,
                label=row["label"], **style,
            )  # fmt: skip
        axes.set_xlabel(xlabel)
        axes.set_xlim(left=0)
        axes.margins(x=0.1, y=0.12)
        axes.xaxis.set_major_locator(MaxNLocator(5))
    panels[0].set_ylabel(ylabel)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The models of its table in the table's last column of scores."""
    table = declarations.declared().tables[figure.table]
    column = table.columns[-1]
    if results.measured.empty:
        raise Missing("nothing was measured")
    found, ran = [], 0
    for row in table.reproduced:
        experiment = row.at(0)
        assert experiment is not None, row.label
        cell = score_cell(results, experiment, column, "reproduced")
        costs = results.measured[results.measured["architecture"] == experiment].set_index("metric")
        if cell.mean is None or costs.empty:
            continue
        about: dict[str, Any] = {"experiment": experiment, "label": row.label}
        for metric in AXES:
            value, low, high = (costs[end].astype(float)[metric] for end in _ENDS)
            quartiles = (value, value) if isnan(low) else (low, high)
            about[metric], about[f"{metric}_low"], about[f"{metric}_high"] = value, *quartiles
        found.append({**about, "error": cell.mean, "std": cell.std or 0.0})
        ran = max(ran, len(cell.seeds))
    if not found:
        raise Missing("no model has both a cost and an error")
    drawn = panels_of(pd.DataFrame(found), f"NRMSE, {column.label} (% inter-ocular)")
    device = results.measured["device_name"].iloc[0]
    measured(drawn, results.describe(column.dataset), seeds(ran), str(device))
    return drawn
