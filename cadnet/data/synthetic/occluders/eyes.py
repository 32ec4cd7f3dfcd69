"""Occluders of the eyes: glasses, sunglasses, a strand of hair."""

from __future__ import annotations

import numpy as np

from cadnet.data.synthetic.occluders.layer import Float, Layer, Paint, outline, seen_side
from cadnet.data.synthetic.paint import Colour, smooth, tint
from cadnet.data.synthetic.shape import Points

_FRAMES: list[Colour] = [
    (22, 20, 22), (84, 50, 28), (176, 140, 70), (150, 152, 158), (130, 24, 34), (28, 52, 110),
]  # fmt: skip


def _before_eyes(x: Points) -> Points:
    """How far in front a pair of glasses is, by x: bent around the face."""
    return 0.47 - 0.3 * x**2


def _spectacles(
    layer: Layer,
    shape: Points,
    frame: Colour,
    width: float,
    lens: Colour,
    alpha: float,
    glint: float,
) -> None:
    """Lenses of a shape (N, 2) around each eye's middle, the frame, and temples to the ears."""

    def glass(u: Float, v: Float, facing: Float) -> Paint:
        """Darker above, and two slanting reflections."""
        slant = u + 0.5 * v
        bright = glint * ((np.abs(slant - 0.35) < 0.16) | (np.abs(slant - 0.68) < 0.05))
        colour = np.array(lens) * (1 - 0.15 * v)[:, None]
        cover = 1 - (1 - alpha) * (1 - bright)
        return Paint(
            colour + (np.array((235, 240, 245)) - colour) * (bright / cover)[:, None], cover
        )

    rims = []
    for side in (-1, 1):
        around = np.vstack([shape, shape[:1]]) * (side, 1)
        flat = np.stack([share * around for share in (0.0, 0.5, 1.0)]) + (side * 0.45, -0.27)
        surface = np.dstack([flat, _before_eyes(flat[..., 0])])
        local = np.stack([share * np.vstack([shape, shape[:1]]) for share in (0.0, 0.5, 1.0)])
        span = np.abs(shape).max(axis=0)
        layer.shell(
            surface, glass, lift=0.04, uv=(local[..., 0] / span[0], local[..., 1] / span[1])
        )
        rims.append(surface[-1])
        outer = float(np.abs(shape[:, 0]).max()) + 0.45
        temple = [
            (side * outer, -0.34, _before_eyes(np.array(outer))),
            (side * 0.99, -0.33, 0.0),
            (side * 1.05, -0.26, -0.45),
            (side * 1.06, -0.12, -0.66),
        ]
        layer.line(np.array(temple), frame, 1.2 * width)
    for rim in rims:
        layer.line(rim, frame, width)
    inner = 0.45 - float(np.abs(shape[:, 0]).max())
    bridge = [(-inner, -0.3, 0.46), (0, -0.36, 0.5), (inner, -0.3, 0.46)]
    layer.line(np.array(bridge), frame, width)


def glasses(layer: Layer, rng: np.random.Generator) -> None:
    """Frames with almost clear lenses: the eyes stay visible."""
    frame = _FRAMES[int(rng.integers(len(_FRAMES)))]
    half = (float(rng.uniform(0.3, 0.38)), float(rng.uniform(0.2, 0.28)))
    shape = outline(half, float(rng.choice([2.0, 3.0, 5.0])))
    width = float(rng.uniform(0.03, 0.065))
    _spectacles(layer, shape, frame, width, (170, 190, 205), 0.07, float(rng.uniform(0.12, 0.35)))


def sunglasses(layer: Layer, rng: np.random.Generator) -> None:
    """Dark lenses that hide both eyes."""
    lens: Colour = [(14, 14, 18), (44, 28, 16), (14, 32, 26), (30, 26, 60)][int(rng.integers(4))]
    half = (float(rng.uniform(0.33, 0.4)), float(rng.uniform(0.24, 0.32)))
    shape = outline(half, float(rng.choice([2.0, 2.6, 4.0])))
    shape[:, 0] *= 1 + 0.12 * shape[:, 1] / half[1] * float(rng.choice([-1.0, 0.0]))  # pilots'
    frame = _FRAMES[int(rng.integers(len(_FRAMES)))]
    _spectacles(layer, shape, frame, 0.05, lens, 0.95, float(rng.uniform(0.05, 0.25)))


def hair(layer: Layer, rng: np.random.Generator) -> None:
    """Hair that falls over one side of the forehead and an eye."""
    colour = layer.head.look.hair
    side = seen_side(layer, rng)
    reach, part = float(rng.uniform(-0.2, 0.9)), float(rng.uniform(-0.1, 0.25))
    count = 44
    share = (np.linspace(0, 1, count) + rng.normal(0, 0.03, count))[rng.permutation(count)]
    tips, tints = rng.normal(reach, 0.12, count), rng.uniform(0.7, 1.25, count)
    nil = np.zeros(count)
    strands = np.stack(
        [
            np.stack([side * x, nil + y, nil + z], axis=1)
            for x, y, z in (
                (part - 0.1 - 0.1 * share, -1.22, 0.42),
                (part + 0.25 * share, -0.86, 0.62),
                (part + 0.12 + 0.5 * share, -0.4, 0.56 - 0.15 * share),
                (part + 0.25 + 0.5 * share, 0.05, 0.52 - 0.25 * share),
                (part + 0.28 + 0.48 * share, tips, 0.45 - 0.3 * share),
            )
        ],
        axis=1,
    )
    seen = layer.head.camera.see(layer.head.fit(strands.reshape(-1, 3)))[:, :2]
    for k, strand in enumerate(seen.reshape(count, -1, 2)):
        shade = tint(colour, float(tints[k]))
        layer.stroke(smooth(strand, closed=False), shade, 0.055 if k < 20 else 0.035)
