"""X12: each claimed gain with its interval and its test."""

from __future__ import annotations

from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.claims.verdicts import significance
from cadnet.paper.declarations import Table
from cadnet.paper.kinds.claims import found
from cadnet.paper.results import Results

COLUMNS = ("Claim", "Gain", "95 % interval", "Units", "Seeds", "p", "p (Holm)", "Verdict")


def _p(value: float) -> Cell:
    return Cell("reproduced", words="< 0.001" if value < 0.001 else f"{value:.3f}")


def fill(name: str, table: Table, results: Results) -> Filled:
    """A row for each claim that could be tested."""
    lines = [
        Line(
            row["id"],
            "reproduced",
            (
                words(row["claim"]),
                Cell("reproduced", mean=row["gain"], digits=3),
                words(f"[{row['low']:.3f}, {row['high']:.3f}]"),
                words(row["n"]),
                words(row["seeds"]),
                _p(row["p"]),
                _p(row["p_adjusted"]),
                words(row["verdict"]),
            ),
        )
        for row in significance(found(results))
    ]
    if not lines:
        cell = Cell("reproduced", missing="no claim could be tested")
        cells = (cell, *[Cell("reproduced")] * (len(COLUMNS) - 1))
        lines.append(Line("all", "reproduced", cells))
    said = (
        "Gains are above zero in the claim's direction: differences of errors or accuracies in "
        "percentage points, or of relative gains; bootstrap intervals over test images, paired "
        "permutation tests, Holm's correction"
    )
    return Filled(name, table.title, COLUMNS, tuple(lines), said, table.note, head="Claim")
