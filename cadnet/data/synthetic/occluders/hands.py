"""Hands: before the face, or holding something."""

from __future__ import annotations

import numpy as np

from cadnet.data.synthetic.occluders.layer import Layer
from cadnet.data.synthetic.paint import Colour, skin_colour, smooth, tint
from cadnet.data.synthetic.shape import Points

_NAIL: Colour = (236, 196, 186)


def skin_of(layer: Layer, rng: np.random.Generator) -> Colour:
    """Mostly one's own hand, now and then somebody else's."""
    other = skin_colour(rng)
    return layer.head.look.skin if rng.random() < 0.75 else other


def unit(direction: Points) -> Points:
    """A direction of length 1."""
    result: Points = direction / max(1e-6, float(np.linalg.norm(direction)))
    return result


def limb(layer: Layer, joints: Points, widths: list[float], colour: Colour) -> None:
    """Something round along joints (N, 2) px, as thick as ``widths`` (half face widths) there:
    a dark outline, the colour, a lighter middle."""
    along = smooth(np.column_stack([joints, widths]), closed=False, steps=6)
    path, half = along[:, :2], along[:, 2] / 2
    heading = np.gradient(path, axis=0)
    heading /= np.maximum(np.linalg.norm(heading, axis=1, keepdims=True), 1e-6)
    aside = np.column_stack([-heading[:, 1], heading[:, 0]])
    for extra, shade in ((0.018, 0.6), (0.0, 1.0)):
        reach = (half + extra)[:, None] * layer.scale
        layer.fill(
            np.concatenate([path + aside * reach, (path - aside * reach)[::-1]]),
            tint(colour, shade),
        )
        for end in (0, -1):
            radius = float(half[end] + extra)
            layer.disc(path[end], (radius, radius), 0, tint(colour, shade))
    light = path + aside * (0.15 * half * layer.scale)[:, None]
    layer.stroke(light, tint(colour, 1.15), float(half.mean()) * 0.7, 0.35, inside=True)


def finger(
    layer: Layer, root: Points, tip: Points, width: float, colour: Colour, *, nail: bool = True,
    bend: float = 0.0,
) -> None:  # fmt: skip
    """From its root to its tip (2,) px, bent aside by a share of its length."""
    way = tip - root
    aside = np.array([-way[1], way[0]])
    joints = np.array([root, root + 0.5 * way + bend * aside, tip])
    limb(layer, joints, [width, 0.96 * width, 0.78 * width], colour)
    for share in (0.42, 0.7):
        at = root + share * way + bend * aside * 4 * share * (1 - share)
        across = unit(aside) * 0.28 * width * layer.scale
        layer.stroke(
            np.array([at - across, at + across]), tint(colour, 0.72), 0.014, 0.8, inside=True
        )
    if nail:
        angle = float(np.degrees(np.arctan2(way[1], way[0])))
        at = tip + 0.02 * unit(way) * layer.scale
        layer.disc(at, (0.4 * width, 0.27 * width), angle, _NAIL, 0.6, inside=True)


def arm(layer: Layer, wrist: Points, towards: Points, colour: Colour, sleeve: Colour) -> None:
    """A forearm from the wrist away to somewhere below, in a sleeve."""
    away = unit(towards) * layer.scale
    limb(
        layer, np.array([wrist, wrist + 0.5 * away, wrist + 1.2 * away]), [0.42, 0.44, 0.5], colour
    )
    cloth = np.array([wrist + 0.75 * away, wrist + 1.4 * away, wrist + 3.2 * away])
    limb(layer, cloth, [0.6, 0.66, 0.8], sleeve)


def hand(layer: Layer, rng: np.random.Generator) -> None:
    """The back of a hand at the face's edge, its fingers over mouth, cheek, nose or an eye."""
    s, points, skin = layer.scale, layer.head.points, skin_of(layer, rng)
    where = points[int(rng.choice([3, 4, 5, 8, 11, 12, 13]))]
    target = points[int(rng.choice([30, 33, 41, 46, 51, 57]))]
    towards = unit(target - where + rng.normal(0, 0.05, 2) * s)
    down, middle = layer.head.camera.rotation[:2, 1], points[30]
    # Seen from the wrist the thumb is on the side of the face's middle, or below.
    aside = np.array([-towards[1], towards[0]])
    if aside @ down < 0:
        aside = -aside
    wrist = where - towards * 0.62 * s
    back = unit(wrist - middle) * 0.4 + down * 0.8
    arm(layer, wrist, back, skin, layer.head.look.clothes)
    thumb_root = wrist + towards * 0.25 * s + aside * 0.3 * s
    finger(
        layer, thumb_root, thumb_root + (0.5 * towards + 0.22 * aside) * s, 0.17, skin, bend=-0.1
    )
    knuckles = [wrist + (towards * 0.6 + aside * k) * s for k in (-0.28, 0.3)]
    palm = np.array([wrist - aside * 0.2 * s, wrist + towards * 0.3 * s - aside * 0.32 * s,
                     *knuckles, wrist + towards * 0.3 * s + aside * 0.33 * s,
                     wrist + aside * 0.2 * s])  # fmt: skip
    layer.fill(smooth(palm), skin)
    spread = float(rng.uniform(0.04, 0.14))
    for k, (length, width) in enumerate(((0.46, 0.14), (0.6, 0.165), (0.66, 0.17), (0.58, 0.17))):
        root = wrist + (towards * 0.5 + aside * (k - 1.5) * 0.175) * s
        tip = root + (towards * length + aside * (k - 1.5) * spread) * s
        finger(layer, root, tip, width, skin)
    for k in range(4):
        knuckle = wrist + (towards * 0.52 + aside * (k - 1.5) * 0.165) * s
        layer.disc(knuckle, (0.07, 0.05), 0, tint(skin, 0.8), 0.5, inside=True)


def grip(
    layer: Layer, centre: Points, along: Points, half: float, skin: Colour, *, rows: int = 4,
    length: float = 0.42,
) -> None:  # fmt: skip
    """Fingertips of a hand that holds something: they come over its edge from one side.

    Args:
        centre: middle of what is held, px. along: its direction, from finger to finger.
        half: half its width, half face widths.
    """
    s, along = layer.scale, unit(along)
    over = np.array([-along[1], along[0]])
    for k in range(rows):
        root = centre + (over * (half + 0.08) + along * (k - (rows - 1) / 2) * 0.17) * s
        finger(layer, root, root - over * (length - 0.04 * abs(k - 1.2)) * s, 0.165, skin)
