"""E1: what smaller models lose in error and gain in size, arithmetic and time."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, stdev
from typing import NamedTuple

from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.declarations import Column, Measure, Row, Table
from cadnet.paper.kinds import scores
from cadnet.paper.kinds.efficiency import cost_cell
from cadnet.paper.results import Results

LATENCY, FILE = "latency_ms_onnx", "file_mib"
_DEVICE = "cpu"


class Loss(NamedTuple):
    """By how much more a model errs than another, in % of the other's error."""

    mean: float
    std: float | None
    seeds: tuple[int, ...]


def loss(results: Results, experiment: str, other: str, column: Column) -> Loss | None:
    """Seed by seed; None without a seed that both have."""
    ours = {score.seed: score.value for score in results.seeds(experiment, column)}
    theirs = {score.seed: score.value for score in results.seeds(other, column)}
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        return None
    more = [100 * (ours[seed] / theirs[seed] - 1) for seed in both]
    return Loss(fmean(more), stdev(more) if len(more) > 1 else None, tuple(both))


def _loss_cell(results: Results, row: Row, first: Row, column: Column) -> Cell:
    experiment, other = row.at(0), first.at(0)
    assert experiment is not None
    assert other is not None
    if experiment == other:
        return words("–")
    found = loss(results, experiment, other, column)
    if found is None:
        return Cell("reproduced", missing=f"no seed of {experiment} and {other}")
    data, mark = results.measured_on(column.train_on, column.dataset)
    return Cell("reproduced", found.mean, found.std, found.seeds, experiment=experiment, data=data,
                mark=mark, digits=1)  # fmt: skip


def _value(results: Results, experiment: str | None, metric: str) -> float | None:
    return cost_cell(results, experiment or "", _DEVICE, Measure(label="", metric=metric)).mean


def _cost(results: Results, experiment: str, measure: Measure) -> Cell:
    """What a measured model has no value of (PyTorch runs no model in 8 bits) stays open."""
    cell = cost_cell(results, experiment, _DEVICE, measure)
    known = _value(results, experiment, FILE) is not None
    return Cell("reproduced") if cell.missing and known else cell


def gained_and_lost(table: Table, results: Results) -> str:
    """The table's rows in words: what each model costs and errs beside the first."""
    first, column = table.reproduced[0].at(0), table.columns[-1]
    parts = []
    for row in table.reproduced[1:]:
        experiment = row.at(0)
        found = loss(results, experiment or "", first or "", column)
        ratios = []
        for metric, what in ((FILE, "the file"), (LATENCY, "the latency in onnxruntime")):
            ours, whole = (_value(results, e, metric) for e in (experiment, first))
            if ours is not None and whole:
                ratios.append(f"{ours / whole:.2f} × {what}")
        if found and ratios:
            spread = "" if found.std is None else f" ± {found.std:.1f}"
            parts.append(f"{row.label}: {', '.join(ratios)}, error {found.mean:+.1f}{spread} %")
    if not parts:
        return ""
    return f"Beside {table.reproduced[0].label}, on {column.label}: {'; '.join(parts)}."


def fill(name: str, table: Table, results: Results) -> Filled:
    """The scores of each model, by how much it errs more than the first, and what it costs."""
    scored = scores.fill(name, table, results)
    last, first = table.columns[-1], table.reproduced[0]
    rows = {row.label: row for row in table.reproduced}
    lines = []
    for line in scored.lines:
        if line.label in rows:
            row = rows[line.label]
            more = _loss_cell(results, row, first, last)
            costs = [_cost(results, row.at(0) or "", measure) for measure in table.measures]
        else:
            more = Cell(line.kind)
            costs = [Cell(line.kind)] * len(table.measures)
        lines.append(Line(line.label, line.kind, (*line.cells, more, *costs), line.source))
    measured = results.measured
    where = () if measured.empty else tuple(sorted(set(measured["device_name"])))
    columns = (*scored.columns, f"{last.label}, more than {first.label}, %")
    return replace(
        scored,
        columns=(*columns, *(measure.label for measure in table.measures)),
        lines=tuple(lines),
        note=f"{gained_and_lost(table, results)} {table.note}".strip(),
        measured_on=(*scored.measured_on, *where),
        head="Model",
    )
