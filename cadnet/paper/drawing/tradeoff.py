"""X10: what a model costs against how well it places landmarks."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from cadnet.paper import declarations
from cadnet.paper.drawing.style import COLUMN, SMALL, Missing, look, measured, seeds, styled
from cadnet.paper.kinds.scores import score_cell
from cadnet.paper.results import Results


@styled()
def scatter(models: pd.DataFrame, xlabel: str, ylabel: str) -> Figure:
    """Error against latency, a model a point; left and low is better.

    Args:
        models: ``experiment``, ``label``, ``latency`` (with ``low`` and ``high``, the quartiles of
            its repeats), ``error``, ``std`` over seeds (0 without), ``parameters`` (10⁶), which the
            area of the point shows.
    """
    figure = Figure(figsize=(COLUMN, 3.6))
    axes = figure.add_subplot()
    largest = models["parameters"].max()
    for row in models.sort_values("latency").to_dict("records"):
        colour, _, marker = look(row["experiment"])
        spread = [[row["latency"] - row["low"]], [row["high"] - row["latency"]]]
        style: dict[str, Any] = {"color": colour, "capsize": 2.5, "lw": 1, "ls": "none"}
        axes.errorbar(row["latency"], row["error"], xerr=spread, yerr=row["std"], **style)
        area = 20 + 100 * row["parameters"] / largest
        label = f"{row['label']} ({row['parameters']:.2g} M)"
        axes.scatter(row["latency"], row["error"], s=area, color=colour, marker=marker, label=label)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_xlim(left=0)
    axes.margins(y=0.12)
    legend = figure.legend(loc="outside lower center", ncols=2, fontsize=SMALL)
    for handle in legend.legend_handles:
        handle.set_sizes([28])  # type: ignore[union-attr]
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The experiments of its rows in its one column, on the first device that was measured."""
    column = figure.columns[0]
    if results.measured.empty:
        raise Missing("nothing was measured")
    costs = results.measured[results.measured["device"] == results.measured["device"].iloc[0]]
    found, ran = [], 0
    for row in figure.reproduced:
        experiment = row.at(0)
        assert experiment is not None, row.label
        cell = score_cell(results, experiment, column, "reproduced")
        of = costs[costs["architecture"] == experiment].set_index("metric")
        if cell.mean is None or of.empty:
            continue
        latency = of.loc["latency_ms_batch1", ["value", "low", "high"]]
        parameters = of.at["parameters", "value"] / 1e6
        error = (cell.mean, cell.std or 0.0)
        found.append((experiment, row.label, *latency, *error, parameters))
        ran = max(ran, len(cell.seeds))
    if not found:
        raise Missing("no model has both a latency and an error")
    names = ["experiment", "label", "latency", "low", "high", "error", "std", "parameters"]
    drawn = scatter(
        pd.DataFrame(found, columns=names),
        f"Latency of one picture (ms, {costs['device_name'].iloc[0]})",
        "NRMSE (% inter-ocular)",
    )
    measured(drawn, results.describe(column.dataset), seeds(ran))
    return drawn
