"""Painting with OpenCV: shapes, colours of skin and hair, backgrounds. Colours are RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cadnet.data.synthetic.shape import Points

Canvas = NDArray[np.uint8]
Colour = tuple[float, float, float]

_SHIFT = 4  # fractional bits of OpenCV's coordinates: outlines fall between pixels


def fixed(points: Points) -> NDArray[np.int32]:
    """Points (N, 2) px as OpenCV's fixed-point numbers."""
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def fill(canvas: Canvas, points: Points, colour: Colour) -> None:
    """A filled polygon (N, 2) with smooth edges."""
    cv2.fillPoly(canvas, [fixed(points)], colour, cv2.LINE_AA, _SHIFT)


def stroke(canvas: Canvas, points: Points, colour: Colour, width: float) -> None:
    """An open line through (N, 2); thinner than a pixel becomes a pixel."""
    cv2.polylines(canvas, [fixed(points)], False, colour, max(1, round(width)), cv2.LINE_AA, _SHIFT)


def disc(
    canvas: Canvas, centre: Points, axes: tuple[float, float], angle: float, colour: Colour
) -> None:
    """A filled ellipse."""
    one = 1 << _SHIFT
    at = (round(float(centre[0]) * one), round(float(centre[1]) * one))
    size = (max(1, round(axes[0] * one)), max(1, round(axes[1] * one)))
    cv2.ellipse(canvas, at, size, angle, 0, 360, colour, -1, cv2.LINE_AA, _SHIFT)


def smooth(points: Points, closed: bool = True, steps: int = 4) -> Points:
    """A Catmull–Rom curve through (N, D) points."""
    n = len(points)
    index = np.arange(n if closed else n - 1)
    take = (lambda k: points[k % n]) if closed else (lambda k: points[np.clip(k, 0, n - 1)])
    p0, p1, p2, p3 = (take(index + k)[:, None] for k in (-1, 0, 1, 2))
    t = (np.arange(steps) / steps)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    flat = curve.reshape(-1, points.shape[1])
    return flat if closed else np.vstack([flat, points[-1:]])


def tint(colour: Colour, factor: float) -> Colour:
    """A colour darker (factor < 1) or lighter."""
    r, g, b = (min(255.0, max(0.0, channel * factor)) for channel in colour)
    return r, g, b


def background(rng: np.random.Generator, size: int, lively: float = 1.0) -> Canvas:
    """Something behind the head: blotches of a few colours, and some shapes; 0: a plain wall."""
    cells = int(rng.integers(2, 7))
    base = rng.uniform(30, 225) + rng.normal(0, 25, 3) * lively
    light = rng.normal(0, 45, (cells, cells, 1)) + rng.normal(0, 15, (cells, cells, 3))
    light *= max(lively, 0.15)
    coarse = np.clip(base + light, 0, 255).astype(np.uint8)
    canvas = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(lively * rng.integers(0, 6))):
        colour = tuple(np.clip(rng.uniform(20, 235) + rng.normal(0, 35, 3), 0, 255))
        corner = rng.uniform(0, size, 2)
        if rng.random() < 0.5:
            disc(canvas, corner, tuple(rng.uniform(0.05, 0.3, 2) * size), 0, colour)
        else:
            fill(canvas, corner + rng.normal(0, 0.2 * size, (4, 2)), colour)
    blur = float(rng.uniform(0, 3))
    if blur > 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), blur)
    return np.ascontiguousarray(canvas)


def skin_colour(rng: np.random.Generator) -> Colour:
    """A skin tone from very dark to very light, after the Monk scale's ends."""
    dark, middle, light = np.array([[48, 34, 30], [165, 115, 82], [246, 228, 214]], dtype=float)
    t = rng.random()
    tone = dark + (middle - dark) * 2 * t if t < 0.5 else middle + (light - middle) * (2 * t - 1)
    # Redder or paler, little more: other hues are no skin.
    tone = tone + rng.normal(0, 5) * np.array([1.0, 0.7, 0.6]) + rng.normal(0, 1.5, 3)
    r, g, b = np.clip(tone, 15, 250)
    return float(r), float(g), float(b)


def hair_colour(rng: np.random.Generator) -> Colour:
    """Black, browns, blond, red, grey."""
    palette = [
        (25, 20, 18),
        (60, 40, 28),
        (95, 65, 40),
        (190, 155, 95),
        (140, 65, 35),
        (160, 158, 155),
    ]
    chosen = np.array(
        palette[int(rng.choice(6, p=[0.3, 0.25, 0.15, 0.12, 0.06, 0.12]))], dtype=float
    )
    r, g, b = np.clip(chosen + rng.normal(0, 8, 3), 5, 240)
    return float(r), float(g), float(b)
