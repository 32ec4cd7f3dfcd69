"""The paper against itself: every check with the numbers that it used."""

from __future__ import annotations

from cadnet.paper.audit import audit
from cadnet.paper.cells import Filled, Line, words
from cadnet.paper.declarations import Table
from cadnet.paper.results import Results


def fill(name: str, table: Table, results: Results) -> Filled:
    """A row for each finding, those that do not hold first."""
    columns = ("Where", "Statement", "Numbers used", "Computed", "Holds")
    lines = tuple(
        Line(
            finding.id,
            "audit",
            tuple(
                words(text, "audit")
                for text in (
                    finding.where,
                    finding.statement,
                    finding.numbers,
                    finding.computed,
                    "yes" if finding.consistent else "no",
                )
            ),
        )
        for finding in audit(results.counted)
    )
    said = "Computed from the numbers that the paper prints, and from nothing else"
    return Filled(name, table.title, columns, lines, said, table.note, head="Check")
