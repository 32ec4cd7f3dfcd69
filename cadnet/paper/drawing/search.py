"""X7: what each value of the hyper-parameter search gave on held-out faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.paper import declarations
from cadnet.paper.drawing.style import COLUMN, SMALL, Missing, look, measured, styled
from cadnet.paper.results import Results

NAMES = {
    "rank": "r",
    "lambda_fer": r"$\lambda_{fer}$",
    "lambda_u": r"$\lambda_U$",
    "lambda_v": r"$\lambda_V$",
    "gamma_drop": r"$\gamma'$",
    "gamma_final": r"$\gamma''$",
}
METRICS = {
    "validation_nrmse": "Validation NRMSE (%)",
    "validation_accuracy": "Validation accuracy (%)",
}
_CHOSEN = "#D55E00"
_LEAST = 0.01  # half of a panel's height, as a share of its values


def geometric(values: NDArray[np.float64]) -> bool:
    """Whether a grid is one of equal ratios, which a logarithmic axis spaces evenly."""
    if len(values) < 3 or (values <= 0).any():
        return False
    ratios = values[1:] / values[:-1]
    return bool(np.allclose(ratios, ratios[0], rtol=1e-3))


def _tick(value: float) -> str:
    if 0.01 <= value < 1000:
        return f"{value:g}"
    digits, exponent = f"{value:.0e}".split("e")
    power = f"10^{{{int(exponent)}}}"
    return f"${power}$" if digits == "1" else rf"${digits}\cdot{power}$"


def _panel(axes: Axes, part: pd.DataFrame) -> None:
    part = part.sort_values("value")
    style = look("cadnet")
    axes.plot(part["value"], part["validation"], "o-", color=style.colour, ms=4, lw=1.2)
    chosen = part[part["chosen"]]
    axes.plot(chosen["value"], chosen["validation"], "o", ms=10, mfc="none", mec=_CHOSEN, mew=1.5)
    values = part["value"].to_numpy(dtype=np.float64)
    if geometric(values):
        axes.set_xscale("log", base=2 if values[1] / values[0] < 5 else 10)
    axes.set_xticks(values, [_tick(value) for value in values])
    axes.minorticks_off()
    axes.margins(x=0.12)
    low, high = part["validation"].min(), part["validation"].max()
    # Differences far below what a seed changes look like none.
    half = max(0.65 * (high - low), _LEAST * high)
    axes.set_ylim((low + high) / 2 - half, (low + high) / 2 + half)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_ylabel(METRICS[part["metric"].iloc[0]], fontsize=SMALL)


@styled()
def panels_of(trials: pd.DataFrame) -> Figure:
    """A panel for each grid, the chosen value ringed.

    Args:
        trials: as ``cadnet.training.search`` writes them, a trial a row: ``grid``, ``value``,
            ``metric`` (a key of ``METRICS``), ``validation``, ``epochs``, ``chosen``.
    """
    grids = list(dict.fromkeys(trials["grid"]))
    across = min(2, len(grids))
    down = -(-len(grids) // across)
    figure = Figure(figsize=(COLUMN, 1.6 * down + 0.3))
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(grids) :]:
        axes.set_axis_off()
    for axes, grid in zip(panels, grids, strict=False):
        _panel(axes, trials[trials["grid"] == grid])
        axes.set_xlabel(NAMES.get(grid, grid))
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """All trials."""
    trials = results.searched
    if trials.empty:
        raise Missing("no experiment to search with is selected")
    drawn = panels_of(trials)
    counts = sorted({int(trials["epochs"].min()), int(trials["epochs"].max())})
    epochs = "–".join(map(str, counts)) + (" epoch" if counts == [1] else " epochs")
    used = [results.describe(dataset) for dataset in figure.datasets if dataset in results.data]
    measured(drawn, *used, f"one seed and {epochs} a trial; ringed: chosen")
    return drawn
