"""A built-in face: picture, 68 landmarks, and which of them can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cadnet.data.synthetic import paint
from cadnet.data.synthetic.occluders import OCCLUDERS, occlude
from cadnet.data.synthetic.shape import (
    JAW,
    Camera,
    Expression,
    Points,
    contour,
    express,
    hidden_by_head,
    person,
    rotation,
)

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Style:
    """How the faces of a dataset are distributed. Angles in degrees; ``yaw``, ``pitch`` and
    ``roll`` are standard deviations, cut off at twice their value."""

    yaw: float = 16.0
    pitch: float = 7.0
    roll: float = 9.0
    expression: float = 0.6
    identity: float = 1.0
    occluded: float = 0.15
    """Probability of an occluder, and then of a second one."""
    blur: float = 0.8
    noise: float = 6.0


@dataclass(frozen=True)
class SyntheticFace:
    """What was drawn, and the truth about it.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        landmarks: (68, 2) px, pixel centres at integers.
        visible: (68,): neither an occluder nor the head itself hides it.
        brow_lower: (2, 2) px: middles of the lower edges of the brows, image-left first (COFW's
            points 5 and 7, which the 68 do not have).
        pose: yaw, pitch, roll in degrees.
    """

    image: Picture
    landmarks: Points
    visible: NDArray[np.bool_]
    brow_lower: Points
    pose: tuple[float, float, float]


def _cut(rng: np.random.Generator, spread: float) -> float:
    return float(spread * np.clip(rng.standard_normal(), -2, 2))


def _expression(rng: np.random.Generator, strength: float) -> Expression:
    return Expression(
        open=float(strength * max(0.0, rng.normal(0.1, 0.45))),
        smile=float(strength * rng.normal(0.3, 0.6)),
        brows=float(strength * rng.normal(0.1, 0.5)),
        blink=float(min(0.95, strength * max(0.0, rng.normal(-0.1, 0.4)))),
    )


def render(rng: np.random.Generator, style: Style, size: int) -> SyntheticFace:
    """Draw one face, ``size`` px square; all randomness comes from ``rng``."""
    pose = (_cut(rng, style.yaw), _cut(rng, style.pitch), _cut(rng, style.roll))
    scale = float(rng.uniform(0.235, 0.275)) * size
    centre = (float(size / 2 + _cut(rng, 0.02) * size), float(0.46 * size + _cut(rng, 0.02) * size))
    camera = Camera(rotation(*pose), scale, centre)
    shape = express(person(rng, style.identity), _expression(rng, style.expression))
    points = camera.see(shape)[:, :2]
    points[JAW] = contour(shape, camera)
    hidden = hidden_by_head(shape, camera)

    skin, hair = paint.skin_colour(rng), paint.hair_colour(rng)
    canvas = paint.background(rng, size)
    paint.head(canvas, camera, points[JAW], skin, hair, rng)
    if rng.random() < 0.15:
        paint.beard(canvas, points, hair, rng)
    paint.features(canvas, camera, points, hidden, skin, hair, rng)
    canvas = paint.shade(canvas, camera, rng)

    covered = np.zeros((size, size), np.uint8)
    for _ in range(2):
        if rng.random() >= style.occluded:
            break
        name = str(rng.choice(list(OCCLUDERS)))
        covered = np.maximum(covered, occlude(canvas, name, points, camera, rng))
    pixels = np.clip(np.round(points).astype(int), 0, size - 1)
    visible = ~hidden & (covered[pixels[:, 1], pixels[:, 0]] < 128)
    return SyntheticFace(
        image=_photograph(canvas, style, rng),
        landmarks=points,
        visible=visible,
        brow_lower=points[[19, 24]] + camera.rotation[:2, 1] * 0.09 * scale,
        pose=pose,
    )


def _photograph(
    canvas: NDArray[np.uint8], style: Style, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """What a camera makes of it: blur, noise, now and then no colour."""
    image = canvas
    blur = style.blur * float(rng.random())
    if blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), blur)
    if rng.random() < 0.06:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * (style.noise * float(rng.random()))
    noisy: Picture = np.clip(image + noise, 0, 255).astype(np.uint8)
    return noisy
