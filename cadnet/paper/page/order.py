"""Tables and figures in the order in which the paper's pages show them."""

from __future__ import annotations

import re
from typing import NamedTuple

from cadnet.paper.declarations import outputs

# As the captions follow each other in the paper.
_PAPER = (
    "F1", "F2", "T1", "F3", "F4", "F5", "F6", "T2", "T3", "F7", "T4", "T5", "F8", "F9", "T6", "T7",
    "T8", "T9", "T10", "T11", "F10", "T12", "T13", "T14", "T15", "F11",
)  # fmt: skip
IN_OVERVIEW = ("C1", "C3", "C2")
"""Tables that have their own parts of the page: claims, claims of speed, the audit."""
_GROUPS = {
    "TF": "Tables and figures of the paper",
    "X": "Promised in the text, without a table there",
    "V": "Beyond the paper",
}


class Group(NamedTuple):
    """A heading and the numbers under it."""

    title: str
    names: tuple[str, ...]


def _place(name: str) -> tuple[int, int]:
    number = int(re.sub(r"\D", "", name) or 0)
    return (_PAPER.index(name), 0) if name in _PAPER else (len(_PAPER), number)


def groups() -> list[Group]:
    """What is declared, each number once (a table and a figure may share one); numbers whose
    letter is new come last."""
    found = outputs()
    names = dict.fromkeys([*found["tables"], *found["figures"]])
    rest = sorted((name for name in names if name not in IN_OVERVIEW), key=_place)
    made = []
    for letters, title in _GROUPS.items():
        chosen = tuple(name for name in rest if name[0] in letters)
        if letters == "V":
            chosen = tuple(name for name in rest if name[0] not in "TFX")
        if chosen:
            made.append(Group(title, chosen))
    return made


def spelled(name: str) -> str:
    """E.g. "Table 2", "Figure 7", "X4"."""
    return re.sub(r"^F(?=\d)", "Figure ", re.sub(r"^T(?=\d)", "Table ", name))
