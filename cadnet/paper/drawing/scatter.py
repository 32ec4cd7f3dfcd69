"""X4: landmark error against expressions, a run a point. Efficiency: error against latency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pandas as pd
from matplotlib.figure import Figure

from cadnet.paper.drawing.style import SMALL, WIDTH, look, styled, unavailable


class Interval(Protocol):
    """A correlation with its 95 % interval over n runs."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...


def _minus(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


@styled()
def correlation(
    runs: pd.DataFrame, labels: Mapping[str, str], found: Interval, xlabel: str, ylabel: str
) -> Figure:
    """Runs as points; r, its interval and the number of runs in the title.

    Args:
        runs: ``experiment``, ``x``, ``y``; one row a seed.
        labels: of the experiments, by name, in the legend's order.
    """
    if runs.empty:
        return unavailable("no runs of both tasks")
    figure = Figure(figsize=(5.4, 3.2))
    axes = figure.add_subplot()
    for name, label in labels.items():
        part = runs[runs["experiment"] == name]
        if len(part):
            colour, _, marker = look(name)
            style = {"color": colour, "marker": marker, "s": 34, "lw": 1, "label": label}
            axes.scatter(part["x"], part["y"], facecolors="none", **style)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    low, high = _minus(found.low), _minus(found.high)
    axes.set_title(
        f"Pearson's r = {_minus(found.value)} (95 % interval {low} to {high}; {found.n} runs)",
        loc="left",
    )
    figure.legend(loc="outside right upper")
    return figure


@styled()
def efficiency(models: pd.DataFrame, xlabel: str, ylabel: str) -> Figure:
    """Error against latency, a model a point with its name beside it; left and low is better.

    Args:
        models: ``experiment``, ``label``, ``latency``, ``error``, ``std`` (NaN without),
            ``parameters`` (10⁶), which the area of the point shows.
    """
    if models.empty:
        return unavailable("no model has both a latency and an error")
    figure = Figure(figsize=(WIDTH * 0.8, 3.4))
    axes = figure.add_subplot()
    largest = models["parameters"].max()
    for row in models.sort_values("latency").to_dict("records"):
        colour, _, marker = look(row["experiment"])
        axes.errorbar(
            row["latency"], row["error"], yerr=0 if pd.isna(row["std"]) else row["std"],
            color=colour, capsize=2.5, lw=1,
        )  # fmt: skip
        area = 20 + 130 * row["parameters"] / largest
        label = f"{row['label']} ({row['parameters']:.2f} M)"
        axes.scatter(row["latency"], row["error"], s=area, color=colour, marker=marker, label=label)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.margins(0.12)
    figure.legend(loc="outside right upper", fontsize=SMALL, markerscale=0.7)
    return figure
