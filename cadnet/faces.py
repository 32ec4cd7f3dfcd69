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


# Labels of expressions, in AffectNet's order: datasets with other codes are read into these.
EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")


@dataclass(frozen=True)
class Face:
    """One annotated face, as a dataset's official files describe it.

    Attributes:
        key: unique within the dataset and stable, e.g. ``helen/trainset/100032540_1``.
        image: the file that holds the pixels.
        landmarks: (L, 2) px of that image, or None where the dataset has none.
        box: (x, y, width, height) px: the face that is cropped.
        split: ``train`` or ``test``.
        subset: the part of the split that the protocol names, e.g. ``common``.
        scheme: a name in ``SCHEMES``.
        visible: (L,) bool, or None where the dataset does not say.
        group: faces that must not be parted between training and validation (one photograph,
            one subject, one video) share it.
        index: where ``image`` is a container (a video, a .mat file), the position in it, from 0.
        expression: an index into ``EXPRESSIONS``, or None without a label.
        subject: who it is, where the dataset says.
        video: which video a frame is of; frames of one video come in their order.
    """

    key: str
    image: Path
    landmarks: Array | None
    box: tuple[float, float, float, float]
    split: str
    subset: str
    scheme: str = "ibug68"
    visible: NDArray[np.bool_] | None = None
    group: str = ""
    index: int | None = None
    expression: int | None = None
    subject: str = ""
    video: str = ""


@dataclass(frozen=True)
class Scheme:
    """A landmark scheme: how many points, which swap under a mirror, which measure the face.

    ``left_eye`` and ``right_eye`` (as seen in the image) hold the outer eye corner's index, or
    None where a scheme has one eye alone.
    """

    points: int
    pairs: tuple[tuple[int, int], ...]
    left_eye: int | None
    right_eye: int | None
    flip: NDArray[np.int64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        flip = np.arange(self.points)
        for a, b in self.pairs:
            flip[a], flip[b] = b, a
        object.__setattr__(self, "flip", flip)

    def interocular(self, landmarks: Array) -> Array:
        """Distance of the outer eye corners: (..., L, 2) → (...).

        Raises:
            ValueError: the scheme has one eye alone.
        """
        if self.left_eye is None or self.right_eye is None:
            raise ValueError(f"{self.points} points of one side have no inter-ocular distance")
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
    # AFLW's 21 points without the ears.
    "aflw19": Scheme(
        points=19,
        pairs=((0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9), (12, 14), (15, 17)),
        left_eye=6,
        right_eye=11,
    ),
    # WFLW's 98.
    "wflw98": Scheme(
        points=98,
        pairs=(
            *((i, 32 - i) for i in range(16)),
            *((33 + i, 46 - i) for i in range(5)), *((38 + i, 50 - i) for i in range(4)),
            (55, 59), (56, 58),
            *((60 + i, 72 - i) for i in range(5)), (65, 75), (66, 74), (67, 73),
            (76, 82), (77, 81), (78, 80), (83, 87), (84, 86),
            (88, 92), (89, 91), (93, 95), (96, 97),
        ),
        left_eye=60,
        right_eye=72,
    ),
    # Menpo's profile faces: points of the side that is seen, in one order for both sides. A mirror
    # turns a left profile into a right one and swaps nothing; only one eye is there.
    "menpo39": Scheme(points=39, pairs=(), left_eye=None, right_eye=None),
}  # fmt: skip

# The parts of a face: each point of a scheme is in one. Of the jaw, COFW and AFLW have the chin
# alone; pupils are the eyes'.
REGIONS: dict[str, dict[str, tuple[int, ...]]] = {
    "ibug68": {
        "jaw": (*range(17),), "brows": (*range(17, 27),), "nose": (*range(27, 36),),
        "eyes": (*range(36, 48),), "mouth": (*range(48, 68),),
    },
    "cofw29": {
        "jaw": (28,), "brows": (*range(8),), "nose": (*range(18, 22),), "eyes": (*range(8, 18),),
        "mouth": (*range(22, 28),),
    },
    "aflw19": {
        "jaw": (18,), "brows": (*range(6),), "nose": (*range(12, 15),), "eyes": (*range(6, 12),),
        "mouth": (*range(15, 18),),
    },
    "wflw98": {
        "jaw": (*range(33),), "brows": (*range(33, 51),), "nose": (*range(51, 60),),
        "eyes": (*range(60, 76), 96, 97), "mouth": (*range(76, 96),),
    },
}  # fmt: skip

# Points of one scheme from those of another: each is the mean of the points named.
_CONVERSIONS: dict[tuple[str, str], dict[int, tuple[int, ...]]] = {
    # The lower edges of COFW's brows (5, 7) have no source. Derived, not published: see
    # docs/decisions.md.
    ("ibug68", "cofw29"): {
        0: (17,), 1: (26,), 2: (21,), 3: (22,), 4: (19,), 6: (24,), 8: (36,), 9: (45,), 10: (39,),
        11: (42,), 12: (37, 38), 13: (40, 41), 14: (43, 44), 15: (46, 47),
        16: (36, 37, 38, 39, 40, 41), 17: (42, 43, 44, 45, 46, 47), 18: (31,), 19: (35,), 20: (30,),
        21: (33,), 22: (48,), 23: (54,), 24: (51,), 25: (62,), 26: (66,), 27: (57,), 28: (8,),
    },
    ("ibug68", "aflw19"): {
        0: (17,), 1: (19,), 2: (21,), 3: (22,), 4: (24,), 5: (26,),
        6: (36,), 7: (36, 37, 38, 39, 40, 41), 8: (39,),
        9: (42,), 10: (42, 43, 44, 45, 46, 47), 11: (45,),
        12: (31,), 13: (30,), 14: (35,), 15: (48,), 16: (62, 66), 17: (54,), 18: (8,),
    },
    # As published with WFLW: a subset, by index.
    ("wflw98", "ibug68"): {
        target: (source,)
        for target, source in enumerate((
            *range(0, 33, 2), *range(33, 38), *range(42, 47), *range(51, 60),
            60, 61, 63, 64, 65, 67, 68, 69, 71, 72, 73, 75, *range(76, 96),
        ))
    },
}  # fmt: skip


def conversion(source: str, target: str) -> tuple[Array, NDArray[np.int64]]:
    """How points of one scheme become points of another: a matrix (K, L_source) and the K indices
    of the target scheme that it gives.

    Raises:
        KeyError: no conversion is known.
    """
    table = _CONVERSIONS[source, target]
    targets = np.array(sorted(table))
    matrix = np.zeros((len(targets), SCHEMES[source].points))
    for row, index in enumerate(targets):
        matrix[row, list(table[int(index)])] = 1 / len(table[int(index)])
    return matrix, targets


def comparable_points(predicted: str, annotated: str) -> tuple[Array, Array]:
    """Matrices (K, L_predicted) and (K, L_annotated) that bring two schemes to K common points.

    Equal schemes share all points; others share those that one determines of the other, e.g. 27
    of COFW's 29 from the 68.

    Raises:
        ValueError: no conversion is known.
    """
    if predicted == annotated:
        eye = np.eye(SCHEMES[predicted].points)
        return eye, eye
    if (predicted, annotated) in _CONVERSIONS:
        convert, targets = conversion(predicted, annotated)
        return convert, np.eye(SCHEMES[annotated].points)[targets]
    if (annotated, predicted) not in _CONVERSIONS:
        raise ValueError(f"no common points are known of {predicted} and {annotated}")
    convert, targets = conversion(annotated, predicted)
    return np.eye(SCHEMES[predicted].points)[targets], convert


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
