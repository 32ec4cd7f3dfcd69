"""Things that are held before the face: a phone, food, a cup, a card. They turn with the head."""

from __future__ import annotations

import numpy as np

from cadnet.data.synthetic.occluders.hands import arm, finger, grip, limb, skin_of, unit
from cadnet.data.synthetic.occluders.layer import Layer, outline, seen_side
from cadnet.data.synthetic.paint import Colour, smooth, tint
from cadnet.data.synthetic.shape import Points


def _colour(rng: np.random.Generator) -> Colour:
    r, g, b = rng.uniform(15, 240, 3)
    return float(r), float(g), float(b)


class _Frame:
    """A flat thing's own coordinates (x right, y down; half face widths), turned, in px."""

    def __init__(self, layer: Layer, centre: Points, angle: float) -> None:
        turn = np.deg2rad(angle)
        self.right = np.array([np.cos(turn), np.sin(turn)])
        self.down = np.array([-np.sin(turn), np.cos(turn)])
        self.centre, self.scale, self.angle = centre, layer.scale, angle

    def at(self, places: Points) -> Points:
        """(N, 2) in px."""
        placed: Points = (
            self.centre + (places[:, :1] * self.right + places[:, 1:] * self.down) * self.scale
        )
        return placed

    def box(self, x: float, y: float, half: tuple[float, float], power: float = 12.0) -> Points:
        """A rounded box around (x, y), px."""
        return self.at(outline(half, power, 40) + (x, y))


def _roll(layer: Layer) -> float:
    """How the head leans in the picture, degrees."""
    down = layer.head.camera.rotation[:2, 1]
    return float(np.degrees(np.arctan2(-down[0], down[1])))


def phone(layer: Layer, rng: np.random.Generator) -> None:
    """A phone at the ear, or with its cameras towards us before a part of the face."""
    skin, body = skin_of(layer, rng), [(24, 24, 28), (226, 226, 230), (50, 84, 130), (170, 70, 84),
                                       (196, 176, 150)][int(rng.integers(5))]  # fmt: skip
    tilt, at_ear = float(rng.normal(0, 7)), rng.random() < 0.5
    side = seen_side(layer, rng)
    place, size = rng.uniform(-0.2, 0.2, 2), float(rng.uniform(0.3, 0.36))
    right = layer.head.camera.rotation[2, 0]
    half = (size, 2.05 * size)
    if at_ear:
        centre = layer.head.see((side * 1.0, 0.22, -0.1))[0]
        frame = _Frame(layer, centre, _roll(layer) + side * (14 + abs(tilt)))
        narrow = float(np.clip(0.55 + 0.5 * abs(right), 0.55, 1))
        half = (half[0] * narrow, half[1])
    else:
        at = layer.head.see((side * (0.36 + place[0]), 0.18 + place[1], 0.9))[0]
        frame = _Frame(layer, at, _roll(layer) + tilt)
    wrist = frame.centre + (frame.down * 1.05 + frame.right * side * 0.12) * layer.scale
    arm(layer, wrist, frame.down + frame.right * side * 0.25, skin, layer.head.look.clothes)
    limb(layer, np.array([wrist, frame.centre + frame.down * 0.4 * layer.scale]), [0.44, 0.6], skin)
    layer.fill(frame.box(0, 0, (half[0] + 0.015, half[1] + 0.015)), tint(body, 0.5))
    layer.fill(frame.box(0, 0, half), body)
    bump = (0.46 * half[0], 0.26 * half[1])
    x, y = -half[0] + bump[0] + 0.05, -half[1] + bump[1] + 0.06
    layer.fill(frame.box(x, y, bump, 5), tint(body, 0.78) if body[0] > 40 else (52, 52, 58))
    for dx, dy in ((-0.42, -0.42), (0.42, 0.0), (-0.42, 0.48)):
        lens = frame.at(np.array([[x + dx * bump[0], y + dy * bump[1]]]))[0]
        for radius, colour in (
            (0.085, (96, 98, 104)),
            (0.068, (10, 10, 14)),
            (0.028, (50, 60, 92)),
        ):
            layer.disc(lens, (radius, radius), 0, colour)
    shine = np.array([(-0.1, -1), (0.35, -1), (-0.3, 1), (-0.75, 1)]) * half
    layer.fill(frame.at(shine), (255, 255, 255), 0.1, inside=True)
    if at_ear:
        grip(layer, frame.at(np.array([[0.0, 0.2]]))[0], frame.down * -side, half[0], skin)
    else:
        held = frame.at(np.array([[0.0, 0.35 * half[1]]]))[0]
        grip(layer, held, frame.down * -side, half[0], skin, length=0.3)
        thumb = frame.at(
            np.array([(-side * (half[0] + 0.06), 0.75), (-side * (half[0] - 0.2), 0.2)])
        )
        finger(layer, thumb[0], thumb[1], 0.18, skin)


def food(layer: Layer, rng: np.random.Generator) -> None:
    """An ice cream, a burger or an apple, held before the mouth."""
    kind = int(rng.integers(3))
    shift = rng.normal(0, 0.06, 2)
    centre = layer.head.see((shift[0], 0.78 + shift[1], 0.95))[0]
    frame = _Frame(layer, centre, _roll(layer) + float(rng.normal(0, 8)))
    skin = skin_of(layer, rng)
    (_ice_cream, _burger, _apple)[kind](layer, frame, rng, skin)


def _ice_cream(layer: Layer, frame: _Frame, rng: np.random.Generator, skin: Colour) -> None:
    """Two scoops on a waffle cone, in a fist."""
    flavours: list[Colour] = [
        (250, 240, 214), (96, 56, 36), (244, 152, 178), (160, 216, 160), (252, 210, 110)
    ]  # fmt: skip
    first, second = (flavours[int(k)] for k in rng.choice(5, 2, replace=False))
    waffle: Colour = (206, 150, 84)
    wrist = frame.at(np.array([[0.25, 1.35]]))[0]
    arm(layer, wrist, frame.down + 0.3 * frame.right, skin, layer.head.look.clothes)
    layer.fill(frame.at(np.array([(-0.33, 0.22), (0.33, 0.22), (0.05, 1.4), (-0.05, 1.4)])), waffle)
    for k in np.linspace(-1.2, 1.2, 11):
        for lean in (-0.35, 0.35):
            line = frame.at(np.array([(k * 0.4 - lean, 0.2), (k * 0.4 + lean, 1.4)]))
            _clipped(layer, frame, line, tint(waffle, 0.7))
    for (x, y, radius), colour in (((0, 0.1, 0.38), first), ((0.02, -0.3, 0.32), second)):
        middle = frame.at(np.array([[x, y]]))[0]
        layer.disc(middle, (radius + 0.015, radius + 0.015), 0, tint(colour, 0.72))
        layer.disc(middle, (radius, radius), 0, colour)
        glow = middle + np.array([-0.3, -0.35]) * radius * layer.scale
        layer.disc(glow, (0.45 * radius, 0.4 * radius), 0, tint(colour, 1.15), 0.6)
    drip = frame.at(outline((0.4, 0.09), 2) + (0, 0.3))
    layer.fill(drip, tint(first, 0.95))
    limb(layer, np.array([wrist, frame.at(np.array([[0.16, 1.0]]))[0]]), [0.4, 0.5], skin)
    grip(layer, frame.at(np.array([[-0.02, 0.98]]))[0], -frame.down, 0.2, skin)


def _clipped(layer: Layer, frame: _Frame, line: Points, colour: Colour) -> None:
    """A waffle's line, where the cone is."""
    steps = line[0] + (line[1] - line[0]) * np.linspace(0, 1, 25)[:, None]
    own = (steps - frame.centre) / layer.scale
    x, y = own @ frame.right, own @ frame.down
    within = np.flatnonzero(np.abs(x) < 0.33 - 0.28 * (y - 0.22) / 1.18)
    if len(within) > 1:
        layer.stroke(steps[within], colour, 0.022)


def _burger(layer: Layer, frame: _Frame, rng: np.random.Generator, skin: Colour) -> None:
    """Bun, lettuce, cheese, meat, bun, between two hands."""
    bun: Colour = (204, 138, 70)
    for side in (-1, 1):
        wrist = frame.at(np.array([[side * 0.75, 0.85]]))[0]
        arm(layer, wrist, frame.down + side * 0.5 * frame.right, skin, layer.head.look.clothes)
        palm = frame.at(np.array([[side * 0.6, 0.15]]))[0]
        limb(layer, np.array([wrist, palm]), [0.42, 0.5], skin)
    layer.fill(frame.box(0, 0.32, (0.56, 0.16), 4), tint(bun, 0.9))
    layer.fill(frame.box(0, 0.17, (0.6, 0.11), 5), (92, 52, 32))
    cheese = np.array([(-0.6, 0.04), (0.6, 0.04), (0.3, 0.2), (0.0, 0.08), (-0.3, 0.22)])
    layer.fill(frame.at(cheese), (250, 196, 60))
    wave = np.linspace(-0.64, 0.64, 25)
    leaf = np.column_stack([wave, 0.03 + 0.045 * np.sin(wave * 24)])
    layer.stroke(frame.at(leaf), (106, 170, 60), 0.09)
    tomato = frame.at(np.array([(-0.55, -0.05), (0.55, -0.05)]))
    layer.stroke(tomato, (206, 54, 40), 0.08)
    top = outline((0.6, 0.42), 2.4, 40)
    top = np.column_stack([top[:, 0], np.minimum(top[:, 1], 0.0) - 0.08])
    layer.fill(frame.at(top), bun)
    layer.fill(frame.at(top * (0.6, 0.5) + (-0.08, -0.14)), tint(bun, 1.2), 0.5)
    for x, y in rng.uniform((-0.42, -0.36), (0.42, -0.16), (12, 2)):
        seed = frame.at(np.array([[x, y]]))[0]
        layer.disc(seed, (0.03, 0.018), 30, (250, 232, 190))
    for side in (-1, 1):
        for k in range(3):
            ends = [(side * 0.72, 0.28 - 0.18 * k), (side * (0.34 - 0.03 * k), 0.2 - 0.2 * k)]
            root, tip = frame.at(np.array(ends))
            finger(layer, root, tip, 0.165, skin)


def _apple(layer: Layer, frame: _Frame, rng: np.random.Generator, skin: Colour) -> None:
    """A red, green or yellow apple with its stalk and a leaf, in one hand."""
    colour: Colour = [(190, 30, 36), (128, 178, 50), (226, 186, 64)][int(rng.integers(3))]
    wrist = frame.at(np.array([[0.3, 1.1]]))[0]
    arm(layer, wrist, frame.down + 0.3 * frame.right, skin, layer.head.look.clothes)
    limb(layer, np.array([wrist, frame.at(np.array([[0.2, 0.4]]))[0]]), [0.42, 0.62], skin)
    body = np.array([
        (0, -0.36), (0.2, -0.45), (0.44, -0.34), (0.52, -0.05), (0.42, 0.28), (0.2, 0.46),
        (0, 0.42), (-0.2, 0.46), (-0.42, 0.28), (-0.52, -0.05), (-0.44, -0.34), (-0.2, -0.45),
    ])  # fmt: skip
    layer.fill(frame.at(smooth(body * 1.03)), tint(colour, 0.6))
    layer.fill(frame.at(smooth(body)), colour)
    shade = frame.at(smooth(body * (0.75, 0.8) + (-0.07, -0.05)))
    layer.fill(shade, tint(colour, 1.2), 0.4)
    glow = frame.at(np.array([[-0.2, -0.18]]))[0]
    layer.disc(glow, (0.1, 0.14), frame.angle + 20, (255, 255, 255), 0.45)
    layer.disc(frame.at(np.array([[0.0, -0.36]]))[0], (0.13, 0.04), frame.angle, tint(colour, 0.45))
    layer.stroke(frame.at(np.array([(0, -0.36), (0.03, -0.5), (0.1, -0.6)])), (84, 56, 30), 0.05)
    leaf = np.array([(0.05, -0.52), (0.2, -0.66), (0.4, -0.6), (0.24, -0.5)])
    layer.fill(frame.at(smooth(leaf)), (70, 130, 50))
    grip(layer, frame.at(np.array([[0.0, 0.12]]))[0], -frame.down, 0.42, skin, length=0.36)
    thumb = frame.at(np.array([(-0.5, 0.5), (-0.3, 0.12)]))
    finger(layer, thumb[0], thumb[1], 0.18, skin)


def thing(layer: Layer, rng: np.random.Generator) -> None:
    """A mug before the mouth, or a card or sheet with lines of text before any part of the face."""
    skin, colour = skin_of(layer, rng), _colour(rng)
    if rng.random() < 0.5:
        centre = layer.head.see((float(rng.normal(0, 0.08)), 0.85, 0.95))[0]
        _mug(layer, _Frame(layer, centre, _roll(layer) + float(rng.normal(0, 6))), colour, skin)
        return
    x, y = rng.uniform((-0.5, -0.4), (0.5, 0.9))
    centre = layer.head.see((float(x), float(y), 0.9))[0]
    frame = _Frame(layer, centre, _roll(layer) + float(rng.normal(0, 12)))
    half = (float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.28, 0.5)))
    paper = tint((244, 242, 236), float(rng.uniform(0.85, 1)))
    layer.fill(frame.box(0, 0, (half[0] + 0.012, half[1] + 0.012), 14), tint(paper, 0.6))
    layer.fill(frame.box(0, 0, half, 14), paper)
    layer.fill(frame.box(0, -0.68 * half[1], (0.94 * half[0], 0.24 * half[1]), 14), colour)
    for k in range(4):
        y, end = half[1] * (-0.2 + 0.3 * k), half[0] * float(rng.uniform(0.2, 0.8))
        text = frame.at(np.array([(-0.8 * half[0], y), (end, y)]))
        layer.stroke(text, (90, 90, 96), 0.03)
    low = frame.at(np.array([[0.5 * half[0], half[1]]]))[0]
    finger(
        layer,
        low + frame.down * 0.5 * layer.scale,
        low - frame.down * 0.12 * layer.scale,
        0.19,
        skin,
    )


def _mug(layer: Layer, frame: _Frame, colour: Colour, skin: Colour) -> None:
    """Tilted towards the mouth, its inside seen from above, a hand at its handle."""
    wrist = frame.at(np.array([[0.95, 0.7]]))[0]
    arm(layer, wrist, frame.down + unit(frame.right) * 0.5, skin, layer.head.look.clothes)
    limb(layer, np.array([wrist, frame.at(np.array([[0.75, 0.1]]))[0]]), [0.42, 0.5], skin)
    handle = np.array([(0.4, -0.2), (0.72, -0.22), (0.78, 0.1), (0.68, 0.3), (0.4, 0.26)])
    layer.stroke(frame.at(smooth(handle, closed=False)), tint(colour, 0.7), 0.13)
    turn = np.linspace(0, np.pi, 15)
    bottom = np.column_stack([0.4 * np.cos(turn), 0.5 + 0.12 * np.sin(turn)])
    body = np.vstack([[(-0.46, -0.4), (0.46, -0.4)], bottom])
    layer.fill(frame.at(body), colour)
    for x, alpha in ((-0.36, 0.3), (-0.28, 0.2)):
        band = np.array([(x, -0.35), (x + 0.1, -0.35), (x + 0.1, 0.5), (x, 0.46)])
        layer.fill(frame.at(band), (255, 255, 255), alpha, inside=True)
    shadow = np.array([(0.22, -0.35), (0.5, -0.35), (0.45, 0.6), (0.2, 0.6)])
    layer.fill(frame.at(shadow), (0, 0, 0), 0.25, inside=True)
    layer.fill(frame.at(outline((0.46, 0.13), 2) + (0, -0.4)), tint(colour, 1.2))
    layer.fill(frame.at(outline((0.41, 0.1), 2) + (0, -0.39)), (62, 38, 24))
    for k in range(3):
        ends = frame.at(np.array([(0.92, -0.16 + 0.17 * k), (0.56, -0.13 + 0.17 * k)]))
        finger(layer, ends[0], ends[1], 0.165, skin)
