"""How the built-in faces of each dataset are distributed, and where their randomness comes from.

Each stand-in is a world of its own, so that a transfer from one to another is a real shift: COFW is
occluded, AFLW is turned, JAFFE is a grey studio, CK+ goes from rest to a full expression, ISED is
spontaneous and weak, AffectNet is wild.
"""

from __future__ import annotations

import zlib

import numpy as np

from cadnet.data.synthetic.expressions import EMOTIONS
from cadnet.data.synthetic.scene import Style

MILD = Style()
HARD = Style(
    yaw=22.0,
    pitch=10.0,
    roll=14.0,
    expressions={"casual": 0.3, **dict.fromkeys(EMOTIONS, 0.1)},
    strength=(0.5, 1.2),
    occluded=0.6,
    light=1.3,
    blur=1.2,
    noise=9.0,
)
OCCLUDED = Style(yaw=16.0, pitch=8.0, roll=11.0, strength=(0.3, 1.1), occluded=0.75)
WIDE = Style(yaw=42.0, pitch=12.0, roll=12.0, strength=(0.3, 1.1), occluded=0.2, light=1.2)
WILD = Style(
    yaw=20.0,
    pitch=9.0,
    roll=10.0,
    expressions=dict.fromkeys(EMOTIONS, 1.0),
    strength=(0.5, 1.2),
    occluded=0.2,
    light=1.2,
    blur=1.2,
)
STUDIO = Style(
    yaw=3.0, pitch=2.0, roll=2.0, occluded=0.0, light=0.6, grey=0.8, background=0.1, noise=3.0
)
PORTRAIT = Style(
    yaw=2.0, pitch=2.0, roll=2.0, occluded=0.0, light=0.5, grey=1.0, background=0.1, noise=4.0
)
SPONTANEOUS = Style(
    yaw=7.0, pitch=5.0, roll=5.0, occluded=0.02, light=0.8, background=0.4, noise=4.0
)


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Random numbers for one thing of a dataset, whatever else is drawn, and in whatever order."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])
