"""What the paper prints: ``reported.yaml``, validated. Light: neither torch nor pandas.

``number("T4", "CAD-Net")`` is one printed number; nothing else in the project retypes it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from cadnet.yamlfiles import read_yaml

FILE = Path(__file__).parent / "reported.yaml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportedRow(_Strict):
    method: str
    values: list[float | None]
    stds: list[float | None] | None = None
    year: int | None = None
    cites: str = ""


class ReportedTable(_Strict):
    """A table of numbers; ``columns`` and ``units`` as long as each row's ``values``."""

    source: str
    columns: list[str]
    units: list[str]
    rows: list[ReportedRow]
    read: str = ""

    @model_validator(mode="after")
    def _a_value_for_each_column(self) -> ReportedTable:
        wanted = len(self.columns)
        if len(self.units) != wanted:
            raise ValueError(f"{self.source}: a unit for each column")
        for row in self.rows:
            if len(row.values) != wanted or len(row.stds or row.values) != wanted:
                raise ValueError(f"{self.source}, {row.method}: a value for each column")
        if len({row.method for row in self.rows}) != len(self.rows):
            raise ValueError(f"{self.source}: two rows of one name")
        return self

    def row(self, method: str) -> ReportedRow:
        """The row of a method.

        Raises:
            KeyError: there is none.
        """
        for row in self.rows:
            if row.method == method:
                return row
        raise KeyError(f"{self.source}: no row {method!r}")

    def value(self, method: str, column: str) -> float | None:
        """One number, None where the paper prints a dash.

        Raises:
            KeyError: no such row or column.
        """
        if column not in self.columns:
            raise KeyError(f"{self.source}: no column {column!r}")
        return self.row(method).values[self.columns.index(column)]


class Expression(_Strict):
    """A row of table 1; ``landmarks`` are ranges of the 68, counted from 0."""

    emotion: str
    action_units: str
    description: str
    landmarks: str


class ExpressionTable(_Strict):
    source: str
    rows: list[Expression]
    read: str = ""


class TextNumber(_Strict):
    """A number of the running text; ``value`` None: promised there, printed nowhere."""

    id: str
    value: float | list[float] | None
    unit: str
    what: str
    source: str
    read: str = ""


class Reported(_Strict):
    expressions: ExpressionTable
    tables: dict[str, ReportedTable]
    text: dict[str, TextNumber]


@cache
def reported() -> Reported:
    """All that the paper reports.

    Raises:
        ValueError: a row has another number of values than its table has columns, or a name is
            there twice.
    """
    tree = dict(read_yaml(FILE))
    expressions, text = tree.pop("T1"), tree.pop("text")
    if len({entry["id"] for entry in text}) != len(text):
        raise ValueError(f"{FILE}: two text numbers of one id")
    numbers = {entry["id"]: entry for entry in text}
    return Reported.model_validate({"expressions": expressions, "tables": tree, "text": numbers})


def number(table: str, method: str, column: str | None = None) -> float:
    """One printed number; the column may be left out where there is one alone.

    Raises:
        KeyError: the paper prints no such number.
    """
    found = reported().tables[table]
    value = found.value(method, found.columns[0] if column is None else column)
    if value is None or (column is None and len(found.columns) > 1):
        raise KeyError(f"{found.source}: no one number for {method!r}, column {column!r}")
    return value


def stated(identifier: str) -> float:
    """One number of the running text.

    Raises:
        KeyError: the text prints no such single number.
    """
    value = reported().text[identifier].value
    if not isinstance(value, float):
        raise KeyError(f"text: no one number for {identifier!r}")
    return value


def quote(table: str, method: str, column: str | None = None) -> str:
    """A printed number with its place and its ±, e.g. ``T4 CAD-Net 5.21``.

    Raises:
        KeyError: the paper prints no such number.
    """
    found = reported().tables[table]
    value, row = number(table, method, column), found.row(method)
    at = found.columns.index(column) if column else 0
    unit = found.units[at]
    text = f"{value:g}" if table == "T3" and not unit.startswith("NRMSE") else f"{value:.2f}"
    if unit.startswith("accuracy"):
        text = f"{value:.1f}"
    if row.stds and row.stds[at] is not None:
        text += f" ± {row.stds[at]:g}"
    place = f" {column}" if len(found.columns) > 1 else ""
    return f"{table} {method}{place} {text}"


def quote_text(identifier: str) -> str:
    """A number of the running text with its place, e.g. ``section 5.2: seeds 3 …``."""
    entry = reported().text[identifier]
    if entry.value is None:
        return f"{entry.source}: not printed ({entry.what})"
    values = entry.value if isinstance(entry.value, list) else [entry.value]
    numbers = ", ".join(f"{value:.10g}" for value in values)
    return f"{entry.source}: {numbers} {entry.unit} ({entry.what})".replace("  ", " ")
