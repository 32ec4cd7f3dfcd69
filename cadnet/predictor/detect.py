"""Where the faces of a picture are.

dlib's frontal detector (King 2015, max-margin object detection on HOG), which its package brings:
no download. A detector is any function from a picture to boxes; yours may take its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from cadnet.data.framing import Box
from cadnet.data.sources import Image
from cadnet.predictor.pictures import PredictionError

Detector = Callable[[Image], list[Box]]
"""From a picture to boxes tight around the landmarks."""

# The detector knows faces of 80 px; twice enlarged, of 40.
_LONGEST, _ENLARGED = 1600, 800
# From dlib's squares to boxes tight around the 68 points: means over AFW (benchmarks/boxes.py).
_DOWN, _LONGER = 0.10, 1.01


@cache
def dlib_detector() -> Detector:
    """The detector, from the first face on the left to the last; made once a process.

    Raises:
        PredictionError: dlib is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise PredictionError(
            "finding faces needs dlib: pip install 'cadnet[predict]', or give their boxes"
        ) from error
    find = dlib.get_frontal_face_detector()

    def detect(picture: Image) -> list[Box]:
        longest = max(picture.shape[:2])
        scale = min(1.0, _LONGEST / longest)
        if scale < 1:
            height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        squares = find(np.ascontiguousarray(picture), int(longest <= _ENLARGED))
        boxes = [_tight(s.left(), s.top(), s.width(), s.height()) for s in squares]
        return sorted((x / scale, y / scale, w / scale, h / scale) for x, y, w, h in boxes)

    return detect


def _tight(left: float, top: float, width: float, height: float) -> Box:
    side = max(width, height) * _LONGER
    x, y = left + width / 2, top + height / 2 + height * _DOWN
    return x - side / 2, y - side / 2, side, side
