"""Things before a built-in face, each with the exact mask of what it covers."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from cadnet.data.synthetic.paint import (
    Canvas,
    Colour,
    blend,
    disc,
    fill,
    hair_colour,
    skin_colour,
    smooth,
    stroke,
    tint,
)
from cadnet.data.synthetic.shape import Camera, Points

Mask = NDArray[np.uint8]


class Layer:
    """A picture to be laid over another, and where: shapes are drawn into both alike."""

    def __init__(self, like: Canvas) -> None:
        self.picture = np.zeros_like(like)
        self.mask = np.zeros(like.shape[:2], np.uint8)

    def fill(self, points: Points, colour: Colour) -> None:
        """A polygon; the picture's edge is hard, the mask's is smooth."""
        fill(self.picture, points, colour)
        fill(self.mask, points, (255, 255, 255))

    def stroke(self, points: Points, colour: Colour, width: float) -> None:
        """A line."""
        stroke(self.picture, points, colour, width)
        stroke(self.mask, points, (255, 255, 255), width)

    def disc(self, centre: Points, axes: tuple[float, float], angle: float, colour: Colour) -> None:
        """An ellipse."""
        disc(self.picture, centre, axes, angle, colour)
        disc(self.mask, centre, axes, angle, (255, 255, 255))


Draw = Callable[[Layer, Points, Camera, np.random.Generator], None]


def _colour(rng: np.random.Generator) -> Colour:
    r, g, b = rng.uniform(10, 245, 3)
    return float(r), float(g), float(b)


def sunglasses(layer: Layer, points: Points, camera: Camera, rng: np.random.Generator) -> None:
    """Dark lenses before both eyes, a bridge and temples."""
    s, frame = camera.scale, tint(_colour(rng), 0.35)
    across = points[45] - points[36]
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    width, height = rng.uniform(0.75, 0.95), rng.uniform(0.2, 0.3)
    for eye, ear in ((slice(36, 42), 0), (slice(42, 48), 16)):
        centre = points[eye].mean(axis=0)
        half = width * float(np.linalg.norm(points[eye][3] - points[eye][0]))
        layer.stroke(np.array([centre, points[ear]]), frame, 0.05 * s)
        layer.disc(centre, (half, height * s), angle, (18, 18, 22))
    layer.stroke(np.array([points[39], points[27], points[42]]), frame, 0.06 * s)


def surgical_mask(layer: Layer, points: Points, camera: Camera, rng: np.random.Generator) -> None:
    """From the bridge of the nose to below the chin, with folds and strings."""
    cloth = [(150, 190, 220), (235, 238, 240), (40, 42, 48), (160, 205, 180)][int(rng.integers(4))]
    top = points[28] * 0.5 + points[29] * 0.5
    sides = np.array([points[2], points[14]])
    chin = points[8] + (points[8] - points[33]) * 0.12
    area = np.vstack([sides[:1], points[3:8], chin[None], points[9:14], sides[1:], top[None]])
    layer.fill(smooth(area), cloth)
    for share in (0.35, 0.55, 0.75):
        left, right = (points[i] * (1 - share) + points[j] * share for i, j in ((2, 5), (14, 11)))
        middle = top * (1 - share) + chin * share
        fold = smooth(np.array([left, middle, right]), closed=False)
        stroke(layer.picture, fold, tint(cloth, 0.82), 0.03 * camera.scale)
    for a, b in ((2, 0), (14, 16)):
        layer.stroke(points[[a, b]], tint(cloth, 0.9), 0.04 * camera.scale)


def hand(layer: Layer, points: Points, camera: Camera, rng: np.random.Generator) -> None:
    """A palm at the face's edge and fingers over it."""
    s, skin = camera.scale, skin_colour(rng)
    where = points[int(rng.choice([3, 5, 8, 11, 13, 48, 54]))]
    target = points[int(rng.choice([30, 33, 41, 46, 51, 57]))]
    towards = target - where + rng.normal(0, 0.05, 2) * s
    towards /= max(1e-6, float(np.linalg.norm(towards)))
    aside = np.array([-towards[1], towards[0]])
    angle = float(np.degrees(np.arctan2(towards[1], towards[0])))
    palm = where - towards * 0.25 * s
    layer.disc(palm - towards * 0.7 * s, (0.7 * s, 0.34 * s), angle, tint(skin, 0.9))
    layer.disc(palm, (0.42 * s, 0.4 * s), angle, skin)
    for k, length in enumerate((0.6, 0.75, 0.72, 0.55)):
        root = palm + aside * (k - 1.5) * 0.2 * s
        tip = root + towards * length * s + aside * (k - 1.5) * 0.07 * s
        layer.stroke(np.array([root, tip]), tint(skin, 0.97), 0.19 * s)
        for joint in (0.55, 0.8):
            at = root + (tip - root) * joint
            stroke(
                layer.picture,
                np.array([at - aside * 0.07 * s, at + aside * 0.07 * s]),
                tint(skin, 0.8),
                1,
            )


def hair_strand(layer: Layer, points: Points, camera: Camera, rng: np.random.Generator) -> None:
    """Hair that falls over one side of the forehead and an eye."""
    s, colour = camera.scale, hair_colour(rng)
    side = 1 if rng.random() < 0.5 else -1
    up, right = -camera.rotation[:2, 1], camera.rotation[:2, 0]
    top = points[27] + up * 1.05 * s + right * side * rng.uniform(-0.2, 0.3) * s
    for _ in range(int(rng.integers(10, 18))):
        start = top + right * rng.normal(0, 0.2) * s
        end = (
            points[27]
            - up * rng.uniform(-0.1, 0.7) * s
            + right * side * rng.uniform(0.45, 1.05) * s
        )
        middle = (start + end) / 2 + right * side * 0.25 * s
        curve = smooth(np.array([start, middle, end]), closed=False, steps=6)
        layer.stroke(curve, tint(colour, float(rng.uniform(0.8, 1.2))), rng.uniform(0.06, 0.12) * s)


def scarf(layer: Layer, points: Points, camera: Camera, rng: np.random.Generator) -> None:
    """Cloth over the chin and often the mouth."""
    s, colour = camera.scale, _colour(rng)
    down, right = camera.rotation[:2, 1], camera.rotation[:2, 0]
    height = points[[33, 51, 57, 57][int(rng.integers(4))]]
    middle = height + down * 0.08 * s
    shares = np.array([-1.5, -0.7, 0.0, 0.7, 1.5])[:, None]
    edge = middle + shares * right * s + (np.abs(shares) == 0.7) * 0.1 * down * s
    upper = smooth(edge, closed=False)
    layer.fill(np.vstack([upper, upper[::-1] + down * 2 * s]), colour)
    for k in range(1, 5):
        stroke(layer.picture, upper + down * 0.22 * k * s, tint(colour, 0.75), 0.05 * s)


def thing(layer: Layer, points: Points, camera: Camera, rng: np.random.Generator) -> None:
    """A cup, a phone, a card: a patterned box or disc somewhere on the face."""
    s, colour = camera.scale, _colour(rng)
    centre = points[int(rng.integers(17, 68))] + rng.normal(0, 0.2, 2) * s
    half = rng.uniform(0.25, 0.6, 2) * s
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < 0.3:
        layer.disc(centre, (half[0], half[1]), float(np.degrees(angle)), colour)
    else:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
        layer.fill(centre + corners @ turn.T, colour)
        fill(layer.picture, centre + corners * rng.uniform(0.4, 0.9) @ turn.T, _colour(rng))


OCCLUDERS: dict[str, Draw] = {
    "sunglasses": sunglasses,
    "surgical_mask": surgical_mask,
    "hand": hand,
    "hair": hair_strand,
    "scarf": scarf,
    "thing": thing,
}


def occlude(
    canvas: Canvas, name: str, points: Points, camera: Camera, rng: np.random.Generator
) -> Mask:
    """Lay one occluder over the canvas; returns what it covers, (H, W), 0 to 255."""
    layer = Layer(canvas)
    OCCLUDERS[name](layer, points, camera, rng)
    # Light falls on it too.
    shaded = cv2.convertScaleAbs(layer.picture, alpha=float(rng.uniform(0.7, 1.05)))
    blend(canvas, shaded, layer.mask)
    return layer.mask
