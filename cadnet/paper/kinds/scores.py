"""Tables of scores: a row a model, a column a test set, the paper's rows above ours."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, stdev

from cadnet.paper.cells import Cell, Filled, Line
from cadnet.paper.declarations import METRICS, Column, Table
from cadnet.paper.reported import reported
from cadnet.paper.results import Results, why_missing

TRIVIAL_LABELS = {
    "mean_shape": "Mean shape (trivial predictor)",
    "majority": "Most frequent expression (trivial predictor)",
}


def score_cell(results: Results, experiment: str, column: Column, kind: str) -> Cell:
    """The mean over seeds of an experiment on a test set, or why there is none."""
    if why := why_missing(results, column.dataset, column.subset):
        return Cell(kind, experiment=experiment, missing=why)
    found = results.seeds(experiment, column)
    if not found:
        why = f"no run of {experiment} on it"
        if kind == "trivial":
            why = f"nothing was trained on {column.train_on}"
        elif ":" in column.subset and experiment in results.experiments:
            why = "no face in this stratum"
        return Cell(kind, experiment=experiment, missing=why)
    values = [score.value for score in found]
    data, mark = results.measured_on(column.train_on, column.dataset)
    return Cell(
        kind,
        mean=fmean(values),
        std=stdev(values) if len(values) > 1 else None,
        seeds=tuple(score.seed for score in found),
        images=found[0].images,
        experiment=experiment,
        data=data,
        mark=mark,
        digest=str(results.data[column.dataset]["digest"]),
    )


def _flagged(cell: Cell, trivial: Cell | None, column: Column) -> Cell:
    if trivial is None or cell.mean is None or trivial.mean is None:
        return cell
    less = cell.mean < trivial.mean
    beaten = less if METRICS[column.metric].less_is_better else cell.mean > trivial.mean
    return replace(cell, beaten=beaten)


def reported_lines(name: str) -> list[Line]:
    """The paper's rows of a table."""
    tables = reported().tables
    if name not in tables:
        return []
    return [
        Line(
            row.method,
            "reported",
            tuple(
                Cell("reported", mean=value, std=row.stds[index] if row.stds else None)
                for index, value in enumerate(row.values)
            ),
            row.cites or "the paper",
        )
        for row in tables[name].rows
    ]


def _trivial_lines(table: Table, results: Results) -> tuple[list[Line], list[Cell | None]]:
    """A line for each trivial predictor of the columns' metrics, and each column's own cell."""
    names = [METRICS[column.metric].trivial for column in table.columns]
    cells = [
        score_cell(results, name, column, "trivial") if name else None
        for name, column in zip(names, table.columns, strict=True)
    ]
    lines = [
        Line(
            label,
            "trivial",
            tuple(
                cell if cell and name == trivial else Cell("trivial")
                for cell, name in zip(cells, names, strict=True)
            ),
        )
        for trivial, label in TRIVIAL_LABELS.items()
        if trivial in names
    ]
    return lines, cells


def quantity(metrics: list[str]) -> str:
    """What the numbers are, each metric once."""
    parts = []
    for name in dict.fromkeys(metrics):
        metric = METRICS[name]
        better = "lower" if metric.less_is_better else "higher"
        parts.append(f"{metric.words}, in {metric.unit} ({better} is better; {name})")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}"


def fill(name: str, table: Table, results: Results) -> Filled:
    """A declared table with the paper's numbers and ours."""
    trivial_lines, trivial = _trivial_lines(table, results)
    lines = [*reported_lines(name), *trivial_lines]
    for row in table.reproduced:
        cells: list[Cell] = []
        for index, column in enumerate(table.columns):
            experiment = row.at(index)
            if experiment is None:
                cells.append(Cell("reproduced"))
            else:
                made = score_cell(results, experiment, column, "reproduced")
                cells.append(_flagged(made, trivial[index], column))
        lines.append(Line(row.label, "reproduced", tuple(cells)))
    measured = {
        results.describe(dataset)
        for index, column in enumerate(table.columns)
        if any(line.cells[index].data for line in lines)
        for dataset in (column.train_on, column.dataset)
    }
    return Filled(
        name,
        table.title,
        tuple(column.label for column in table.columns),
        tuple(lines),
        quantity([column.metric for column in table.columns]),
        table.note,
        tuple(sorted(measured)),
    )
