"""Painting a built-in face with OpenCV: background, head, skin, features. Colours are RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cadnet.data.synthetic.shape import EYES, Camera, Points

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
    """A Catmull–Rom curve through (N, 2) points."""
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
    flat = curve.reshape(-1, 2)
    return flat if closed else np.vstack([flat, points[-1:]])


def tint(colour: Colour, factor: float) -> Colour:
    """A colour darker (factor < 1) or lighter."""
    r, g, b = (min(255.0, max(0.0, channel * factor)) for channel in colour)
    return r, g, b


def background(rng: np.random.Generator, size: int) -> Canvas:
    """Something behind the head: blotches of a few colours, and some shapes."""
    cells = int(rng.integers(2, 7))
    base = rng.uniform(30, 225) + rng.normal(0, 25, 3)
    light = rng.normal(0, 45, (cells, cells, 1)) + rng.normal(0, 15, (cells, cells, 3))
    coarse = np.clip(base + light, 0, 255).astype(np.uint8)
    canvas = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(0, 6))):
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
    r, g, b = np.clip(tone + rng.normal(0, 6, 3), 15, 250)
    return float(r), float(g), float(b)


_HAIR = (
    *((25, 20, 18), (60, 40, 28), (95, 65, 40)),
    *((190, 155, 95), (140, 65, 35), (160, 158, 155)),
)


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


_SPHERE = np.array(
    [
        (np.cos(a) * np.sin(b), -np.cos(b), np.sin(a) * np.sin(b))
        for a in np.linspace(0, 2 * np.pi, 24, endpoint=False)
        for b in np.linspace(0.05, np.pi - 0.05, 12)
    ]
)


def outline(
    camera: Camera, centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> Points:
    """The outline (N, 2) of an ellipsoid of the head."""
    seen = camera.see(_SPHERE * radii + centre)[:, :2]
    hull: Points = cv2.convexHull(seen.astype(np.float32))[:, 0].astype(np.float64)
    return hull


def head(
    canvas: Canvas,
    camera: Camera,
    jaw: Points,
    skin: Colour,
    hair: Colour,
    rng: np.random.Generator,
) -> None:
    """Hair behind, neck, ears, and the face's skin up to the hairline."""
    s, long_hair, bald = camera.scale, rng.random() < 0.4, rng.random() < 0.12
    down = camera.rotation[:2, 1]
    chin, ends = jaw[8], (jaw[0], jaw[16])
    if long_hair and not bald:
        fill(canvas, outline(camera, (0, 0.3, -0.6), (1.28, 1.75, 0.9)), tint(hair, 0.8))
    neck = np.array([jaw[4], jaw[12], jaw[12] + down * 1.6 * s, jaw[4] + down * 1.6 * s])
    middle = neck.mean(axis=0)
    fill(canvas, middle + (neck - middle) * 0.85, tint(skin, 0.72))
    clothes = chin + down * 0.75 * s
    disc(canvas, clothes + down * 1.1 * s, (1.9 * s, 0.95 * s), 0, tuple(rng.uniform(0, 255, 3)))
    ears = camera.see(np.array([[-1.06, -0.05, -0.62], [1.06, -0.05, -0.62]]))
    for ear, end in zip(ears, ends, strict=True):
        if np.hypot(*(ear[:2] - end)) < 0.6 * s:
            disc(canvas, ear[:2], (0.13 * s, 0.27 * s), 0, tint(skin, 0.88))
    skull = outline(camera, (0, -0.42, -0.38), (1.03, 1.08, 0.98))
    if not bald:
        fill(canvas, outline(camera, (0, -0.5, -0.45), (1.14, 1.2, 1.1)), hair)
    else:
        fill(canvas, skull, skin)
    face = outline(camera, (0, -0.35, -0.18), (0.99, float(rng.uniform(0.72, 0.88)), 0.72))
    whole = np.vstack([face, jaw])
    hull = cv2.convexHull(whole.astype(np.float32))[:, 0].astype(np.float64)
    fill(canvas, hull, skin)
    fill(canvas, smooth(np.vstack([jaw, face[face[:, 1].argsort()[:1]]])), skin)


def shade(canvas: Canvas, camera: Camera, rng: np.random.Generator) -> Canvas:
    """Light from one side, as on an ellipsoid of the head's size."""
    size = canvas.shape[0]
    y, x = np.mgrid[:size, :size].astype(np.float32)
    cx, cy = camera.centre
    nx = np.clip((x - cx) / (1.25 * camera.scale), -1, 1)
    ny = np.clip((y - cy - 0.2 * camera.scale) / (1.7 * camera.scale), -1, 1)
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0.05, 1))
    light = np.array([rng.normal(0, 0.6), rng.normal(-0.35, 0.35), rng.uniform(0.5, 1.2)])
    light /= np.linalg.norm(light)
    ambient, diffuse = rng.uniform(0.5, 0.75), rng.uniform(0.25, 0.55)
    level = ambient + diffuse * np.clip(nx * light[0] + ny * light[1] + nz * light[2], 0, None)
    warm = 1 + rng.normal(0, 0.05, 3)
    shaded = canvas * (level[..., None] * warm).astype(np.float32)
    return np.clip(shaded, 0, 255).astype(np.uint8)


def features(
    canvas: Canvas,
    camera: Camera,
    points: Points,
    hidden: NDArray[np.bool_],
    skin: Colour,
    hair: Colour,
    rng: np.random.Generator,
) -> None:
    """Brows, eyes, nose and mouth where the landmarks (68, 2) say; hidden ones are left out."""
    s = camera.scale
    iris = tuple(np.clip(np.array([90, 65, 45]) + rng.normal(0, 35, 3), 10, 200))
    gaze = rng.normal(0, 0.04, 2) * s
    brow_width = rng.uniform(0.05, 0.11) * s
    for brow in (np.arange(17, 22), np.arange(22, 27)):
        seen = brow[~hidden[brow]]
        if len(seen) > 1:
            # The landmarks run along the brow's upper middle.
            stroke(canvas, smooth(points[seen], closed=False), tint(hair, 0.75), brow_width)
    for eye in EYES.values():
        if hidden[eye].sum() > 2:
            continue
        lids = smooth(points[eye])
        centre = points[eye].mean(axis=0)
        fill(canvas, centre + (lids - centre) * 1.25, tint(skin, 0.82))
        opening = np.linalg.norm(points[eye[1]] - points[eye[5]]) / s
        if opening > 0.04:
            white = np.zeros_like(canvas)
            fill(white, lids, (235, 232, 228))
            disc(white, centre + gaze, (0.105 * s, 0.105 * s), 0, iris)
            disc(white, centre + gaze, (0.05 * s, 0.05 * s), 0, (12, 10, 10))
            disc(
                white,
                centre + gaze + (0.03 * s, -0.03 * s),
                (0.02 * s, 0.02 * s),
                0,
                (250, 250, 250),
            )
            mask = np.zeros(canvas.shape[:2], np.uint8)
            cv2.fillPoly(mask, [fixed(lids)], 255, cv2.LINE_AA, _SHIFT)
            blend(canvas, white, mask)
        stroke(canvas, smooth(points[eye[:4]], closed=False), tint(skin, 0.3), 0.045 * s)
        stroke(
            canvas,
            smooth(points[[eye[3], eye[4], eye[5], eye[0]]], closed=False),
            tint(skin, 0.6),
            1,
        )
    bridge, base = points[27:31], points[31:36]
    shadow = tint(skin, 0.78)
    dark = 31 if base[0, 0] < bridge[:, 0].mean() and rng.random() < 0.5 else 35
    fill(canvas, np.vstack([points[28:31], points[dark][None]]), shadow)
    stroke(canvas, smooth(bridge, closed=False), tint(skin, 1.12), 0.05 * s)
    stroke(canvas, smooth(base, closed=False), tint(skin, 0.6), 0.04 * s)
    for nostril in (32, 34):
        disc(canvas, points[nostril] + (0, -0.015 * s), (0.05 * s, 0.03 * s), 0, tint(skin, 0.4))
    disc(canvas, points[30], (0.06 * s, 0.05 * s), 0, tint(skin, 1.15))
    lips = tuple(np.clip(np.array(tint(skin, 0.8)) + (rng.uniform(10, 60), -12, -6), 0, 255))
    fill(canvas, smooth(points[48:60]), lips)
    inner = smooth(points[60:68])
    if np.linalg.norm(points[62] - points[66]) > 0.08 * s:
        fill(canvas, inner, (60, 22, 24))
        teeth = np.vstack(
            [points[60:65], (points[[63, 62, 61]] + points[[65, 66, 67]] * 0.6) / 1.6]
        )
        if rng.random() < 0.7:
            fill(canvas, teeth, (232, 228, 218))
    stroke(canvas, smooth(points[60:65], closed=False), tint(lips, 0.55), 0.03 * s)


def beard(canvas: Canvas, points: Points, hair: Colour, rng: np.random.Generator) -> None:
    """A full beard around the mouth, drawn before the features."""
    upper = points[[2, 31, 33, 35, 14]] * 0.5 + points[[3, 48, 51, 54, 13]] * 0.5
    area = np.vstack([points[3:14], upper[::-1]])
    layer, mask = np.full_like(canvas, hair), np.zeros(canvas.shape[:2], np.uint8)
    cv2.fillPoly(mask, [fixed(smooth(area))], int(rng.uniform(90, 220)), cv2.LINE_AA, _SHIFT)
    grain = rng.integers(120, 256, mask.shape, dtype=np.uint8)
    blend(canvas, layer, cv2.multiply(mask, grain, scale=1 / 255))


def blend(canvas: Canvas, layer: Canvas, mask: NDArray[np.uint8]) -> None:
    """Lay ``layer`` (H, W, 3) over the canvas where ``mask`` (H, W) is 255, in part below that."""
    weight = mask[..., None].astype(np.uint16)
    mixed = (canvas * (255 - weight) + layer * weight + 127) // 255
    canvas[:] = mixed.astype(np.uint8)
