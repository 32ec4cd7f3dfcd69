"""What the paper's tables and figures consist of, and what it reports: data files, validated.

Light: the Snakefile asks for the names of the outputs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

from cadnet.provenance import digest as json_digest
from cadnet.provenance import file_digest
from cadnet.yamlfiles import read_yaml

KINDS = {
    kind: f"cadnet.paper.kinds.{kind}"
    for kind in (
        "scores",
        "static",
        "efficiency",
        "correlation",
        "confusion",
        "search",
        "splits",
        "claims",
        "significance",
        "audit",
        "compression",
    )
}
"""Kinds of tables, each with the module whose ``fill`` makes it."""
FIGURE_KINDS = {
    kind: f"cadnet.paper.drawing.{kind}"
    for kind in (
        "sheet",
        "predictions",
        "masks",
        "architecture",
        "attention",
        "ced",
        "bars",
        "correlation",
        "confusion",
        "runtime",
        "search",
        "tradeoff",
        "compression",
    )
}
"""Kinds of figures, each with the module whose ``draw`` makes it."""
_READ_ALL = ("claims", "significance", "audit")

_FOLDER = Path(__file__).parent
_FILES = tuple(_FOLDER / f"{name}.yaml" for name in ("declarations", "reported", "claims"))


class Metric(NamedTuple):
    """What a column's number is: in words, its unit, whether less is better; and the predictor
    that knows nothing, which a model must beat."""

    words: str
    unit: str
    less_is_better: bool = True
    trivial: str | None = None


_NRMSE = "mean point-to-point distance over the {}, the mean over faces (NRMSE × 10⁻²)"
METRICS = {
    "nrmse_mean_io": Metric(_NRMSE.format("inter-ocular distance"), "%", trivial="mean_shape"),
    "nrmse_mean_box": Metric(_NRMSE.format("width of the face's box"), "%", trivial="mean_shape"),
    "accuracy": Metric("share of the faces whose expression is right", "%", False, "majority"),
    "macro_f1": Metric("mean F1 of the expressions", "%", False, "majority"),
    "jitter_io": Metric(
        "mean displacement between consecutive predictions over the inter-ocular distance", "%"
    ),
    "jitter_excess_io": Metric(
        "mean displacement of the predictions' error between consecutive frames over the "
        "inter-ocular distance",
        "%",
    ),
    "mask_drop_sparsity": Metric("share of the drop mask P′ that is zero", "%"),
    "mask_final_sparsity": Metric("what the final mask P″ withholds, one minus its mean", "%"),
    "mask_coverage": Metric("share of the face's box that the drop mask keeps", "%"),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """A test set and its metric. ``train_on`` names the training data where the table mixes
    several."""

    label: str
    dataset: str
    subset: str
    train_on: str = "300w"
    metric: str = "nrmse_mean_io"

    @model_validator(mode="after")
    def _known_metric(self) -> Column:
        if self.metric not in METRICS:
            raise ValueError(f"{self.label}: metric is one of {', '.join(METRICS)}")
        return self


class Row(_Strict):
    """A model: one experiment, or one for each column (None: the paper has no such cell)."""

    label: str
    experiment: str | None = None
    experiments: list[str | None] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Row:
        if (self.experiment is None) == (self.experiments is None):
            raise ValueError(f"{self.label}: give experiment or experiments")
        return self

    def at(self, column: int) -> str | None:
        """The experiment that fills a column."""
        return self.experiments[column] if self.experiments else self.experiment


class Measure(_Strict):
    """A column of measured efficiency: a metric of ``cadnet.evaluation.measure``, or none where
    the paper alone has numbers."""

    label: str
    metric: str = ""
    digits: int = 2
    scale: float = 1.0


class _Declared(_Strict):
    """``kind`` says who makes it; ``experiments`` are those that it needs (labels by name), beside
    its rows' own; ``architectures`` those whose cost it states."""

    title: str
    kind: str
    columns: list[Column] = []
    reproduced: list[Row] = []
    experiments: dict[str, str] = {}
    datasets: list[str] = []
    architectures: dict[str, str] = {}
    note: str = ""

    def needed_experiments(self) -> list[str]:
        """By name, each once."""
        rows = [row.at(i) for row in self.reproduced for i in range(len(self.columns))]
        return list(dict.fromkeys([*(name for name in rows if name), *self.experiments]))

    def needed_datasets(self) -> list[str]:
        """Whose facts are stated."""
        named = [d for column in self.columns for d in (column.train_on, column.dataset)]
        return list(dict.fromkeys([*named, *self.datasets]))

    def needs_all(self) -> bool:
        """Whether every experiment's scores are read."""
        return self.kind in ("claims", "significance")

    def needs_efficiency(self) -> bool:
        """Whether measured costs are read."""
        return bool(self.architectures) or self.kind in _READ_ALL

    def states_times(self) -> bool:
        """Whether it shows a machine's times, which no two runs have in common."""
        return self.needs_efficiency() or self.kind == "compression"


class Table(_Declared):
    """A table. ``kind``: a key of ``KINDS``."""

    kind: str = "scores"
    measures: list[Measure] = []
    claims: Literal["results", "speed"] = "results"


class Examples(_Strict):
    """Faces that a figure shows, and the experiment whose predictions it shows on them."""

    experiment: str
    dataset: str
    subset: str
    choose: Literal["occluded", "worst", "spread", "expressions"]
    count: int


class Figure(_Declared):
    """A figure. ``subset`` of the first of ``datasets``, made of ``members``; ``table`` is the
    table whose numbers it draws; ``drawn`` the architectures whose shapes it shows (titles by
    name)."""

    subset: str = ""
    members: list[str] = []
    table: str = ""
    examples: Examples | None = None
    drawn: dict[str, str] = {}
    caption: str

    def needed_datasets(self) -> list[str]:
        shown = [self.examples.dataset] if self.examples else []
        return list(dict.fromkeys([*super().needed_datasets(), *shown]))


class Declarations(_Strict):
    needs: dict[str, list[str]]
    tables: dict[str, Table]
    figures: dict[str, Figure]

    @model_validator(mode="after")
    def _known_kinds(self) -> Declarations:
        for name, table in self.tables.items():
            if table.kind not in KINDS:
                raise ValueError(f"{name}: kind is one of {', '.join(KINDS)}")
        for name, figure in self.figures.items():
            if figure.kind not in FIGURE_KINDS:
                raise ValueError(f"{name}: kind is one of {', '.join(FIGURE_KINDS)}")
            if figure.table and figure.table not in self.tables:
                raise ValueError(f"{name}: there is no table {figure.table}")
        return self


@cache
def declared() -> Declarations:
    """Tables and figures, by their number in the paper."""
    return Declarations.model_validate(read_yaml(_FILES[0]))


def tests_of_claims() -> dict[str, Any]:
    """Each claim's test by the claim's id, as the file has it: who only reads which experiments it
    names needs none of the classes (and statistics) behind it."""
    return {entry["id"]: entry["test"] for entry in read_yaml(_FILES[2])}


def outputs() -> dict[str, list[str]]:
    """The numbers of all tables and figures."""
    return {"tables": list(declared().tables), "figures": list(declared().figures)}


def filled_by(table: str) -> str:
    """The module that fills a table."""
    return KINDS[declared().tables[table].kind]


def drawn_by(figure: str) -> str:
    """The module that draws a figure."""
    return FIGURE_KINDS[declared().figures[figure].kind]


def sources(figure: Figure) -> list[_Declared]:
    """The declarations that say what a figure is made from: its own and its table's."""
    return [figure, *([declared().tables[figure.table]] if figure.table else [])]


def architectures() -> list[str]:
    """Those whose cost a table or a figure states, each once."""
    everything = (*declared().tables.values(), *declared().figures.values())
    return list(dict.fromkeys(name for item in everything for name in item.architectures))


def compared() -> list[str]:
    """The models that a table of compression compares, each once."""
    tables = (table for table in declared().tables.values() if table.kind == "compression")
    return list(dict.fromkeys(name for table in tables for name in table.needed_experiments()))


def digest(group: Literal["tables", "figures"] | None = None, name: str = "") -> str:
    """Changes when a declaration or a reported number does: of one table or figure, or of any."""
    if group is None:
        return "-".join(file_digest(path)[:12] for path in _FILES)
    ours, printed = read_yaml(_FILES[0]), read_yaml(_FILES[1])
    figure_of = ours[group][name].get("table", "")
    needs = [ours["needs"], ours[group][name], ours["tables"].get(figure_of)]
    theirs = printed.get(name)
    if ours[group][name].get("kind") in _READ_ALL:
        theirs = [printed, read_yaml(_FILES[2])]
    return json_digest([needs, theirs, printed.get(figure_of)])[:16]


def templates() -> str:
    """Changes when what the page and the paper are written into does."""
    files = sorted((_FOLDER / "page" / "templates").iterdir())
    return json_digest({path.name: file_digest(path) for path in files})[:16]
