"""What scoring left of some experiments, as the tables and figures read it."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from cadnet.evaluation.collect import datasets, together
from cadnet.paper.cells import MARKS
from cadnet.paper.declarations import declared

_COLUMNS = ["experiment", "seed", "train_on", "dataset", "subset", "metric", "value", "images"]
_BUILT_IN, _OFFICIAL, _PARTIAL = MARKS


@dataclass(frozen=True)
class Results:
    """Scores and datasets; what else a table needs is read when it asks.

    Attributes:
        scores: the tidy table.
        data: the datasets by name, as ``cadnet.evaluation.collect.describe`` has them.
        runs: run.json files, with their MLflow runs.
        folder: where errors.parquet, expressions.parquet lie, one folder an experiment.
        measured: efficiency.csv; searched: search.csv. Empty where none was given.
        counted: 10⁹ multiply-adds of architectures at the paper's size.
        occlusion: shares of occluded landmarks up to which a face is mild, is moderate.
        examples: faces for a figure, as ``cadnet.evaluation.examples`` chose them.
        models: architectures to draw and the px of their input: {"size": …, "models": {…}}.
    """

    scores: pd.DataFrame
    data: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)
    folders: tuple[Path, ...] = ()
    measured: pd.DataFrame = field(default_factory=pd.DataFrame)
    searched: pd.DataFrame = field(default_factory=pd.DataFrame)
    counted: dict[str, float] = field(default_factory=dict)
    occlusion: dict[str, float] = field(default_factory=dict)
    examples: Path | None = None
    models: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def errors(self) -> pd.DataFrame:
        """Landmark errors, an image and seed a row."""
        return together([folder / "errors.parquet" for folder in self.folders])

    @cached_property
    def expressions(self) -> pd.DataFrame:
        """Expressions and what they were taken for, an image and seed a row."""
        return together([folder / "expressions.parquet" for folder in self.folders])

    def describe(self, dataset: str) -> str:
        """E.g. "300w: built-in faces, complete"."""
        about = self.data[dataset]
        origin = "built-in faces" if about["origin"] == "built-in" else "official photographs"
        return f"{dataset}: {origin}, {'partial' if about['partial'] else 'complete'}"

    def mark(self, dataset: str) -> str:
        """One of ``MARKS``."""
        about = self.data[dataset]
        if about["origin"] == "built-in":
            return _BUILT_IN
        return _PARTIAL if about["partial"] else _OFFICIAL

    def measured_on(self, train_on: str, dataset: str) -> tuple[str, str]:
        """What a number was measured on, in words and as a mark."""
        if train_on == dataset:
            return self.describe(dataset), self.mark(dataset)
        trained, tested = self.mark(train_on), self.mark(dataset)
        words = f"trained on {self.describe(train_on)}; tested on {self.describe(dataset)}"
        return words, trained if trained == tested else f"{trained}→{tested}"


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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The files that ``from_arguments`` reads."""
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="…/scores.csv")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="facts beside the stores")
    parser.add_argument("--runs", type=Path, help="runs.json")
    parser.add_argument("--efficiency", type=Path, help="what cadnet.evaluation.measure wrote")
    parser.add_argument("--search", type=Path, help="what cadnet.training.search wrote")
    parser.add_argument("--occlusion", type=json.loads, default={}, help="data.occlusion")
    parser.add_argument(
        "--paper-models", type=json.loads, default={}, help="architectures at the paper's size"
    )
    parser.add_argument("--examples", type=Path, help="what cadnet.evaluation.examples wrote")
    parser.add_argument("--models", type=json.loads, default={}, help="architectures to draw")


def _counted(models: dict[str, Any]) -> dict[str, float]:
    """10⁹ multiply-adds of {"size": px, "models": {name: parameters}}."""
    if not models:
        return {}
    from cadnet.evaluation.efficiency import cost
    from cadnet.schema import Model

    return {
        name: cost(Model.model_validate(tree), models["size"]).multiply_adds / 1e9
        for name, tree in models["models"].items()
    }


def from_arguments(options: argparse.Namespace) -> Results:
    """Read the results.

    Raises:
        ValueError: the scores lack a column; names the file.
    """
    for path in options.scores:
        header = pd.read_csv(path, nrows=0).columns
        if missing := set(_COLUMNS) - set(header):
            raise ValueError(f"{path}: lacks the columns {', '.join(sorted(missing))}")

    def optional(path: Path | None) -> pd.DataFrame:
        return pd.read_csv(path) if path else pd.DataFrame()

    return Results(
        together(options.scores) if options.scores else pd.DataFrame(columns=_COLUMNS),
        datasets(options.data),
        json.loads(options.runs.read_text(encoding="utf-8")) if options.runs else [],
        tuple(path.parent for path in options.scores),
        optional(options.efficiency),
        optional(options.search),
        _counted(options.paper_models),
        options.occlusion,
        options.examples,
        options.models,
    )
