"""Figures 7 and 8: cumulative error distributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.evaluation.about import TRIVIAL
from cadnet.paper import declarations
from cadnet.paper.drawing.style import COLUMN, GREY, SMALL, Missing, look, measured, styled
from cadnet.paper.results import Results, why_missing

THRESHOLDS = (8.0, 10.0)
"""%: the errors above which a face counts as a failure."""
_CROWDED = 20  # %: where the axis goes further, the thresholds' labels would overlap


def cumulative(errors: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of images, in percent, whose error is at most each of the grid's."""
    return 100 * np.searchsorted(np.sort(errors), grid, side="right") / len(errors)


def upper_limit(errors: pd.DataFrame) -> float:
    """The x axis' end: 10 %, or further where a method has less than half of its images there."""
    medians = errors.groupby(["experiment", "seed"])["error"].median()
    return float(max(10.0, 5 * np.ceil(1.2 * medians.max() / 5)))


@styled()
def curves(errors: pd.DataFrame, labels: Mapping[str, str], xlabel: str) -> Figure:
    """Curves: the mean over seeds, with a band from the lowest to the highest seed.

    Args:
        errors: an image and seed a row: ``experiment``, ``seed``, ``error`` (%).
        labels: of the experiments to draw, by name, in the legend's order; those without errors
            are left out.
    """
    present = {name: label for name, label in labels.items() if name in set(errors["experiment"])}
    figure = Figure(figsize=(COLUMN, 3.3))
    axes = figure.add_subplot()
    grid = np.linspace(0, upper_limit(errors), 401)
    for name, label in present.items():
        stack = np.stack([
            cumulative(part["error"].to_numpy(), grid)
            for _, part in errors[errors["experiment"] == name].groupby("seed")
        ])  # fmt: skip
        colour, dash, _ = look(name)
        seeds = f" ({len(stack)} seeds)" if len(stack) > 1 else ""
        axes.plot(grid, stack.mean(axis=0), dash, color=colour, label=label + seeds)
        if len(stack) > 1:
            low, high = stack.min(axis=0), stack.max(axis=0)
            axes.fill_between(grid, low, high, color=colour, alpha=0.2, linewidth=0)
    for threshold in THRESHOLDS:
        axes.axvline(threshold, color="#bbbbbb", linewidth=0.8, zorder=0)
        if grid[-1] > _CROWDED:
            continue
        axes.annotate(
            f"{threshold:g} %", (threshold, 1), (-2, -1), xycoords=("data", "axes fraction"),
            textcoords="offset points", color=GREY, fontsize=SMALL, rotation=90, ha="right",
            va="top",
        )  # fmt: skip
    axes.set(xlim=(0, grid[-1]), ylim=(0, 100), xlabel=xlabel, ylabel="Images (%)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """The errors of a subset of the first dataset, of models trained on that dataset."""
    dataset = figure.datasets[0]
    if why := why_missing(results, dataset, figure.subset):
        raise Missing(why)
    labels = {TRIVIAL: "Mean shape", **figure.experiments}
    errors = results.errors if results.folders else pd.DataFrame()
    if len(errors):
        errors = errors[
            (errors["dataset"] == dataset)
            & (errors["train_on"] == dataset)
            & errors["subset"].isin(figure.members)
            & errors["experiment"].isin(list(labels))
        ]
    if errors.empty:
        raise Missing("no run of its experiments")
    drawn = curves(errors, labels, "NRMSE (% of the inter-ocular distance)")
    measured(drawn, results.describe(dataset), f"{errors['key'].nunique()} images")
    return drawn
