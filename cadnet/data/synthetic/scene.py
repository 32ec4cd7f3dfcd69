"""What a built-in picture shows: who, how turned, which expression, in which light, before what.

A scene is independent of the picture's size, and drawing it is deterministic: a video is a row of
scenes that differ a little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cadnet.data.synthetic.appearance import Light, Look, light, look
from cadnet.data.synthetic.expressions import EMOTIONS, emotion
from cadnet.data.synthetic.occluders import OCCLUDERS
from cadnet.data.synthetic.shape import Points, person

Units = Mapping[int, tuple[float, float]]

# Random mixtures of units that mean nothing: people talk, squint, frown.
_CASUAL = {1: 0.3, 2: 0.3, 4: 0.3, 6: 0.3, 7: 0.3, 12: 0.5, 25: 0.5, 26: 0.35, 43: 0.3}


@dataclass(frozen=True)
class Style:
    """How the faces of a dataset are distributed. Angles in degrees; ``yaw``, ``pitch`` and
    ``roll`` are standard deviations, cut off at twice their value."""

    yaw: float = 16.0
    pitch: float = 7.0
    roll: float = 9.0
    expressions: Mapping[str, float] = field(
        default_factory=lambda: {"casual": 0.6, "happy": 0.3, "surprise": 0.1}
    )
    """How often each is shown: names of ``EMOTIONS``, and ``casual`` for units at random."""
    strength: tuple[float, float] = (0.3, 1.0)
    identity: float = 1.0
    occluded: float = 0.15
    """Probability of an occluder, and then of a second one."""
    light: float = 1.0
    """How hard the light is."""
    grey: float = 0.06
    """Probability of a picture without colours."""
    background: float = 1.0
    """How lively it is; 0 is a plain wall."""
    blur: float = 0.8
    noise: float = 6.0


@dataclass(frozen=True)
class Subject:
    """A person: the landmarks of the face at rest (68, 3) in head coordinates, and the looks."""

    rest: Points
    look: Look


@dataclass(frozen=True)
class Scene:
    """One picture before it is drawn.

    Attributes:
        pose: yaw, pitch, roll in degrees.
        scale: half the face's width, as a share of the picture's side.
        centre: where the head's origin is, x and y as shares of the picture's side.
        expression: a name of ``EMOTIONS``, or ``casual``.
        units: its action units' strengths, (image-left, image-right).
        gaze: shift of the irises, half face widths.
        occluders: names in ``OCCLUDERS``, each with the seed of its own shape and colour.
        background, photograph: seeds of what is behind the head, of blur and noise.
    """

    subject: Subject
    pose: tuple[float, float, float]
    scale: float
    centre: tuple[float, float]
    expression: str
    units: Units
    gaze: Points
    lamp: Light
    occluders: tuple[tuple[str, int], ...]
    background: int
    photograph: int
    grey: bool
    style: Style


def _cut(rng: np.random.Generator, spread: float) -> float:
    return float(spread * np.clip(rng.standard_normal(), -2, 2))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 31))


def subject(rng: np.random.Generator, identity: float = 1.0) -> Subject:
    """Somebody; ``identity`` scales how far from the mean face."""
    return Subject(person(rng, identity), look(rng))


def shown(rng: np.random.Generator, style: Style) -> tuple[str, dict[int, tuple[float, float]]]:
    """An expression of the style, and its action units."""
    names = list(style.expressions)
    shares = np.array([style.expressions[name] for name in names])
    name = str(rng.choice(names, p=shares / shares.sum()))
    strength = float(rng.uniform(*style.strength))
    if name in EMOTIONS:
        units = emotion(name, rng, strength=strength)
    else:
        levels = {u: strength * max(0.0, rng.normal(0, spread)) for u, spread in _CASUAL.items()}
        units = {u: (level * rng.uniform(0.85, 1.15), level) for u, level in levels.items()}
    if rng.random() < 0.03:
        units[43] = (1.0, 1.0)
    return name, units


def scene(rng: np.random.Generator, style: Style, who: Subject | None = None) -> Scene:
    """A picture of a style, of somebody or of ``who``; all randomness comes from ``rng``."""
    pose = (_cut(rng, style.yaw), _cut(rng, style.pitch), _cut(rng, style.roll))
    scale = float(rng.uniform(0.225, 0.27))
    centre = (0.5 + _cut(rng, 0.02), 0.48 + _cut(rng, 0.02))
    who = who or subject(rng, style.identity)
    lamp = light(rng, who.look.skin, style.light)
    expression, units = shown(rng, style)
    occluders: list[tuple[str, int]] = []
    while len(occluders) < 2 and rng.random() < style.occluded:
        occluders.append((str(rng.choice(list(OCCLUDERS))), _seed(rng)))
    return Scene(
        subject=who,
        pose=pose,
        scale=scale,
        centre=centre,
        expression=expression,
        units=units,
        gaze=rng.normal(0, 0.025, 2),
        lamp=lamp,
        occluders=tuple(occluders),
        background=_seed(rng),
        photograph=_seed(rng),
        grey=bool(rng.random() < style.grey),
        style=style,
    )
