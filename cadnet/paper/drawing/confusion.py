"""X5: which expression is taken for which by two models, and what changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from cadnet.evaluation.expressions import confusion
from cadnet.faces import EXPRESSIONS
from cadnet.paper import declarations
from cadnet.paper.drawing.style import WIDTH, Missing, measured, seeds, styled
from cadnet.paper.results import Results

Counts = NDArray[np.integer]
_TEXT = 6.5  # in cells: three digits must fit


def shares(counts: Counts) -> NDArray[np.float64]:
    """Counts (K, K), true expressions down → percent of each row; NaN in rows without a face."""
    total = counts.sum(axis=1, keepdims=True)
    out = np.full(counts.shape, np.nan)
    np.divide(100.0 * counts, total, out=out, where=total > 0)
    return out


def _panel(
    axes: Axes, values: NDArray[np.float64], texts: list[list[str]], names: Sequence[str],
    cmap: str, limits: tuple[float, float],
) -> AxesImage:  # fmt: skip
    image = axes.imshow(values, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="none")
    middle, half = sum(limits) / 2, (limits[1] - limits[0]) / 2
    for (row, column), value in np.ndenumerate(values):
        dark = value > 60 if limits[0] == 0 else abs(value - middle) > 0.6 * half
        axes.text(
            column, row, texts[row][column], ha="center", va="center", fontsize=_TEXT,
            color="white" if dark else "black",
        )  # fmt: skip
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.tick_params(length=0, labelsize=7.5)
    axes.set_xlabel("Taken for")
    axes.spines[:].set_visible(False)
    return image


@styled()
def matrices(
    before: Counts, after: Counts, names: Sequence[str], titles: tuple[str, str]
) -> Figure:
    """Two confusion matrices (K, K), true expressions down, and their difference.

    Colours are shares of each true expression. Cells of the first two panels hold counts, of the
    third the change of the share in percentage points.
    """
    figure = Figure(figsize=(WIDTH, 3.3))
    panels = figure.subplots(1, 3, sharey=True)
    for axes, counts, title in zip(panels[:2], (before, after), titles, strict=True):
        texts = [[str(count) if count else "" for count in row] for row in counts]
        shared = _panel(axes, shares(counts), texts, names, "Blues", (0, 100))
        axes.set_title(title)
    change = shares(after) - shares(before)
    known = np.isfinite(change)
    largest = max(1.0, float(np.abs(change[known]).max())) if known.any() else 1.0
    rounded = np.where(known, np.round(change), 0).astype(int)
    texts = [[f"{value:+d}".replace("-", "−") if value else "" for value in row] for row in rounded]
    differing = _panel(panels[2], change, texts, names, "PuOr", (-largest, largest))
    panels[2].set_title("Change")
    panels[0].set_ylabel("True expression")
    for image, axes, label in (
        (shared, panels[:2].tolist(), "Share of the true expression (%)"),
        (differing, [panels[2]], "Percentage points"),
    ):
        bar = figure.colorbar(
            image,
            ax=axes,
            location="bottom",
            shrink=0.6,
            aspect=30,
            pad=0.02,
        )
        bar.set_label(label, fontsize=8)
        bar.outline.set_visible(False)
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """Its table's two models on its table's datasets, all seeds together."""
    table = declarations.declared().tables[figure.table]
    present = [dataset for dataset in table.datasets if dataset in results.data]
    seen = results.expressions if results.folders else pd.DataFrame()
    if len(seen):
        seen = seen[seen["dataset"].isin(present) & (seen["subset"] != "validation")]
    parts = [seen[seen["experiment"] == e] if len(seen) else seen for e in table.experiments]
    if any(part.empty for part in parts):
        raise Missing("no face with an expression was tested with both models")
    before, after = (
        confusion(
            part["predicted"].to_numpy(dtype=np.int64),
            part["truth"].to_numpy(dtype=np.int64),
            len(EXPRESSIONS),
        )
        for part in parts
    )
    baseline, ours = table.experiments.values()
    drawn = matrices(before, after, EXPRESSIONS, (baseline, ours))
    count = seeds(parts[0]["seed"].nunique())
    measured(drawn, *(results.describe(dataset) for dataset in present), f"{count} together")
    return drawn
