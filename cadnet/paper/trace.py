"""One number of a table, back to its runs, and the commands that make it again.

What ``trace`` returns is a shell script for a fresh clone: the commands, and the rest as comments.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml

from cadnet.evaluation.about import MAJORITY, TRIVIAL
from cadnet.paper.cells import Cell, Filled, Line
from cadnet.paper.declarations import METRICS, Column, declared
from cadnet.paper.recompute import commands, recipe
from cadnet.paper.results import Score, read_scores
from cadnet.params import Params
from cadnet.provenance import digest
from cadnet.training.search import tuned

RECORD = Path("reports/provenance/run.json")
_PREFERRED = ("reproduced", "trivial", "reported")


class TraceError(Exception):
    """A number cannot be traced: the message says why, and what there is instead."""


@dataclass(frozen=True)
class Traced:
    """A cell, the scores that it is the mean of, and their runs."""

    table: Filled
    line: Line
    cell: Cell
    column: Column
    scores: tuple[Score, ...]
    runs: tuple[dict[str, Any], ...]
    folder: str
    """Of the experiment whose ``scores.csv`` has them."""


def table_of(name: str) -> str:
    """The number of a table of scores, also where a figure draws it.

    Raises:
        TraceError: there is none, or its numbers are no means over runs.
    """
    known = declared()
    if name not in known.tables and name in known.figures and known.figures[name].table:
        name = known.figures[name].table
    of_scores = [table for table, item in known.tables.items() if item.kind == "scores"]
    if name in of_scores:
        return name
    if name in known.tables or name in known.figures:
        item = known.tables.get(name) or known.figures[name]
        raise TraceError(
            f"{name} ({item.title}): its numbers are no means over training runs; tables of such "
            f"are {', '.join(of_scores)}"
        )
    raise TraceError(f"there is no table {name!r}; there are {', '.join(of_scores)}")


def _chosen(what: str, wanted: str, there: list[str]) -> list[int]:
    found = [i for i, label in enumerate(there) if label.casefold() == wanted.casefold()]
    if not found:
        quoted = ", ".join(f'"{label}"' for label in dict.fromkeys(there))
        raise TraceError(f"there is no {what} {wanted!r}; there are {quoted}")
    return found


def find(table: Filled, row: str, column: str) -> tuple[Line, int]:
    """The line, ours before the paper's where both have a label, and the place of the column.

    Raises:
        TraceError: the table has no such row or column; lists those that it has.
    """
    (index, *_) = _chosen("column", column, list(table.columns))
    lines = [table.lines[i] for i in _chosen("row", row, [line.label for line in table.lines])]
    return min(lines, key=lambda line: _PREFERRED.index(line.kind)), index


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TraceError(
            f"{path}: is not there; run the pipeline here first (snakemake --cores all -- all)"
        ) from error


def _host(cell: Cell, column: Column, runs: list[dict[str, Any]]) -> str:
    """The experiment in whose ``scores.csv`` a cell's scores are."""
    if cell.experiment not in (TRIVIAL, MAJORITY):
        return cell.experiment
    return next(
        run["experiment"]
        for run in runs
        if run["train_on"] == column.train_on and column.dataset in run["test_on"]
    )


def look_up(name: str, row: str, column: str, record: dict[str, Any]) -> Traced:
    """A cell with what it was made from.

    Raises:
        TraceError: there is no such number here, or it is older than its runs.
    """
    name = table_of(name)
    table = Filled.from_json(_read(Path(f"results/tables/{name}.json")))
    line, index = find(table, row, column)
    cell, declared_column = line.cells[index], declared().tables[name].columns[index]
    where = f"{name}, {line.label}, {table.columns[index]}"
    if line.kind == "reported":
        raise TraceError(f"{where}: {cell.text()} is what the paper reports ({line.source})")
    if cell.mean is None:
        raise TraceError(f"{where}: {cell.text()}")
    host = _host(cell, declared_column, record["runs"])
    at = (cell.experiment, declared_column.train_on, declared_column.dataset,
          declared_column.subset, declared_column.metric)  # fmt: skip
    path = Path(f"results/{host}/scores.csv")
    scores = [
        s
        for s in read_scores(path)
        if (s.experiment, s.train_on, s.dataset, s.subset, s.metric) == at
    ]
    if tuple(s.seed for s in scores) != cell.seeds or fmean(s.value for s in scores) != cell.mean:
        raise TraceError(f"{where}: the table is not of the scores in {path}; run the pipeline")
    seeds = sorted(run["seed"] for run in record["runs"] if run["experiment"] == host)
    runs = [_read(Path(f"results/{host}/seed{seed}/run.json")) for seed in seeds]
    return Traced(table, line, cell, declared_column, tuple(scores), tuple(runs), host)


def stale(found: Traced, record: dict[str, Any]) -> str:
    """Why the recorded parameters are not those of the runs; empty where they are."""
    params = Params.model_validate(
        {**record["parameters"], "tracking": {"enabled": False, "uri": None}}
    )
    spec = params.experiments[found.folder].model_dump(mode="json")
    if params.experiments[found.folder].tuned and params.searched():
        spec = tuned(spec, _read(Path("results/chosen.json")))
    if any(run["digest"] != digest(spec) for run in found.runs):
        return "its parameters are not"
    datasets = {name: about["digest"] for name, about in record["datasets"].items()}
    if any(run["data_digest"] != datasets[run["train_on"]] for run in found.runs):
        return "its training data are not"
    if found.cell.digest != datasets[found.column.dataset]:
        return "its test data are not"
    return ""


def _facts(found: Traced, record: dict[str, Any]) -> list[str]:
    """What is known of the number, for people."""
    cell, column, metric = found.cell, found.column, METRICS[found.column.metric]
    better = "lower" if metric.less_is_better else "higher"
    seeds = ", ".join(str(score.seed) for score in found.scores)
    lines = [
        f"{found.table.name}, row {found.line.label}, column {column.label}: {cell.text()}",
        f"  table      {found.table.title}",
        f"  experiment {cell.experiment}",
        f"  metric     {column.metric}: {metric.words}, in {metric.unit} ({better} is better)",
        f"  test set   {column.dataset}, {column.subset}: {cell.images} faces",
        f"  measured on {cell.data}",
    ]
    for name in dict.fromkeys((column.train_on, column.dataset)):
        lines.append(f"  data digest {record['datasets'][name]['digest']} ({name})")
    lines.append(f"  seeds      {seeds} ({len(found.scores)} of them)")
    lines += [f"    seed {score.seed}: {score.value:.9g}" for score in found.scores]
    lines.append("runs")
    for run in found.runs:
        lines.append(f"  results/{run['experiment']}/seed{run['seed']}")
        lines.append(f"    commit {run['commit']}")
        lines.append(f"    parameters {run['digest']}")
        lines.append(f"    trained on {run['train_on']} {run['data_digest']} ({run['origin']})")
        lines.append(f"    {run['epochs']} epochs on {run['device']}, {run['precision']}, "
                     f"{run['initialisation']}")  # fmt: skip
    lines.append("parameters (of every seed)")
    shown = yaml.safe_dump(found.runs[0]["parameters"], sort_keys=False, allow_unicode=True)
    return [*lines, *(f"  {line}" for line in shown.splitlines())]


def _needed(found: Traced, record: dict[str, Any]) -> list[str]:
    """What a fresh clone lacks: official files."""
    names = [found.column.train_on, *found.runs[0]["parameters"]["test_on"]]
    return [
        f"needs your copy of {name} in {record['parameters']['data']['raw']} (docs/datasets.md): "
        f"digest {record['datasets'][name]['digest']}"
        for name in dict.fromkeys(names)
        if record["datasets"][name]["origin"] == "official"
        and name not in record["parameters"]["data"]["fetch"]
    ]


def print_number(found: Traced) -> str:
    """A command that prints the cell's number from ``scores.csv``."""
    column, cell = found.column, found.cell
    key = ("experiment", "train_on", "dataset", "subset", "metric")
    wanted = (cell.experiment, column.train_on, column.dataset, column.subset, column.metric)
    of = ", ".join(f"r[{name!r}]" for name in key)
    spread = f", '±', f'{{s.stdev(v):.{cell.digits}f}}'" if cell.std is not None else ""
    code = (
        f"import csv, statistics as s; v = [float(r['value']) for r in csv.DictReader("
        f"open('results/{found.folder}/scores.csv')) if ({of}) == {wanted}]; "
        f"print(f'{{s.fmean(v):.{cell.digits}f}}'{spread}, '=', *v)"
    )
    return f'python -c "{code}"'


def trace(name: str, row: str, column: str) -> str:
    """The number's script, from the results in the working directory.

    Raises:
        TraceError: there is no such number, or nothing to recompute it with.
    """
    record = _read(RECORD)
    found = look_up(name, row, column, record)
    comment: Callable[[str], str] = lambda text: f"# {text}".rstrip()  # noqa: E731
    lines = [comment(line) for line in _facts(found, record)]
    if why := stale(found, record):
        lines.append(comment(f"{why} those of the last whole run: run the pipeline, trace again"))
        return "\n".join(lines)
    then = RECORD.with_name("params.yaml").read_text(encoding="utf-8")
    how = recipe(record, then)
    lines.append(comment("again, in a fresh clone; the same digits on the same kind of machine:"))
    lines += [comment(f"  {text}") for text in (*_needed(found, record), *how.remarks)]
    lines += commands(how, f"results/{found.folder}/scores.csv")
    return "\n".join([*lines, print_number(found)])
