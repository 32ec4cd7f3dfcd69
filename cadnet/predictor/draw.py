"""Predictions over the picture that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from cadnet.data.sources import Image
from cadnet.predictor.model import FacePrediction
from cadnet.predictor.pictures import open_picture

_SHIFT = 4  # OpenCV draws between pixels: coordinates in sixteenths
_PLAIN, _FRAME = (255, 230, 0), (255, 255, 255)
# From sure to unsure: two ends that people of all colour visions tell apart.
_SURE, _UNSURE = np.array([0, 200, 255]), np.array([255, 60, 0])


def _colour(reliability: float | None) -> tuple[int, int, int]:
    if reliability is None:
        return _PLAIN
    red, green, blue = (_UNSURE + (_SURE - _UNSURE) * reliability).astype(int).tolist()
    return red, green, blue


def paint(picture: Image, faces: Sequence[FacePrediction]) -> Image:
    """A copy of the picture with each face's box, points and expression.

    With reliabilities, points go from blue (sure) to red (unsure); without, all are yellow.
    """
    canvas = np.ascontiguousarray(picture).copy()
    for face in faces:
        x, y, width, height = face.box
        side = max(width, height)
        line = max(1, round(side / 150))
        low, high = (round(x), round(y)), (round(x + width), round(y + height))
        cv2.rectangle(canvas, low, high, _FRAME, line, cv2.LINE_AA)
        if face.landmarks is not None:
            _points(canvas, face, max(1.0, side / 90))
        if face.expressions:
            text = f"{face.expression} {100 * max(face.expressions.values()):.0f}%"
            scale = max(0.35, side / 350)
            place = (round(x), max(round(12 * scale), round(y) - 2 * line - 2))
            for colour, thick in (((0, 0, 0), 3 * line), (_FRAME, line)):
                font = cv2.FONT_HERSHEY_SIMPLEX
                cv2.putText(canvas, text, place, font, scale, colour, thick, cv2.LINE_AA)
    return canvas


def _points(canvas: Image, face: FacePrediction, radius: float) -> None:
    assert face.landmarks is not None
    unit = 1 << _SHIFT
    for index, point in enumerate(face.landmarks):
        trust = None if face.reliability is None else float(face.reliability[index])
        centre = (round(float(point[0]) * unit), round(float(point[1]) * unit))
        cv2.circle(canvas, centre, round(radius * unit), (0, 0, 0), 1, cv2.LINE_AA, _SHIFT)
        cv2.circle(canvas, centre, round(radius * unit), _colour(trust), -1, cv2.LINE_AA, _SHIFT)


def draw(picture: str | Path | Image, faces: Sequence[FacePrediction]) -> PIL.Image.Image:
    """The picture with its faces drawn over it, ready to ``save`` or to show in a notebook."""
    pixels = picture if isinstance(picture, np.ndarray) else open_picture(picture)
    return PIL.Image.fromarray(paint(pixels, faces))
