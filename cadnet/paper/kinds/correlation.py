"""X4: does a smaller landmark error go with better expressions?"""

from __future__ import annotations

import pandas as pd

from cadnet.evaluation.statistics import correlation
from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.declarations import Table
from cadnet.paper.results import Results


def points(table: Table, results: Results) -> pd.DataFrame:
    """Validation NRMSE and accuracy of the table's experiments, a run a row."""
    scores = results.frame
    chosen = scores[
        scores["experiment"].isin(table.experiments)
        & (scores["dataset"] == scores["train_on"])
        & (scores["subset"] == "validation")
        & scores["metric"].isin(["nrmse_mean_io", "accuracy"])
    ]
    wide = chosen.pivot_table(index=["experiment", "seed"], columns="metric", values="value")
    return wide.dropna().reset_index() if {"nrmse_mean_io", "accuracy"} <= set(wide) else wide[:0]


def fill(name: str, table: Table, results: Results) -> Filled:
    """One row: r, its interval, its p value, the number of runs."""
    found = points(table, results)
    dataset = table.datasets[0]
    if len(found) < 4 or found[["nrmse_mean_io", "accuracy"]].nunique().min() < 2:
        cells = [Cell("reproduced", missing="needs four runs or more of both tasks")]
        cells += [Cell("reproduced")] * 3
    else:
        result = correlation(found["nrmse_mean_io"].to_numpy(), found["accuracy"].to_numpy())
        data, mark = results.measured_on(dataset, dataset)
        r = Cell("reproduced", mean=result.value, data=data, mark=mark, digits=3)
        interval = words(f"[{result.low:.3f}, {result.high:.3f}]")
        cells = [r, interval, Cell("reproduced", mean=result.p, digits=4), words(len(found))]
    columns = ("Pearson's r", "95 % interval", "p", "Runs")
    line = Line("Validation NRMSE against accuracy", "reproduced", tuple(cells))
    where = (results.describe(dataset),) if dataset in results.data else ()
    return Filled(name, table.title, columns, (line,), "", table.note, where, head="")
