"""How a person looks, and the colours and light of what the camera sees of the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cadnet.data.synthetic.paint import Colour, hair_colour, skin_colour, tint
from cadnet.data.synthetic.shape import Points
from cadnet.data.synthetic.texture import Map, sample

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Look:
    """A person's colours and hair. Lengths in half face widths."""

    skin: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    clothes: Colour
    hairline: float
    """How far up the hairline is moved; 2 is bald."""
    parting: float
    """How much higher the hairline is on one side than on the other."""
    volume: float
    """How thick the hair is."""
    long: bool
    brow: float
    """Half the brow's width."""
    brow_dark: float
    beard: float
    """0 none, to 1 full."""
    wrinkles: float
    gloss: float
    grain: int
    """Seed of the fine texture."""


def look(rng: np.random.Generator) -> Look:
    """Somebody's appearance."""
    skin, hair = skin_colour(rng), hair_colour(rng)
    base = np.array(skin)
    redder = base * rng.uniform(0.62, 0.9) + (rng.uniform(4, 40), 0, rng.uniform(0, 10))
    man = rng.random() < 0.5
    bald = man and rng.random() < 0.2
    iris = np.array(
        [(70, 45, 28), (95, 70, 40), (110, 120, 85), (95, 125, 150)][
            int(rng.choice(4, p=[0.5, 0.25, 0.1, 0.15]))
        ]
    )
    beard = float(rng.uniform(0.25, 1.0)) if man and rng.random() < 0.45 else 0.0
    return Look(
        skin=skin,
        lips=_colour(redder),
        hair=hair,
        iris=_colour(iris + rng.normal(0, 10, 3)),
        clothes=_colour(rng.uniform(10, 240, 3)),
        hairline=2.0 if bald else float(rng.uniform(-0.2, 0.15)),
        parting=float(rng.normal(0, 0.1)),
        volume=0.0 if bald else float(rng.uniform(0.04, 0.2)),
        long=rng.random() < (0.08 if man else 0.7) and not bald,
        brow=float(rng.uniform(0.02, 0.06)),
        brow_dark=float(rng.uniform(0.4, 0.9)),
        beard=beard,
        wrinkles=float(rng.uniform(0.1, 1.0) ** 2),
        gloss=float(rng.uniform(0.0, 0.35)),
        grain=int(rng.integers(1 << 30)),
    )


def _colour(values: Points) -> Colour:
    r, g, b = np.clip(values, 0, 255)
    return float(r), float(g), float(b)


@dataclass(frozen=True)
class Light:
    """Directional light over ambient light, in camera coordinates."""

    direction: Float
    ambient: float
    strength: float
    tint: Float


def light(rng: np.random.Generator, skin: Colour, hardness: float = 1.0) -> Light:
    """From above and in front, more or less from one side; as a camera exposes for a skin, darker
    ones longer."""
    direction = np.array(
        [rng.normal(0, 0.55 * hardness), rng.normal(-0.45, 0.3), rng.uniform(0.5, 1.1)]
    )
    direction /= np.linalg.norm(direction)
    strength = float(rng.uniform(0.35, 0.75)) * hardness
    exposure = float(np.clip((120 / np.mean(skin)) ** 0.4, 0.85, 1.6))
    return Light(
        direction.astype(np.float32),
        exposure * (float(rng.uniform(0.85, 1.15)) - 0.75 * strength),
        exposure * strength,
        (1 + rng.normal(0, 0.04, 3)).astype(np.float32),
    )


def _ramp(values: Map, low: float, high: float) -> Map:
    """0 below low, 1 above high, linear between."""
    ramp: Map = np.clip((values - low) / (high - low), 0, 1)
    return ramp


@lru_cache(maxsize=1)
def _noise() -> Float:
    """Three kinds of noise (512, 512, 3), mean 0 and spread 1: blotches, grain, strands of hair."""
    rng = np.random.default_rng(0)
    blotches = cv2.resize(
        rng.standard_normal((40, 40), dtype=np.float32), (512, 512), interpolation=cv2.INTER_CUBIC
    )
    fine = rng.standard_normal((512, 512), dtype=np.float32)
    strands = cv2.blur(rng.standard_normal((512, 512), dtype=np.float32), (1, 25)) * 5
    return np.dstack([blotches, fine, strands])


def _lay(under: Float, over: Float | Colour, weight: Map) -> None:
    """Blend colours ``over`` onto (N, 3), in place, by weights (N,) from 0 to 1."""
    under += (np.asarray(over, dtype=np.float32) - under) * weight[:, None]


def _eyeball(x: Map, y: Map, lash: Map, person: Look, eyes: tuple[Points, Points]) -> Float:
    """White, iris, pupil and a highlight; darker below the upper lid."""
    left, right = (centre.astype(np.float32) for centre in eyes)
    dx = x - np.where(x < 0, left[0], right[0])
    dy = y - np.where(x < 0, left[1], right[1])
    radius = np.hypot(dx, dy)
    ball = np.tile(np.array((206, 200, 194), dtype=np.float32), (len(x), 1))
    _lay(ball, person.iris, 1 - _ramp(radius, 0.092, 0.108))
    ball *= (0.25 + 0.75 * _ramp(radius, 0.038, 0.05))[:, None]
    ball *= (0.72 + 0.28 * _ramp(lash, 0.0, 0.09))[:, None]
    ball += 190 * (1 - _ramp(np.hypot(dx + 0.03, dy + 0.03), 0.012, 0.028))[:, None]
    return ball


def _mouth(x: Map, y: Map, teeth: float) -> Float:
    """Dark, with teeth that stay where the upper jaw is."""
    inside = np.tile(np.array((58, 20, 22), dtype=np.float32), (len(x), 1))
    bite = (1 - _ramp(y, teeth - 0.015, teeth + 0.015)) * (1 - _ramp(np.abs(x), 0.2, 0.3))
    _lay(inside, (205, 198, 184), bite)
    return inside


def colours(
    seen: Float,
    person: Look,
    lamp: Light,
    eyes: tuple[Points, Points],
    teeth: float,
    wrinkles: Mapping[str, tuple[float, float]],
) -> Float:
    """Colours (N, 3), 0 to 255, of pixels of the head.

    Args:
        seen: (N, 7): angle and height on the surface, x and y in head coordinates, and the normal
            in camera coordinates.
        eyes: the irises' centres in head coordinates x, y: the image's left eye, the right.
        teeth: height of the upper teeth's lower edge in head coordinates.
        wrinkles: how deep, by channel of ``texture``, in the image's left half of the face and in
            its right.
    """
    angle, height, x, y = (np.ascontiguousarray(seen[:, k]) for k in range(4))
    normal = seen[:, 4:]
    # Ears and hanging hair are thin: seen from behind, their other side is lit.
    normal = np.where(normal[:, 2:] < -0.3, -normal, normal)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    m = sample(angle, height)
    row, column = (height * 120).astype(np.int64), (angle * 80).astype(np.int64)
    blotches, fine, strands = _noise()[
        (row + person.grain) % 512, (column + person.grain // 512) % 512
    ].T

    albedo = np.tile(np.array(person.skin, dtype=np.float32), (len(seen), 1))
    albedo *= (1 + 0.025 * blotches + 0.012 * fine)[:, None]
    albedo *= 1 - m["blush"][:, None] * np.array((0.02, 0.14, 0.14), dtype=np.float32)
    if person.beard:
        _lay(albedo, person.hair, m["beard"] * np.clip(person.beard * (0.75 + 0.3 * fine), 0, 1))
    _lay(albedo, person.lips, m["lips"])
    folds, side = np.zeros_like(x), _ramp(x, -0.15, 0.15)
    for name, (left, right) in wrinkles.items():
        folds += (left + (right - left) * side) * m[name]
    dark = (1 - 0.28 * m["shade"]) * (1 - 0.45 * np.clip(folds, 0, 1)) * (1 - 0.75 * m["nostril"])
    albedo *= dark[:, None]
    brow = 1 - _ramp(m["brow"] + 0.008 * fine, person.brow * 0.6, person.brow * 1.3)
    _lay(albedo, tint(person.hair, 0.7), brow * person.brow_dark)
    for name, paint in (
        ("eye", lambda at: _eyeball(x[at], y[at], m["lash"][at], person, eyes)),
        ("mouth", lambda at: _mouth(x[at], y[at], teeth)),
    ):
        at = np.flatnonzero(m[name] > 0)
        part = albedo[at]
        _lay(part, paint(at), m[name][at])
        albedo[at] = part
    lashes = 0.85 * (1 - _ramp(m["lash"], 0.008, 0.03)) * (1 - 0.5 * m["eye"])
    _lay(albedo, (22, 16, 14), lashes)
    edge = person.hairline + person.parting * np.sin(2 * angle)
    hair = _ramp(m["hair"] - edge + 0.03 * strands, -0.015, 0.03)
    strand = np.array(person.hair, dtype=np.float32) * (1 + 0.25 * strands[:, None])
    _lay(albedo, strand, hair)
    clothed = _ramp(height, 1.86, 1.88)
    _lay(albedo, person.clothes, clothed)

    level = lamp.ambient * (0.82 - 0.18 * normal[:, 1])
    level += lamp.strength * np.clip(normal @ lamp.direction, 0, None)
    half = lamp.direction + np.array((0, 0, 1), dtype=np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, None) ** 24
    shine *= person.gloss * lamp.strength * 90 * (1 + 2 * m["lips"] + 3 * m["eye"])
    shine *= (1 - 0.8 * hair) * (1 - clothed)
    lit: Float = albedo * level[:, None] * lamp.tint + shine[:, None]
    return lit
