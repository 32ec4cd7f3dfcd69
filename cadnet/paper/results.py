"""What scoring left of some experiments, as the tables and figures read it."""

from __future__ import annotations

import argparse
import csv
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cadnet.evaluation.about import datasets
from cadnet.paper.cells import MARKS
from cadnet.paper.declarations import Column, declared

if TYPE_CHECKING:  # most tables do without, and its import takes longer than they do
    import pandas as pd

_BUILT_IN, _OFFICIAL, _PARTIAL = MARKS


class Score(NamedTuple):
    """A row of scores.csv."""

    experiment: str
    seed: int
    train_on: str
    dataset: str
    subset: str
    metric: str
    value: float
    images: int


@dataclass(frozen=True)
class Results:
    """Scores and datasets; what else a table needs is read when it asks.

    Attributes:
        scores: each row once, though several files have the trivial predictors'.
        data: the datasets by name, as ``cadnet.evaluation.about.describe`` has them.
        runs: run.json files, with their MLflow runs.
        folders: where errors.parquet, expressions.parquet lie, one folder an experiment.
        efficiency, search: efficiency.csv, search.csv, where there are any.
        counted: 10⁹ multiply-adds of architectures at the paper's size.
        occlusion: shares of occluded landmarks up to which a face is mild, is moderate.
        examples: faces for a figure, as ``cadnet.evaluation.examples`` chose them.
        models: architectures to draw and the px of their input: {"size": …, "models": {…}}.
    """

    scores: tuple[Score, ...]
    data: dict[str, Any]
    runs: list[dict[str, Any]] = field(default_factory=list)
    folders: tuple[Path, ...] = ()
    efficiency: Path | None = None
    search: Path | None = None
    counted: dict[str, float] = field(default_factory=dict)
    occlusion: dict[str, float] = field(default_factory=dict)
    examples: Path | None = None
    models: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def experiments(self) -> set[str]:
        """Which have scores."""
        return {score.experiment for score in self.scores}

    @cached_property
    def _by_column(self) -> dict[tuple[str, ...], list[Score]]:
        found: dict[tuple[str, ...], list[Score]] = {}
        for score in sorted(self.scores, key=lambda score: score.seed):
            at = (score.experiment, score.train_on, score.dataset, score.subset, score.metric)
            found.setdefault(at, []).append(score)
        return found

    def seeds(self, experiment: str, column: Column) -> list[Score]:
        """What an experiment's runs reached in a table's column, in the order of their seeds."""
        at = (experiment, column.train_on, column.dataset, column.subset, column.metric)
        return self._by_column.get(at, [])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The scores as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.scores, columns=list(Score._fields))

    @cached_property
    def errors(self) -> pd.DataFrame:
        """Landmark errors, an image and seed a row."""
        return self._together("errors.parquet")

    @cached_property
    def expressions(self) -> pd.DataFrame:
        """Expressions and what they were taken for, an image and seed a row."""
        return self._together("expressions.parquet")

    def _together(self, name: str) -> pd.DataFrame:
        from cadnet.evaluation.collect import together

        return together([folder / name for folder in self.folders])

    @cached_property
    def measured(self) -> pd.DataFrame:
        """What models cost; empty where nothing was measured."""
        return _optional(self.efficiency)

    @cached_property
    def searched(self) -> pd.DataFrame:
        """The trials of the search; empty where there were none."""
        return _optional(self.search)

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


def _optional(path: Path | None) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(path) if path else pd.DataFrame()


def read_scores(path: Path) -> list[Score]:
    """The rows of a scores.csv.

    Raises:
        ValueError: it lacks a column, or a row is cut off; names the file.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := set(Score._fields) - set(rows.fieldnames or ()):
            raise ValueError(f"{path}: lacks the columns {', '.join(sorted(missing))}")
        try:
            return [
                Score(
                    seed=int(row.pop("seed")),
                    value=float(row.pop("value")),
                    images=int(row.pop("images")),
                    **row,
                )
                for row in rows
            ]
        except (TypeError, ValueError) as error:
            message = f"{path}: line {rows.line_num} is no score; delete it and run again"
            raise ValueError(message) from error


def from_arguments(options: argparse.Namespace) -> Results:
    """Read the results.

    Raises:
        ValueError: a file of scores is not as it should be; names it.
    """
    rows = (score for path in options.scores for score in read_scores(path))
    return Results(
        tuple(dict.fromkeys(rows)),
        datasets(options.data),
        json.loads(options.runs.read_text(encoding="utf-8")) if options.runs else [],
        tuple(path.parent for path in options.scores),
        options.efficiency,
        options.search,
        _counted(options.paper_models),
        options.occlusion,
        options.examples,
        options.models,
    )
