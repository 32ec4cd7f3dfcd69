"""Who fills which kind of table: a function of its number, its declaration and the results."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from cadnet.paper.cells import Filled
from cadnet.paper.declarations import declared, filled_by
from cadnet.paper.results import Results


def fill(name: str, results: Results) -> Filled:
    """A declared table with the paper's numbers and ours."""
    filler: Callable[..., Filled] = import_module(filled_by(name)).fill
    return filler(name, declared().tables[name], results)
