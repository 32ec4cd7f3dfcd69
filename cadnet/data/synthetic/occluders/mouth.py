"""Occluders of mouth and nose: masks, medical devices, a scarf."""

from __future__ import annotations

import numpy as np

from cadnet.data.synthetic.occluders.layer import Float, Layer, Paint, dome, mirrored
from cadnet.data.synthetic.paint import Colour, tint
from cadnet.data.synthetic.shape import Points

_CLOTHS: list[Colour] = [
    (140, 188, 222), (236, 239, 241), (44, 46, 52), (150, 205, 180), (235, 170, 190),
]  # fmt: skip
_SIDES = np.array([[[1, 1, 1]], [[-1, 1, 1]]])


def _both(layer: Layer, places: list[tuple[float, float, float]], colour: Colour, width: float,
          alpha: float = 1.0) -> None:  # fmt: skip
    """A line and its mirror image."""
    for line in np.array(places) * _SIDES:
        layer.line(line, colour, width, alpha)


def _near(value: Float, at: float, width: float) -> Float:
    """1 at a value, 0 beyond ``width`` of it."""
    ridge: Float = np.clip(1 - np.abs(value - at) / width, 0, 1)
    return ridge


def _mixed(under: Points, over: Colour, share: Float) -> Points:
    """Colours (N, 3) turned by a share (N,) into another."""
    mixed: Points = under + (np.array(over) - under) * share[:, None]
    return mixed


def surgical_mask(layer: Layer, rng: np.random.Generator) -> None:
    """From the bridge of the nose to below the chin, with pleats and ear loops."""
    cloth = _CLOTHS[int(rng.integers(len(_CLOTHS)))]
    low = float(rng.choice([0.0, 0.0, 0.0, 0.12]))  # worn a little low now and then
    edge = [
        (-0.86, 0.2 + low, -0.28), (-0.87, 0.45, -0.28), (-0.82, 0.75, -0.26),
        (-0.66, 1.05, -0.12), (-0.4, 1.36, 0.02),
    ]  # fmt: skip
    middle = [
        (0, -0.12 + low, 0.62), (0, 0.2 + low, 0.9), (0, 0.65, 0.88),
        (0, 1.1, 0.68), (0, 1.52, 0.2),
    ]  # fmt: skip
    _both(layer, [edge[0], (-0.98, 0.0, -0.5), (-1.06, -0.22, -0.7)], tint(cloth, 1.1), 0.035)
    _both(layer, [edge[3], (-0.95, 0.5, -0.5), (-1.06, 0.15, -0.75)], tint(cloth, 1.1), 0.035)

    def paint(u: Float, v: Float, facing: Float) -> Paint:
        """Three pleats, each lit above and shaded below, and seams."""
        shade = np.ones_like(u)
        for at in (0.34, 0.5, 0.66):
            shade += 0.05 * _near(v, at - 0.03, 0.03) - 0.24 * _near(v, at + 0.01, 0.025)
        shade -= 0.12 * np.maximum(_near(v, 0.05, 0.02), _near(np.abs(u), 0.93, 0.02))
        return Paint(np.array(cloth) * shade[:, None])

    layer.shell(dome(edge, middle, round_=0.8), paint)


def respirator(layer: Layer, rng: np.random.Generator) -> None:
    """A cup with a valve and a nose clip (FFP), or a rubber half-mask with two filters."""
    rubber = rng.random() < 0.35
    cup: Colour = (
        [(52, 56, 64), (70, 92, 118), (96, 98, 102)][int(rng.integers(3))]
        if rubber
        else [(238, 238, 234), (226, 222, 208), (92, 96, 104)][int(rng.integers(3))]
    )
    accent: Colour = [(212, 52, 96), (228, 190, 40), (150, 152, 160), (60, 110, 190)][
        int(rng.integers(4))
    ]
    strap = tint(accent, 0.9) if not rubber else (40, 40, 44)
    edge = [
        (-0.16, -0.18, 0.42), (-0.4, 0.12, 0.38), (-0.62, 0.42, 0.24), (-0.66, 0.75, 0.1),
        (-0.52, 1.1, 0.1), (-0.24, 1.4, 0.12),
    ]  # fmt: skip
    middle = [
        (0, -0.2, 0.6), (0, 0.14, 0.98), (0, 0.5, 1.16), (0, 0.82, 1.1), (0, 1.14, 0.86),
        (0, 1.48, 0.3),
    ]  # fmt: skip
    _both(
        layer, [edge[2], (-0.85, 0.15, 0.0), (-1.0, -0.35, -0.3), (-1.0, -0.8, -0.7)], strap, 0.05
    )
    _both(layer, [edge[4], (-0.8, 0.9, -0.35), (-0.85, 0.85, -0.75)], strap, 0.05)

    def paint(u: Float, v: Float, facing: Float) -> Paint:
        """Valve or filters as distances on the surface."""
        colour = np.tile(np.array(cup, dtype=float), (len(u), 1))
        rim = np.maximum.reduce([_near(np.abs(u), 1, 0.12), _near(v, 0, 0.05), _near(v, 1, 0.05)])
        colour *= (1 - 0.25 * np.clip(2 * rim, 0, 1))[:, None]
        if rubber:
            for side in (-1, 1):
                far = np.hypot(0.75 * (u - side * 0.62), 1.5 * (v - 0.58))
                colour[far < 0.27] = accent
                colour *= (1 - 0.5 * _near(far, 0.27, 0.04))[:, None]
                colour *= (1 - 0.2 * _near(far, 0.15, 0.03))[:, None]
            far = np.hypot(0.75 * u, 1.5 * (v - 0.62))
            colour[far < 0.15] = tint(cup, 0.6)
            return Paint(colour, gloss=0.25)
        colour *= (1 - 0.12 * np.maximum(_near(v, 0.24, 0.02), _near(v, 0.88, 0.02)))[:, None]
        clip = (np.abs(v - 0.1) < 0.03) & (np.abs(u) < 0.85)
        colour[clip] = (150, 154, 160)
        far = np.maximum(np.abs(0.75 * u), np.abs(1.5 * (v - 0.57)))
        valve = 0.5 * far + 0.5 * np.hypot(0.75 * u, 1.5 * (v - 0.57))
        colour[valve < 0.21] = tint(accent, 1.05)
        colour *= (1 - 0.45 * _near(valve, 0.21, 0.03))[:, None]
        grille = (valve < 0.15) & (np.sin(v * 110) > 0.2)
        colour[grille] = tint(accent, 0.6)
        return Paint(colour)

    layer.shell(dome(edge, middle), paint)


def oxygen_mask(layer: Layer, rng: np.random.Generator) -> None:
    """Clear plastic over nose and mouth with a rim, a nose clip, a tube and an elastic strap."""
    plastic: Colour = [(196, 232, 214), (170, 222, 196), (222, 234, 236)][int(rng.integers(3))]
    rim_colour = tint(plastic, 0.82)
    tube: Colour = [(120, 200, 160), (206, 226, 222)][int(rng.integers(2))]
    sway = float(rng.uniform(-0.35, 0.35))
    edge = [
        (-0.12, -0.12, 0.46), (-0.33, 0.2, 0.4), (-0.48, 0.55, 0.3), (-0.47, 0.85, 0.25),
        (-0.36, 1.08, 0.28), (-0.16, 1.2, 0.34),
    ]  # fmt: skip
    middle = [
        (0, -0.14, 0.58), (0, 0.12, 0.92), (0, 0.45, 1.12), (0, 0.75, 1.2), (0, 1.02, 0.95),
        (0, 1.22, 0.48),
    ]  # fmt: skip
    _both(layer, [edge[2], (-0.8, 0.25, 0.05), (-1.0, 0.02, -0.42), (-1.05, -0.1, -0.7)],
          (232, 238, 232), 0.05)  # fmt: skip
    hose = np.array([(0, 1.0, 1.1), (0.3 * sway, 1.4, 1.12), (sway, 2.0, 0.9), (sway, 2.8, 0.8)])
    layer.line(hose, tint(tube, 0.75), 0.13)
    layer.line(hose, tube, 0.09)
    layer.line(hose + (-0.02, 0, 0.02), (245, 250, 248), 0.025, 0.7)

    def paint(u: Float, v: Float, facing: Float) -> Paint:
        """Denser where it is seen along the surface; opaque at rim, clip and connector."""
        rim = np.maximum.reduce([_near(np.abs(u), 1, 0.1), _near(v, 0, 0.045), _near(v, 1, 0.05)])
        colour = np.tile(np.array(plastic, dtype=float), (len(u), 1))
        alpha = 0.24 + 0.2 * (1 - facing) ** 2
        alpha = np.where(np.hypot(0.5 * (np.abs(u) - 0.62), 1.4 * (v - 0.5)) < 0.09, 0.4, alpha)
        # Edges of the moulded plastic catch the light.
        ribs = np.maximum(_near(v, 0.3, 0.02), _near(np.abs(u), 0.42, 0.03) * (v > 0.3))
        colour = _mixed(colour, (250, 255, 252), ribs)
        alpha = np.maximum(alpha, 0.45 * ribs)
        streak = _near(u + 0.25 * v, -0.32, 0.07) * ((v > 0.36) & (v < 0.72))
        colour, alpha = _mixed(colour, (255, 255, 255), streak), np.maximum(alpha, 0.48 * streak)
        clip = (np.abs(v - 0.12) < 0.03) & (np.abs(u) < 0.75)
        port = np.hypot(0.55 * u, 1.4 * (v - 0.76))
        solid = (rim > 0) | clip | (port < 0.13)
        colour[rim > 0] = rim_colour
        colour[clip] = (176, 182, 186)
        colour[port < 0.13] = tint(tube, 0.9)
        colour *= (1 - 0.4 * _near(port, 0.12, 0.03))[:, None]
        return Paint(colour, np.where(solid, 0.9, alpha).astype(np.float32), gloss=0.5)

    layer.shell(dome(edge, middle), paint)


def nasal_cannula(layer: Layer, rng: np.random.Generator) -> None:
    """A thin clear tube from the ears along the cheeks to two prongs below the nostrils."""
    colour: Colour = [(214, 234, 230), (150, 215, 180), (190, 214, 235)][int(rng.integers(3))]
    low = float(rng.uniform(-0.06, 0.0))
    across = mirrored([
        (-1.05, -0.3, -0.62), (-0.97, -0.12, -0.3), (-0.8, 0.12, 0.08), (-0.5, 0.36 + low, 0.32),
        (-0.22, 0.46 + low, 0.5), (0, 0.47 + low, 0.62),
    ])  # fmt: skip
    below = [
        (-1.06, 0.12, -0.75), (-0.95, 0.7, -0.62), (-0.6, 1.4, -0.3), (-0.1, 1.68, -0.05),
        (0, 1.9, 0.15),
    ]  # fmt: skip
    slide = np.array([(0, 1.8, 0.15), (0, 2.05, 0.3), (float(rng.uniform(-0.4, 0.4)), 2.8, 0.6)])
    prongs = [np.array([(x, 0.47 + low, 0.61), (x, 0.38, 0.6)]) for x in (-0.1, 0.1)]
    bar = np.array([(-0.17, 0.47 + low, 0.6), (0, 0.48 + low, 0.64), (0.17, 0.47 + low, 0.6)])
    tubes = [(across, 0.055), *((line, 0.055) for line in np.array(below) * _SIDES), (slide, 0.07)]
    for line, width in [*tubes, (bar, 0.09), *((prong, 0.07) for prong in prongs)]:
        layer.line(line, tint(colour, 0.62), width + 0.02, 0.5)
        layer.line(line, colour, width, 0.6)
        layer.line(line + (0, -0.008, 0.01), (250, 252, 252), 0.4 * width, 0.7)


def scarf(layer: Layer, rng: np.random.Generator) -> None:
    """Knitted cloth around the neck, up to the chin, the mouth or the nose."""
    colours = rng.uniform(25, 235, (2, 3))
    top = float(rng.choice([0.35, 0.62, 0.8, 1.0]))
    slope = float(rng.uniform(-0.06, 0.06))
    striped = rng.random() < 0.5
    front = 0.9 if top < 0.6 else 0.78
    turn = np.linspace(-np.pi, np.pi, 49)
    rows = []
    for down in np.linspace(0, 1, 9):
        y = top + (2.15 - top) * down
        bulge = 0.1 * np.sin(np.pi * 2.5 * down) ** 2 + 0.15 * down
        x = (1.05 + bulge) * np.sin(turn)
        z = -0.5 + (front + 0.5 + bulge - 0.25 * down) * np.cos(turn)
        droop = 0.1 * (1 - np.cos(turn)) * (1 - down) + slope * np.sin(turn)
        rows.append(np.column_stack([x, y + droop + 0.02 * np.sin(5 * turn), z]))

    def paint(u: Float, v: Float, facing: Float) -> Paint:
        """Stripes and the rows of the knitting; folds are dark."""
        other = (np.sin(v * 24) > 0.3) if striped else np.zeros(len(v), bool)
        colour = np.where(other[:, None], colours[1], colours[0])
        knit = 0.07 * np.sin(u * 150) * np.sin(v * 75 + 2 * np.sin(u * 9))
        folds = 0.3 * _near(np.sin(v * 16 + 3 * u), -1, 0.5)
        return Paint(colour * (1 + knit - folds)[:, None])

    layer.shell(np.stack(rows), paint, lift=0.05)
