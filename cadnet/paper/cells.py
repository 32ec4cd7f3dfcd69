"""What tables are made of: a cell is a number with its spread, words, or the reason for none."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FLAG = "⚠ does not beat the trivial predictor"
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


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        kind: ``reported`` by the paper, ``reproduced`` here, or ``trivial``.
        mean, std: over seeds; ``std`` is None for a single seed or a reported number.
        data: the training and the test data in words; ``mark``: the same as one of ``MARKS``.
        digest: of the test data.
        missing: why there is no number; empty where there is one.
        beaten: False for a trained model that is no better than the trivial predictor.
        words: what stands in a cell that holds no number.
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
    words: str = ""
    digits: int = 2

    def text(self, plus_minus: str = "±") -> str:
        """As a person reads it: mean ± standard deviation over seeds."""
        if self.words:
            return self.words
        if self.mean is None:
            return f"not available: {self.missing}" if self.missing else "–"
        text = f"{self.mean:.{self.digits}f}"
        if self.std is not None:
            text += f" {plus_minus} {self.std:.{self.digits}f}"
        elif self.kind == "reproduced" and len(self.seeds) == 1:
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
    """A table ready to be written; ``quantity`` says what its numbers are, in a sentence."""

    name: str
    title: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    quantity: str = ""
    note: str = ""
    measured_on: tuple[str, ...] = ()
    head: str = "Method"

    def as_json(self) -> dict[str, Any]:
        """What ``from_json`` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> Filled:
        """A table that ``as_json`` wrote."""
        lines = tuple(
            Line(**{**line, "cells": tuple(
                Cell(**{**cell, "seeds": tuple(cell["seeds"])}) for cell in line["cells"]
            )})
            for line in tree["lines"]
        )  # fmt: skip
        return cls(**{
            **tree, "lines": lines, "columns": tuple(tree["columns"]),
            "measured_on": tuple(tree["measured_on"]),
        })  # fmt: skip


def words(text: object, kind: str = "reproduced") -> Cell:
    """A cell of words."""
    return Cell(kind, words=str(text))
