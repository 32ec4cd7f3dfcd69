"""What the paper's tables and figures consist of, and what it reports: data files, validated.

Light: the Snakefile asks for the names of the outputs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from cadnet.provenance import file_digest

_FOLDER = Path(__file__).parent
_FILES = (_FOLDER / "declarations.yaml", _FOLDER / "reported.yaml")


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


class Table(_Strict):
    title: str
    columns: list[Column]
    reproduced: list[Row]
    note: str = ""


class Figure(_Strict):
    """A cumulative error distribution; ``experiments`` maps names to labels."""

    title: str
    dataset: str
    subset: str
    members: list[str]
    experiments: dict[str, str]


class Declarations(_Strict):
    needs: dict[str, list[str]]
    planned: dict[str, str]
    tables: dict[str, Table]
    figures: dict[str, Figure]


class ReportedRow(_Strict):
    method: str
    values: list[float | None]
    year: int | None = None
    cites: str = ""


class ReportedTable(_Strict):
    source: str
    rows: list[ReportedRow]


@cache
def declared() -> Declarations:
    """Tables and figures, by their number in the paper."""
    return Declarations.model_validate(yaml.safe_load(_FILES[0].read_text(encoding="utf-8")))


@cache
def reported() -> dict[str, ReportedTable]:
    """What the paper prints, by table.

    Raises:
        ValueError: a row has another number of values than its table has columns.
    """
    tree = yaml.safe_load(_FILES[1].read_text(encoding="utf-8"))
    tables = {name: ReportedTable.model_validate(table) for name, table in tree.items()}
    for name, table in tables.items():
        for row in table.rows:
            if len(row.values) != len(declared().tables[name].columns):
                raise ValueError(f"{_FILES[1]}: {name}, {row.method}: a value for each column")
    return tables


def outputs() -> dict[str, list[str]]:
    """The numbers of all tables and figures."""
    return {"tables": list(declared().tables), "figures": list(declared().figures)}


def digest() -> str:
    """Changes when a declaration or a reported number does."""
    return "-".join(file_digest(path)[:12] for path in _FILES)
