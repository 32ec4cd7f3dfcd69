"""Which jobs a change touches, counted from the declarations, not from the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cadnet.paper import declarations, typeset

REPORT = dict.fromkeys(("report", "paper", "records", "all"), 1)
if typeset.program():
    REPORT["pdf"] = 1
"""The jobs after any table."""
SCORED = {"track": 1, "collect": 1, "plots": 1, **REPORT}
"""The jobs after any training."""


def showing(wanted: Callable[[Any], bool]) -> dict[str, int]:
    """How many tables are declared so, and how many figures, themselves or by their table."""
    declared = declarations.declared()
    return {
        "table": sum(map(wanted, declared.tables.values())),
        "figure": sum(
            any(map(wanted, declarations.sources(figure))) for figure in declared.figures.values()
        ),
    }


def reads(*experiments: str) -> Callable[[Any], bool]:
    """Whether a table or a figure reads the scores, or shows faces, of some experiments."""

    def wanted(item: Any) -> bool:
        names = {*item.needed_experiments()}
        if getattr(item, "examples", None):
            names.add(item.examples.experiment)
        return item.needs_all() or bool(names & {*experiments})

    return wanted


def faces(*experiments: str) -> int:
    """The figures for which faces of some experiments are chosen."""
    shown = [f.examples for f in declarations.declared().figures.values() if f.examples]
    return sum(examples.experiment in experiments for examples in shown)


def smaller(*experiments: str) -> dict[str, int]:
    """CAD-Net in 8 bits, and what it and CAD-Net cost."""
    return dict.fromkeys(("quantise", "costs"), int("cadnet" in experiments))


def trained(*experiments: str) -> dict[str, int]:
    """The jobs after training some experiments anew."""
    chain = dict.fromkeys(("train", "predict"), len(experiments))
    chain |= smaller(*experiments)
    chain["score"] = len(experiments) + chain["quantise"]
    return {**chain, "examples": faces(*experiments), **showing(reads(*experiments)), **SCORED}


def only(counts: dict[str, int]) -> dict[str, int]:
    """Without the rules that have no job."""
    return {rule: count for rule, count in counts.items() if count}
