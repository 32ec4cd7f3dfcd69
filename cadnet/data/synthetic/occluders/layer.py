"""Where occluders are drawn: over a head that was drawn before, which may hide parts of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from cadnet.data.synthetic.appearance import Light, Look
from cadnet.data.synthetic.mesh import grid_faces
from cadnet.data.synthetic.paint import Canvas, Colour, disc, fill, smooth, stroke
from cadnet.data.synthetic.raster import grid_normals, hidden, rasterise
from cadnet.data.synthetic.shape import MEAN, Camera, Points

Mask = NDArray[np.uint8]
Float = NDArray[np.float32]

# A strap lies on the skin, and the skin's triangles are coarse: so much (half face widths) may the
# head be nearer without hiding it.
_SLACK = 0.1


@dataclass(frozen=True)
class Head:
    """A head as it was drawn.

    Attributes:
        points: (68, 2) px, the landmarks as annotators place them.
        solid: (68, 3) the landmarks in head coordinates.
        depth: (H, W) nearness of the head's surface; very negative where there is none.
    """

    points: Points
    solid: Points
    camera: Camera
    depth: Float
    lamp: Light
    look: Look

    def fit(self, places: Points) -> Points:
        """Places (N, 3) given for the mean head, on this one with its expression."""
        follow = RBFInterpolator(MEAN, self.solid - MEAN, kernel="linear", smoothing=1e-3)
        fitted: Points = places + follow(places)
        return fitted

    def see(self, *places: tuple[float, float, float]) -> Points:
        """Places of the mean head in px of this one, (N, 2)."""
        return self.camera.see(self.fit(np.array(places)))[:, :2]


@dataclass(frozen=True)
class Paint:
    """What a shell is made of, for N pixels: colour (N, 3) or one for all, opacity likewise."""

    colour: Points | Colour
    alpha: Points | Float | float = 1.0
    gloss: float = 0.0


class Layer:
    """Draws on the canvas, and keeps in ``mask`` how much of each pixel is covered.

    A shape with ``alpha`` below 1 lets the rest through. ``inside`` draws only on what the
    occluder covers already: folds, stripes, highlights.
    """

    def __init__(self, canvas: Canvas, head: Head) -> None:
        self.canvas, self.head = canvas, head
        self.mask: Mask = np.zeros(canvas.shape[:2], np.uint8)
        self.scale = head.camera.scale
        lamp = head.lamp
        self.light = float(np.clip(lamp.ambient + 0.55 * lamp.strength, 0.55, 1.05))

    def fill(
        self, points: Points, colour: Colour, alpha: float = 1.0, *, inside: bool = False
    ) -> None:
        """A polygon (N, 2) px."""
        self._lay(lambda at: fill(at, points, _FULL), points, 2, colour, alpha, inside)

    def stroke(
        self,
        points: Points,
        colour: Colour,
        width: float,
        alpha: float = 1.0,
        *,
        inside: bool = False,
    ) -> None:
        """A line through points (N, 2) px; ``width`` in half face widths."""
        px = width * self.scale
        self._lay(lambda at: stroke(at, points, _FULL, px), points, px, colour, alpha, inside)

    def disc(
        self,
        centre: Points,
        axes: tuple[float, float],
        angle: float,
        colour: Colour,
        alpha: float = 1.0,
        *,
        inside: bool = False,
    ) -> None:
        """An ellipse; half axes in half face widths, angle in degrees."""
        px = (axes[0] * self.scale, axes[1] * self.scale)
        reach = max(px) + 2
        self._lay(
            lambda at: disc(at, centre, px, angle, _FULL),
            centre[None],
            reach,
            colour,
            alpha,
            inside,
        )

    def line(self, places: Points, colour: Colour, width: float, alpha: float = 1.0) -> None:
        """A smooth line through places (N, 3) of the mean head, where this one does not hide it."""
        seen = self.head.camera.see(self.head.fit(smooth(places, closed=False, steps=8)))
        shown = ~hidden(seen, self.head.depth, _SLACK)
        ends = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]]).astype(int)))
        for start, stop in ends.reshape(-1, 2):
            if stop - start > 1:
                self.stroke(seen[start:stop, :2], colour, width, alpha)

    def shell(
        self,
        surface: Points,
        paint: Callable[[Float, Float, Float], Paint],
        *,
        lift: float = 0.12,
        uv: tuple[Points, Points] | None = None,
    ) -> None:
        """A surface of the mean head (R, C, 3), lit, where this head does not hide it.

        Args:
            paint: of each pixel's u (−1 left to 1 right), v (0 top to 1 bottom), and how much it
                faces the camera (0 to 1).
            lift: so much the head may be nearer without hiding it.
            uv: other coordinates than these, (R, C) each.
        """
        rows, columns = surface.shape[:2]
        fitted = self.head.fit(surface.reshape(-1, 3))
        normals = np.empty(fitted.shape, np.float32)
        grid_normals(fitted, 0, rows, columns, normals)
        normals = normals @ self.head.camera.rotation.T.astype(np.float32)
        if uv is None:
            across, down = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(0, 1, rows))
        else:
            across, down = uv
        attributes = np.column_stack([across.ravel(), down.ravel(), normals]).astype(np.float32)
        faces = grid_faces(0, rows, columns)
        behind = self.head.depth - np.float32(lift)
        depth, out = behind.copy(), np.zeros((*behind.shape, 5), np.float32)
        seen = self.head.camera.see(fitted)
        rasterise(seen, np.concatenate([faces, faces[:, ::-1]]), attributes, depth, out)
        at = np.flatnonzero(depth.ravel() > behind.ravel())
        found = out.reshape(-1, 5)[at]
        normal = found[:, 2:]
        normal = np.where(normal[:, 2:] < 0, -normal, normal)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        what = paint(found[:, 0], found[:, 1], normal[:, 2])
        self._compose(at, self._lit(what, normal), np.broadcast_to(what.alpha, at.shape))

    def _lit(self, what: Paint, normal: Float) -> Points:
        lamp = self.head.lamp
        level = lamp.ambient * (0.82 - 0.18 * normal[:, 1])
        level = level + lamp.strength * np.clip(normal @ lamp.direction, 0, None)
        half = lamp.direction + np.array((0, 0, 1), dtype=np.float32)
        shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, None) ** 24
        lit: Points = np.asarray(what.colour) * np.clip(level, 0.2, 1.15)[:, None]
        return lit + 200 * what.gloss * shine[:, None]

    def _compose(self, at: NDArray[np.int64], colour: Points, alpha: Points | Float) -> None:
        """Blend colours (N, 3) over pixels ``at`` of the flat canvas."""
        flat, mask = self.canvas.reshape(-1, 3), self.mask.reshape(-1)
        mixed = flat[at] + (colour - flat[at]) * alpha[:, None]
        flat[at] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        mask[at] = _over(mask[at], alpha)

    def _lay(
        self,
        shape: Callable[[Mask], None],
        points: Points,
        reach: float,
        colour: Colour,
        alpha: float,
        inside: bool,
    ) -> None:
        """Blend a colour over the canvas where ``shape`` draws, within reach (px) of the points."""
        height, width = self.mask.shape
        x0, y0 = (points.min(axis=0) - reach).tolist()
        x1, y1 = (points.max(axis=0) + reach + 2).tolist()
        left, right = max(int(x0), 0), min(int(x1), width)
        top, bottom = max(int(y0), 0), min(int(y1), height)
        if left >= right or top >= bottom:
            return
        drawn = np.zeros_like(self.mask)
        shape(drawn)
        box = np.s_[top:bottom, left:right]
        weight = drawn[box].astype(np.float32) * np.float32(alpha / 255)
        if inside:
            weight *= self.mask[box] / np.float32(255)
        part = self.canvas[box]
        shade = np.array(colour, dtype=np.float32) * np.float32(self.light)
        mixed = part + (shade - part) * weight[..., None]
        self.canvas[box] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        self.mask[box] = _over(self.mask[box], weight)


_FULL: Colour = (255, 255, 255)


def _over(mask: Mask, alpha: Points | Float) -> Mask:
    """How much is covered when something covers ``alpha`` more of what was open."""
    covered: Mask = np.round(mask + (255 - mask.astype(np.float32)) * alpha).astype(np.uint8)
    return covered


def mirrored(places: Sequence[tuple[float, float, float]]) -> Points:
    """A line from the image's left side to the middle and on to the right, (2N − 1, 3)."""
    left = np.array(places)
    return np.concatenate([left, left[-2::-1] * (-1, 1, 1)])


def dome(
    edge: Sequence[tuple[float, float, float]],
    middle: Sequence[tuple[float, float, float]],
    columns: int = 21,
    round_: float = 1.0,
) -> Points:
    """A surface (R, C, 3) from the left ``edge`` over the ``middle`` line (both from the top down)
    to the right, each row half an ellipse; ``round_`` below 1 is boxier."""
    left, top = (smooth(np.array(line), closed=False, steps=4)[:, None] for line in (edge, middle))
    turn = np.linspace(-np.pi / 2, np.pi / 2, columns)
    share = (np.cos(turn) ** round_)[None, :, None]
    surface: Points = left + (top - left) * share
    surface[..., 0] = left[..., 0] * -np.sin(turn)
    return surface


def outline(half: tuple[float, float], power: float, count: int = 28) -> Points:
    """A closed curve (N, 2) around 0: an ellipse for power 2, nearer to a box above."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    x, y = np.cos(turn), np.sin(turn)
    bent = np.stack([np.sign(x) * np.abs(x) ** (2 / power), np.sign(y) * np.abs(y) ** (2 / power)])
    curve: Points = bent.T * half
    return curve


def seen_side(layer: Layer, rng: np.random.Generator) -> int:
    """A side of the face, −1 (image-left) or 1: by chance, or that which a turned head shows."""
    chance = 1 if rng.random() < 0.5 else -1
    right = float(layer.head.camera.rotation[2, 0])
    if abs(right) < 0.25:
        return chance
    return 1 if right > 0 else -1
