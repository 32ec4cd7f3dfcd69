"""A figure as svg and png.

    python -m cadnet.paper.figures --figure F7 --scores results/*/scores.csv \\
        --data data/aligned/*.json --out reports/figures
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cadnet import job
from cadnet.paper.declarations import Figure, declared
from cadnet.paper.results import Results, add_arguments, from_arguments, why_missing
from cadnet.provenance import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

TRIVIAL = "mean_shape"
# Okabe and Ito's colours, safe for colour-blind readers; a method keeps its colour and dash.
STYLE: dict[str, tuple[str, str]] = {
    TRIVIAL: ("#666666", ":"),
    "resnet18": ("#D55E00", "--"),
    "cadnet": ("#0072B2", "-"),
    "cadnet_plus": ("#56B4E9", "-."),
    "heatmap": ("#009E73", "--"),
}
_SETTINGS: Any = {
    "svg.hashsalt": "cadnet",
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}


def cumulative(errors: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of images, in percent, whose error is at most each of the grid's."""
    return 100 * np.searchsorted(np.sort(errors), grid, side="right") / len(errors)


def upper_limit(errors: pd.DataFrame) -> float:
    """The x axis' end: 10 %, or further where a method has less than half of its images there."""
    medians = errors.groupby(["experiment", "seed"])["error"].median()
    return float(max(10.0, 5 * np.ceil(1.2 * medians.max() / 5)))


def draw_ced(axes: Axes, figure: Figure, errors: pd.DataFrame) -> None:
    """Curves: mean over seeds, with a band from the lowest to the highest seed."""
    grid = np.linspace(0, upper_limit(errors), 401)
    for name, label in {TRIVIAL: "Mean shape", **figure.experiments}.items():
        curves = [
            cumulative(part["error"].to_numpy(), grid)
            for _, part in errors[errors["experiment"] == name].groupby("seed")
        ]
        if not curves:
            continue
        colour, dash = STYLE[name]
        seeds = f", {len(curves)} seeds" if name != TRIVIAL and len(curves) > 1 else ""
        stack = np.stack(curves)
        axes.plot(grid, stack.mean(axis=0), dash, color=colour, label=label + seeds)
        if len(curves) > 1:
            axes.fill_between(
                grid, stack.min(axis=0), stack.max(axis=0), color=colour, alpha=0.2, linewidth=0
            )
    for threshold in (8, 10):
        axes.axvline(threshold, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(
        xlim=(0, grid[-1]),
        ylim=(0, 100),
        xlabel="NRMSE (mean point distance, % of the inter-ocular distance)",
        ylabel="Images (%)",
    )
    axes.legend(frameon=False, loc="lower right")


def draw(name: str, results: Results) -> Drawing:
    """One declared figure; where its data are missing, a figure that says so."""
    from matplotlib.figure import Figure as Drawing

    figure = declared().figures[name]
    drawing = Drawing(figsize=(5, 3.4))
    axes = drawing.add_subplot()
    dataset = figure.datasets[0]
    why = why_missing(results, dataset, figure.subset)
    chosen = pd.DataFrame()
    if not why and results.folders:
        errors = results.errors
        chosen = errors[
            (errors["dataset"] == dataset)
            & (errors["train_on"] == dataset)
            & errors["subset"].isin(figure.members)
            & errors["experiment"].isin([TRIVIAL, *figure.experiments])
        ]
    if not why and chosen.empty:
        why = "no run of its experiments"
    if why:
        axes.set_axis_off()
        axes.text(0.5, 0.5, f"not available: {why}", ha="center", va="center")
        return drawing
    draw_ced(axes, figure, chosen)
    images = chosen["key"].nunique()
    axes.set_title(f"{results.describe(dataset)}; {images} images", fontsize=8, loc="left")
    return drawing


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--figure", choices=list(declared().figures), required=True)
    add_arguments(parser)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        with mpl.rc_context(_SETTINGS):
            drawing = draw(options.figure, from_arguments(options))
            for suffix in ("svg", "png"):
                no_date = {"Date": None} if suffix == "svg" else {}
                with atomic_path(options.out / f"{options.figure}.{suffix}") as temporary:
                    drawing.savefig(temporary, dpi=150, metadata=no_date)
        return declared().figures[options.figure].title

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
