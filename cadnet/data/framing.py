"""How a dataset's boxes lie to boxes tight around the landmarks.

People and detectors give boxes tight around the landmarks. A model knows faces as its dataset's
boxes cut them out, and those may be wider or lie higher: AffectNet's are. The aligner measures it,
the checkpoint carries it, the predictor cuts faces out alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np

from cadnet.faces import Array, tight_box

Box = tuple[float, float, float, float]
"""x, y, width, height, px."""


@dataclass(frozen=True)
class Framing:
    """Where the dataset's box is, in longer sides of the tight box.

    Attributes:
        right, down: from the tight box's centre to that of the dataset's box.
        longer: the longer side of the dataset's box.
    """

    right: float = 0.0
    down: float = 0.0
    longer: float = 1.0

    @classmethod
    def of(cls, faces: Iterable[tuple[Box, Array]]) -> Framing:
        """The medians over faces: the dataset's box and the landmarks (L, 2) of each, px alike.

        Faces with hidden points are left out. Where none is left, as in a dataset without
        landmarks, its boxes are taken for tight ones.
        """
        whole = ((box, points) for box, points in faces if np.isfinite(points).all())
        measured = [cls._one(box, landmarks) for box, landmarks in whole]
        return cls(*map(median, zip(*measured, strict=True))) if measured else cls()

    @staticmethod
    def _one(box: Box, landmarks: Array) -> tuple[float, float, float]:
        x, y, width, height = tight_box(landmarks)
        side = max(width, height)
        right = (box[0] + box[2] / 2 - x - width / 2) / side
        down = (box[1] + box[3] / 2 - y - height / 2) / side
        return right, down, max(box[2:]) / side

    def box(self, tight: Box) -> Box:
        """The square that stands for the dataset's box around a face whose tight box is given."""
        x, y, width, height = tight
        side = max(width, height)
        across = side * self.longer
        left = x + width / 2 + self.right * side - across / 2
        top = y + height / 2 + self.down * side - across / 2
        return left, top, across, across
