"""Declared tables filled from the tidy results: a cell is a number with its spread, or a reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cadnet.paper.declarations import Column, declared, reported

TRIVIAL, TRIVIAL_LABEL = "mean_shape", "Mean shape (trivial predictor)"
# Beside each number, what it was measured on.
MARKS = {
    "ᵇ": "built-in faces",
    "ᵒ": "official photographs",
    "ᵖ": "a part of the official photographs",
}
LEGEND = (
    ", ".join(f"{mark} {meaning}" for mark, meaning in MARKS.items())
    + "; ᵇ→ᵒ: trained on the one, tested on the other"
)
_COLUMNS = {"experiment", "seed", "train_on", "dataset", "subset", "metric", "value", "images"}


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        kind: ``reported`` by the paper, ``reproduced`` here, or ``trivial``.
        mean, std: over seeds; ``std`` is None for a single seed or a reported number.
        data: the training and the test data in words; ``mark``: the same as one of ``MARKS``.
        digest: of the test data.
        missing: why there is no number; empty where there is one.
        beaten: False for a trained model that is no better than the mean shape.
    """

    kind: str
    mean: float | None = None
    std: float | None = None
    seeds: tuple[int, ...] = ()
    images: int | None = None
    experiment: str = ""
    data: str = ""
    mark: str = ""
    digest: str = ""
    missing: str = ""
    beaten: bool = True

    def text(self, plus_minus: str = "±") -> str:
        """As a person reads it: two decimals, mean ± standard deviation over seeds."""
        if self.mean is None:
            return f"not available: {self.missing}" if self.missing else "–"
        text = f"{self.mean:.2f}"
        if self.kind == "reproduced":
            if self.std is not None:
                text += f" {plus_minus} {self.std:.2f}"
            else:
                text += " (1 seed)"
        return text


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    label: str
    kind: str
    cells: tuple[Cell, ...]
    source: str = ""


@dataclass(frozen=True)
class Filled:
    """A table ready to be written."""

    name: str
    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    note: str = ""
    measured_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """What scoring left: the tidy scores, the datasets, the runs."""

    scores: pd.DataFrame
    data: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)

    def describe(self, dataset: str) -> str:
        """E.g. "300w: built-in faces, complete"."""
        about = self.data[dataset]
        origin = "built-in faces" if about["origin"] == "built-in" else "official photographs"
        return f"{dataset}: {origin}, {'partial' if about['partial'] else 'complete'}"

    def mark(self, dataset: str) -> str:
        """One of ``MARKS``."""
        about = self.data[dataset]
        if about["origin"] == "built-in":
            return "ᵇ"
        return "ᵖ" if about["partial"] else "ᵒ"

    def measured(self, train_on: str, dataset: str) -> tuple[str, str]:
        """What a number was measured on, in words and as a mark."""
        if train_on == dataset:
            return self.describe(dataset), self.mark(dataset)
        trained, tested = self.mark(train_on), self.mark(dataset)
        words = f"trained on {self.describe(train_on)}; tested on {self.describe(dataset)}"
        return words, trained if trained == tested else f"{trained}→{tested}"


def load(scores: Path, data: Path, runs: Path) -> Results:
    """Read the results.

    Raises:
        ValueError: the scores lack a column; names the file.
    """
    table = pd.read_csv(scores)
    if missing := _COLUMNS - set(table.columns):
        raise ValueError(f"{scores}: lacks the columns {', '.join(sorted(missing))}")
    return Results(
        table,
        json.loads(data.read_text(encoding="utf-8")),
        json.loads(runs.read_text(encoding="utf-8")),
    )


def _select(results: Results, experiment: str, column: Column) -> pd.DataFrame:
    scores = results.scores
    return scores[
        (scores["experiment"] == experiment)
        & (scores["train_on"] == column.train_on)
        & (scores["dataset"] == column.dataset)
        & (scores["subset"] == column.subset)
        & (scores["metric"] == column.metric)
    ].sort_values("seed")


def why_missing(results: Results, dataset: str, subset: str) -> str:
    """Why a test set has no numbers; empty when its faces are there."""
    if dataset not in results.data:
        return f"{dataset} not present"
    about = results.data[dataset]
    name, _, stratum = subset.partition(":")
    present = about["counts"]
    needed = declared().needs.get(f"{dataset}/{name}", [])
    if absent := [part for part in needed if not present.get(part)]:
        return ", ".join(f"{part}/" for part in absent) + " not present"
    if stratum and not about["occlusion_labels"]:
        return f"no occlusion labels for {', '.join(f'{part}/' for part in needed)}"
    return ""


def _cell(results: Results, experiment: str, column: Column, kind: str) -> Cell:
    why = why_missing(results, column.dataset, column.subset)
    if why:
        return Cell(kind, experiment=experiment, missing=why)
    found = _select(results, experiment, column)
    if found.empty:
        known = declared().planned.get(experiment)
        why = f"{experiment} {known}" if known else f"no run of {experiment} on it"
        if kind == "trivial":
            why = f"nothing was trained on {column.train_on}"
        elif ":" in column.subset and experiment in set(results.scores["experiment"]):
            why = "no face in this stratum"
        return Cell(kind, experiment=experiment, missing=why)
    values = found["value"]
    data, mark = results.measured(column.train_on, column.dataset)
    return Cell(
        kind,
        mean=float(values.mean()),
        std=float(values.std(ddof=1)) if len(values) > 1 else None,
        seeds=tuple(int(seed) for seed in found["seed"]),
        images=int(found["images"].iloc[0]),
        experiment=experiment,
        data=data,
        mark=mark,
        digest=str(results.data[column.dataset]["digest"]),
    )


def _flagged(cell: Cell, trivial: Cell) -> Cell:
    if cell.mean is None or trivial.mean is None or cell.mean < trivial.mean:
        return cell
    return Cell(**{**cell.__dict__, "beaten": False})


def fill(name: str, results: Results) -> Filled:
    """A declared table with the paper's numbers and ours."""
    table = declared().tables[name]
    trivial = tuple(_cell(results, TRIVIAL, column, "trivial") for column in table.columns)
    lines = []
    if name in reported():
        for row in reported()[name].rows:
            printed = tuple(Cell("reported", mean=value) for value in row.values)
            lines.append(Line(row.method, "reported", printed, row.cites or "the paper"))
    lines.append(Line(TRIVIAL_LABEL, "trivial", trivial))
    for declared_row in table.reproduced:
        cells: list[Cell] = []
        for index, column in enumerate(table.columns):
            experiment = declared_row.at(index)
            if experiment is None:
                cells.append(Cell("reproduced"))
            else:
                made = _cell(results, experiment, column, "reproduced")
                cells.append(_flagged(made, trivial[index]))
        lines.append(Line(declared_row.label, "reproduced", tuple(cells)))
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
        table.note,
        tuple(sorted(measured)),
    )
