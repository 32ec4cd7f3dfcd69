"""Faces that ``cadnet.evaluation.examples`` chose, for the figures that show them."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.faces import EXPRESSIONS
from cadnet.paper import declarations
from cadnet.paper.drawing.style import Missing, measured
from cadnet.paper.results import Results, why_missing

Arrays = dict[str, NDArray[Any]]


def load(figure: declarations.Figure, results: Results) -> Arrays:
    """What the job wrote, by name.

    Raises:
        Missing: there are no faces to show.
    """
    wanted = figure.examples
    assert wanted is not None, figure.title
    if why := why_missing(results, wanted.dataset, wanted.subset):
        raise Missing(why)
    if results.examples is None:
        raise Missing(f"no run of {wanted.experiment} on {wanted.dataset}")
    with np.load(results.examples, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if reason := str(arrays["reason"]):
        raise Missing(reason)
    return arrays


def captions(arrays: Arrays, *, predicted: bool = True) -> list[str]:
    """What is known of each face: its expression (and what it was taken for), or its error."""
    lines = []
    for index, key in enumerate(arrays["keys"]):
        true, said = (int(arrays[n][index]) for n in ("expression", "predicted_expression"))
        error = arrays["errors"][index]
        if true >= 0:
            taken = f"\n→ {EXPRESSIONS[said]}" if predicted and said >= 0 else ""
            lines.append(EXPRESSIONS[true] + taken)
        else:
            lines.append(f"NRMSE {error:.1f} %" if np.isfinite(error) else str(key))
    return lines


def sign(
    drawn: Figure, figure: declarations.Figure, results: Results, *, predicted: bool = False
) -> None:
    """Above a drawing: whose faces these are, and which model speaks."""
    wanted = figure.examples
    assert wanted is not None, figure.title
    said = f"{wanted.experiment}, lowest seed" if predicted else ""
    measured(drawn, results.describe(wanted.dataset), said)
