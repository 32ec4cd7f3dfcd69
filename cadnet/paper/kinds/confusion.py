"""X5: which expression is taken for which, and what changes against the baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cadnet.evaluation.expressions import confusion
from cadnet.faces import EXPRESSIONS
from cadnet.paper.cells import Cell, Filled, Line
from cadnet.paper.declarations import Table
from cadnet.paper.results import Results

Shares = NDArray[np.float64]


def shares(seen: pd.DataFrame, experiment: str, datasets: list[str]) -> tuple[Shares, Shares]:
    """(K, K) shares of each true expression, in percent, over all seeds and test sets; and how
    many faces each is of, a seed. NaN where an expression never occurs."""
    chosen = seen[
        (seen["experiment"] == experiment)
        & seen["dataset"].isin(datasets)
        & (seen["subset"] != "validation")
    ]
    matrix = confusion(
        chosen["predicted"].to_numpy(dtype=np.int64),
        chosen["truth"].to_numpy(dtype=np.int64),
        len(EXPRESSIONS),
    ).astype(np.float64)
    count = matrix.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        rows = 100 * matrix / count
    return rows, count[:, 0] / max(1, chosen["seed"].nunique())


def fill(name: str, table: Table, results: Results) -> Filled:
    """A row for each true expression: recall of both models, their difference, and the most
    frequent mistake of each."""
    baseline, ours = table.experiments
    present = [dataset for dataset in table.datasets if dataset in results.data]
    columns = ("Faces", "Right, baseline", "Right, CAD-Net", "Change", "Most taken for, baseline",
               "Most taken for, CAD-Net")  # fmt: skip
    if not {baseline, ours} <= results.experiments:
        cell = Cell("reproduced", missing=f"needs runs of {baseline} and {ours}")
        cells = (cell, *[Cell("reproduced")] * (len(columns) - 1))
        line = Line("all", "reproduced", cells)
        return Filled(name, table.title, columns, (line,), "", table.note, head="Expression")
    (before, count), (after, _) = (
        shares(results.expressions, e, present) for e in (baseline, ours)
    )
    lines = []
    for index, expression in enumerate(EXPRESSIONS):
        if not count[index]:
            continue
        own = [float(matrix[index, index]) for matrix in (before, after)]
        numbers = [Cell("reproduced", mean=value, digits=1) for value in (*own, own[1] - own[0])]
        mistakes = []
        for matrix in (before, after):
            others = np.where(np.arange(len(EXPRESSIONS)) == index, -1.0, matrix[index])
            most = int(others.argmax())
            said = f"{EXPRESSIONS[most]} ({others[most]:.1f} %)" if others[most] > 0 else "none"
            mistakes.append(Cell("reproduced", words=said))
        faces = Cell("reproduced", mean=float(count[index]), digits=0)
        lines.append(Line(expression, "reproduced", (faces, *numbers, *mistakes)))
    return Filled(
        name,
        table.title,
        columns,
        tuple(lines),
        "Share of the faces of an expression that are taken for it, in %, over all seeds",
        table.note,
        tuple(results.describe(dataset) for dataset in present),
        head="Expression",
    )
