"""One row of the audit."""

from __future__ import annotations

from dataclasses import dataclass

from cadnet.paper.reported import quote


@dataclass(frozen=True)
class Finding:
    """What the paper says in one place, held against another.

    Attributes:
        where: tables, sections, equations.
        statement: what the paper says, or what would have to hold.
        numbers: the printed numbers used.
        computed: what comes out of them.
        consistent: whether it holds.
    """

    id: str
    where: str
    statement: str
    numbers: str
    computed: str
    consistent: bool


def quotes(*places: tuple[str, ...]) -> str:
    """Printed numbers with their places, from (table, method) or (table, method, column)."""
    return "; ".join(quote(*place) for place in places)


# Half a unit of the last digit that tables of errors print.
HALF = 0.005
