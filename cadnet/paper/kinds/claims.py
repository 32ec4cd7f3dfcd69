"""C1: what became of every claim of the paper."""

from __future__ import annotations

from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.claims.schema import TIMED, claims
from cadnet.paper.claims.verdicts import Verdict, verdicts
from cadnet.paper.declarations import Table
from cadnet.paper.results import Results

COLUMNS = ("Where", "Claim", "Reported", "Reproduced", "Verdict", "Reason", "Measured on")


def found(results: Results) -> list[Verdict]:
    """A verdict for each claim, in the paper's order."""
    return verdicts(
        results.errors,
        results.expressions,
        results.frame,
        results.data,
        measurements=results.measured,
        occlusion=results.occlusion,
    )


def is_timed(identifier: str) -> bool:
    """Whether a claim is about speed, which no two measurements repeat to the digit."""
    test = claims()[identifier].test
    measured = test.overhead or test.at_least
    return measured is not None and measured.metric in TIMED


def fill(name: str, table: Table, results: Results) -> Filled:
    """A row for each claim: of speed, or of everything else."""
    lines = []
    for verdict in found(results):
        if is_timed(verdict.id) != (table.claims == "speed"):
            continue
        cells = (
            words(verdict.where, "reported"),
            words(verdict.claim, "reported"),
            words(verdict.reported or "–", "reported"),
            words(verdict.reproduced or "–"),
            words(verdict.verdict),
            words(verdict.reason),
            Cell("reproduced", words=verdict.data or "–", mark=verdict.mark),
        )
        lines.append(Line(verdict.id, "reproduced", cells))
    note = (
        "Supported: the claimed sign, and p below 0.05 after Holm's correction for all tested "
        "claims; opposite found: the other sign, and p below 0.05; not supported: anything else. "
        f"Tests are over test images, given these seeds. {table.note}"
    )
    return Filled(name, table.title, COLUMNS, tuple(lines), "", note.strip(), head="Claim")
