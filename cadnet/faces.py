"""Faces as every part of the project sees them: the record, the landmark schemes, the normalisers.

Coordinates are pixels, x to the right and y down, with pixel centres at integers: the first
pixel's centre is (0, 0). Arrays of landmarks have shape (..., L, 2).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Face:
    """One annotated face, as a dataset's official files describe it.

    Attributes:
        key: unique within the dataset and stable, e.g. ``helen/trainset/100032540_1``.
        image: the file that holds the pixels.
        landmarks: (L, 2) px of that image.
        box: (x, y, width, height) px: the face that is cropped.
        split: ``train`` or ``test``.
        subset: the part of the split that the protocol names, e.g. ``common``.
        scheme: a name in ``SCHEMES``.
        visible: (L,) bool, or None where the dataset does not say.
        group: faces that must not be parted between training and validation (one photograph,
            one subject, one video) share it.
        index: where ``image`` is a container, the position in it.
    """

    key: str
    image: Path
    landmarks: Array
    box: tuple[float, float, float, float]
    split: str
    subset: str
    scheme: str = "ibug68"
    visible: NDArray[np.bool_] | None = None
    group: str = ""
    index: int | None = None


@dataclass(frozen=True)
class Scheme:
    """A landmark scheme: how many points, which swap under a mirror, which measure the face.

    ``left_eye`` and ``right_eye`` (as seen in the image) hold the outer eye corner's index.
    """

    points: int
    pairs: tuple[tuple[int, int], ...]
    left_eye: int
    right_eye: int
    flip: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        flip = np.arange(self.points)
        for a, b in self.pairs:
            flip[a], flip[b] = b, a
        object.__setattr__(self, "flip", flip)

    def interocular(self, landmarks: Array) -> Array:
        """Distance of the outer eye corners: (..., L, 2) → (...)."""
        distance: Array = np.linalg.norm(
            landmarks[..., self.left_eye, :] - landmarks[..., self.right_eye, :], axis=-1
        )
        return distance


SCHEMES = {
    # The 68 points of 300-W, menpo and Multi-PIE, 0-based.
    "ibug68": Scheme(
        points=68,
        pairs=(
            *((i, 16 - i) for i in range(8)),
            *((17 + i, 26 - i) for i in range(5)),
            (31, 35), (32, 34),
            (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),
            (48, 54), (49, 53), (50, 52), (55, 59), (56, 58),
            (60, 64), (61, 63), (65, 67),
        ),
        left_eye=36,
        right_eye=45,
    ),
    # The 29 points of COFW (and LFPW).
    "cofw29": Scheme(
        points=29,
        pairs=(
            (0, 1), (2, 3), (4, 6), (5, 7), (8, 9), (10, 11),
            (12, 14), (13, 15), (16, 17), (18, 19), (22, 23),
        ),
        left_eye=8,
        right_eye=9,
    ),
}  # fmt: skip

# COFW's points from the 68: each is the mean of the points named. The lower edges of the brows
# (5, 7) have no source. Derived, not published: see docs/decisions.md.
_COFW29_FROM_IBUG68: dict[int, tuple[int, ...]] = {
    0: (17,), 1: (26,), 2: (21,), 3: (22,), 4: (19,), 6: (24,), 8: (36,), 9: (45,), 10: (39,),
    11: (42,), 12: (37, 38), 13: (40, 41), 14: (43, 44), 15: (46, 47),
    16: (36, 37, 38, 39, 40, 41), 17: (42, 43, 44, 45, 46, 47), 18: (31,), 19: (35,), 20: (30,),
    21: (33,), 22: (48,), 23: (54,), 24: (51,), 25: (62,), 26: (66,), 27: (57,), 28: (8,),
}  # fmt: skip


def comparable_points(predicted: str, annotated: str) -> tuple[Array, Array]:
    """Matrices (K, L_predicted) and (K, L_annotated) that bring two schemes to K common points.

    Equal schemes share all points. 68 and 29 share the 27 points of COFW that the 68 determine.

    Raises:
        KeyError: no conversion is known.
    """
    if predicted == annotated:
        eye = np.eye(SCHEMES[predicted].points)
        return eye, eye
    targets = sorted(_COFW29_FROM_IBUG68)
    select = np.eye(29)[targets]
    convert = np.zeros((len(targets), 68))
    for row, target in enumerate(targets):
        sources = _COFW29_FROM_IBUG68[target]
        convert[row, list(sources)] = 1 / len(sources)
    known = {("ibug68", "cofw29"): (convert, select), ("cofw29", "ibug68"): (select, convert)}
    return known[predicted, annotated]


def flip_points(landmarks: Array, scheme: str, width: int) -> Array:
    """Landmarks (..., L, 2) of the mirrored image: x' = width − 1 − x, paired points swapped."""
    flipped = landmarks[..., SCHEMES[scheme].flip, :].copy()
    flipped[..., 0] = width - 1 - flipped[..., 0]
    return flipped


def tight_box(landmarks: Array) -> tuple[float, float, float, float]:
    """The smallest (x, y, width, height) around landmarks (L, 2)."""
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    x, y = map(float, low)
    width, height = map(float, high - low)
    return x, y, width, height
