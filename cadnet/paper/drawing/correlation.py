"""X4: landmark error against expressions, a run a point, with the line that fits best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.evaluation.statistics import Estimate, correlation
from cadnet.paper import declarations
from cadnet.paper.drawing.style import COLUMN, GREY, SMALL, Missing, look, measured, styled
from cadnet.paper.kinds.correlation import points
from cadnet.paper.results import Results

Floats = NDArray[np.float64]


def fit(x: Floats, y: Floats, at: Floats) -> tuple[Floats, Floats]:
    """Least squares: the line at some places, and the half width of its mean's 95 % interval.

    y = a + b x + e, with e normal and alike everywhere; n − 2 degrees of freedom.
    """
    from scipy import stats

    slope, intercept = np.polyfit(x, y, 1)
    n, middle = len(x), x.mean()
    spread = np.sqrt(((y - intercept - slope * x) ** 2).sum() / (n - 2))
    wide = np.sqrt(1 / n + (at - middle) ** 2 / ((x - middle) ** 2).sum())
    return intercept + slope * at, stats.t.ppf(0.975, n - 2) * spread * wide


def _minus(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


@styled()
def scatter(
    runs: pd.DataFrame, labels: Mapping[str, str], found: Estimate, xlabel: str, ylabel: str
) -> Figure:
    """Runs as points; the fitted line with the 95 % interval of its mean; r above.

    Args:
        runs: ``experiment``, ``x``, ``y``; one row a seed, four or more.
        labels: of the experiments, by name, in the legend's order.
    """
    figure = Figure(figsize=(COLUMN, 3.4))
    axes = figure.add_subplot()
    x, y = (runs[column].to_numpy(dtype=np.float64) for column in ("x", "y"))
    at = np.linspace(x.min(), x.max(), 101)
    line, half = fit(x, y, at)
    axes.plot(at, line, color=GREY, lw=1)
    axes.fill_between(at, line - half, line + half, color=GREY, alpha=0.15, lw=0)
    for name, label in labels.items():
        part = runs[runs["experiment"] == name]
        if len(part):
            colour, _, marker = look(name)
            axes.scatter(part["x"], part["y"], color=colour, marker=marker, s=30, label=label)
    # The points decide: the interval may reach far beyond them.
    room = 0.35 * (y.max() - y.min())
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(y.min() - room, y.max() + room))
    low, high = _minus(found.low), _minus(found.high)
    text = f"r = {_minus(found.value)} (95 % interval {low} to {high})"
    axes.set_title(text, loc="left", fontsize=SMALL)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The runs of its table's experiments, on held-out faces."""
    table = declarations.declared().tables[figure.table]
    runs = points(table, results).rename(columns={"nrmse_mean_io": "x", "accuracy": "y"})
    if len(runs) < 4 or runs[["x", "y"]].nunique().min() < 2:
        raise Missing("needs four runs or more of both tasks")
    found = correlation(runs["x"].to_numpy(), runs["y"].to_numpy())
    drawn = scatter(
        runs, table.experiments, found, "Validation NRMSE (% of the inter-ocular distance)",
        "Validation accuracy (%)",
    )  # fmt: skip
    measured(drawn, results.describe(table.datasets[0]), f"{len(runs)} runs, one a seed")
    return drawn
