"""Figures of faces that ``cadnet.evaluation.examples`` chose: from its file to a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cadnet.faces import EXPRESSIONS
from cadnet.paper.drawing import faces, masks, style

Arrays = dict[str, NDArray[Any]]


def read(path: Path) -> Arrays:
    """What the job wrote, by name; ``reason`` alone where the faces may not be shown."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def captions(arrays: Arrays) -> list[str]:
    """What is known of each face: its expression and what it was taken for, or its error, or how
    much of it is occluded."""
    lines = []
    for index, key in enumerate(arrays["keys"]):
        true, said = (int(arrays[n][index]) for n in ("expression", "predicted_expression"))
        error, occluded = arrays["errors"][index], arrays["occluded"][index].mean()
        if true >= 0 and said >= 0:
            lines.append(f"{EXPRESSIONS[true]}\n→ {EXPRESSIONS[said]}")
        elif true >= 0:
            lines.append(EXPRESSIONS[true])
        elif np.isfinite(error):
            lines.append(f"NRMSE {error:.2f} %")
        else:
            lines.append(f"{100 * occluded:.0f} % occluded" if np.isfinite(occluded) else key)
    return lines


def sheet(path: Path) -> Figure:
    """Figures 1 and 2: the faces with their landmarks, and how much of each is occluded."""
    arrays = read(path)
    if reason := str(arrays["reason"]):
        return style.notice(reason)
    shares = arrays["occluded"].mean(axis=1)
    known = np.isfinite(shares).all()
    labels = [f"{100 * share:.0f} % occluded" for share in shares] if known else captions(arrays)
    return faces.sheet(arrays["images"], arrays["truth"], arrays["occluded"], labels)


def predictions(path: Path) -> Figure:
    """Figures 3 and 10."""
    arrays = read(path)
    if reason := str(arrays["reason"]):
        return style.notice(reason)
    names = ("images", "truth", "predicted", "errors")
    return faces.predictions(*(arrays[name] for name in names))


def mask_sheet(path: Path) -> Figure:
    """Figures 11 and X13."""
    arrays = read(path)
    if reason := str(arrays["reason"]):
        return style.notice(reason)
    if not arrays["final"].size:
        return style.unavailable("the model has no attentive dropout block")
    landmarks = arrays["predicted"]
    return masks.sheet(
        arrays["images"],
        arrays["importance"],
        arrays["final"],
        captions(arrays),
        landmarks if np.isfinite(landmarks).any() else None,
    )
