"""Cumulative error distributions as a few numbers, for the page's interactive figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cadnet.paper.declarations import Figure

POINTS = 400
_TRIVIAL = "mean_shape"
_COLUMNS = ["experiment", "seed", "train_on", "dataset", "subset", "error"]

Errors = NDArray[np.float64]


def cumulative(errors: Errors, grid: Errors) -> Errors:
    """Share of images, in percent, whose error is at most each of the grid's."""
    return 100 * np.searchsorted(np.sort(errors), grid, side="right") / len(errors)


def _by_seed(path: Path, figure: Figure) -> dict[str, list[Errors]]:
    """Errors of the images of a figure: a list of seeds for each experiment."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    dataset = figure.datasets[0]
    table = pq.read_table(path, columns=_COLUMNS, filters=[
        ("dataset", "=", dataset), ("train_on", "=", dataset), ("subset", "in", figure.members),
        ("experiment", "in", [_TRIVIAL, *figure.experiments]),
    ])  # fmt: skip
    found: dict[str, list[Errors]] = {}
    for name in pc.unique(table["experiment"]).to_pylist():
        part = table.filter(pc.equal(table["experiment"], name))
        seeds, errors = part["seed"].to_numpy(), part["error"].to_numpy()
        found[name] = [errors[seeds == seed] for seed in np.unique(seeds)]
    return found


def curves(path: Path, figure: Figure) -> dict[str, Any] | None:
    """The curves of a figure over ``POINTS`` errors from 0 to ``end`` (% of the normaliser): the
    mean over seeds in percent of the images and, where there are several, the lowest and the
    highest seed. None where no image was measured."""
    found = _by_seed(path, figure)
    if not found:
        return None
    # As far as a fifth beyond the method of the largest median, and at least to 10 %.
    medians = [np.median(errors) for seeds in found.values() for errors in seeds]
    end = float(max(10.0, 5 * np.ceil(1.2 * max(medians) / 5)))
    grid = np.linspace(0, end, POINTS)
    methods = []
    for name, label in {_TRIVIAL: "Mean shape", **figure.experiments}.items():
        if name not in found:
            continue
        stack = np.stack([cumulative(errors, grid) for errors in found[name]])
        several = len(stack) > 1
        methods.append(
            {
                "name": name,
                "label": label,
                "seeds": len(stack),
                "images": len(found[name][0]),
                "mean": stack.mean(axis=0).round(2).tolist(),
                "low": stack.min(axis=0).round(2).tolist() if several else [],
                "high": stack.max(axis=0).round(2).tolist() if several else [],
            }
        )
    return {"end": end, "methods": methods}
