"""A scene as a picture, with the truth about it: 68 landmarks, and which of them can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from cadnet.data.synthetic import paint
from cadnet.data.synthetic.appearance import Look, colours
from cadnet.data.synthetic.expressions import moved
from cadnet.data.synthetic.mesh import CONTROL, Mesh, around, mesh
from cadnet.data.synthetic.occluders import occlude
from cadnet.data.synthetic.occluders.layer import Head
from cadnet.data.synthetic.raster import grid_normals, hidden, rasterise
from cadnet.data.synthetic.scene import Scene, Style, Units, scene
from cadnet.data.synthetic.shape import JAW, MEAN, Camera, Points, rotation

Picture = NDArray[np.uint8]

# Everything is drawn this much larger and averaged: edges are smooth.
_FINER = 2
_FAR = -9.0  # nearness of what is not the head
# The surface may pass this much (half face widths) before a landmark that it does not hide: a
# landmark lies on a slope, and its pixel's centre beside it.
_SLACK = 0.08


@dataclass(frozen=True)
class SyntheticFace:
    """What was drawn, and the truth about it.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        landmarks: (68, 2) px, pixel centres at integers.
        visible: (68,): neither an occluder nor the head itself hides it.
        brow_lower: (2, 2) px: middles of the lower edges of the brows, image-left first (COFW's
            points 5 and 7, which the 68 do not have).
        pose: yaw, pitch, roll in degrees.
        expression: a name of ``EMOTIONS``, or ``casual``.
    """

    image: Picture
    landmarks: Points
    visible: NDArray[np.bool_]
    brow_lower: Points
    pose: tuple[float, float, float]
    expression: str


@lru_cache(maxsize=1)
def _others_follow() -> Points:
    """(K − 68, 68): how the other control points follow the landmarks of somebody's face."""
    fit = RBFInterpolator(MEAN, np.eye(68), kernel="linear", smoothing=1e-3)
    weights: Points = fit(CONTROL[68:])
    return weights


def control_points(rest: Points, units: Units) -> Points:
    """Somebody's control points (K, 3) with an expression; ``rest`` (68, 3) are the landmarks."""
    away = rest - MEAN
    shaped: Points = CONTROL + np.concatenate([away, _others_follow() @ away]) + moved(units)
    return shaped


@dataclass(frozen=True)
class _Seen:
    """What the camera sees of a head, at the finer size."""

    depth: NDArray[np.float32]
    attributes: NDArray[np.float32]


def _see(head: Mesh, vertices: Points, camera: Camera, side: int, *, long_hair: bool) -> _Seen:
    normals = np.empty((len(vertices), 3), dtype=np.float32)
    for grid in head.grids:
        grid_normals(vertices, *grid, normals)
    normals = normals @ camera.rotation.T.astype(np.float32)
    attributes = np.column_stack(
        [head.angle, head.height, vertices[:, 0], vertices[:, 1], normals]
    ).astype(np.float32)
    depth = np.full((side, side), _FAR, dtype=np.float32)
    out = np.zeros((side, side, attributes.shape[1]), dtype=np.float32)
    seen = camera.see(vertices)
    rasterise(seen, head.triangles, attributes, depth, out)
    if long_hair:
        rasterise(seen, head.long_hair, attributes, depth, out)
    return _Seen(depth, out)


@lru_cache(maxsize=1)
def _cheeks() -> list[NDArray[np.int64]]:
    """For each jaw landmark the vertices at its height from it to the front of the face."""
    head = mesh()
    start, rows, columns = head.grids[0]
    heights = head.height[start : start + rows * columns : columns]
    angles = head.angle[start : start + columns]
    arcs = []
    for angle, height, _ in around(CONTROL[JAW]):
        row = int(np.abs(heights - height).argmin())
        inside = np.flatnonzero((angles * np.sign(angle) >= 0) & (np.abs(angles) <= abs(angle)))
        arcs.append(start + row * columns + inside)
    return arcs


def contour(control: Points, vertices: Points, camera: Camera) -> Points:
    """The 17 jaw points as annotators place them, (17, 2) px: on the outline that is seen.

    On the side that turns away, the cheek's bulge hides the jaw line, and the points lie on the
    bulge: for each, the outermost point of the cheek from the jaw line to the front of the face.
    """
    # Outwards, in the picture: the head's own x axis as the camera sees it.
    axis = camera.rotation[:2, 0] / max(1e-6, float(np.hypot(*camera.rotation[:2, 0])))
    placed = camera.see(control[JAW])[:, :2]
    for i, arc in enumerate(_cheeks()):
        if i == 8:
            continue
        seen = camera.see(vertices[arc])[:, :2]
        outwards = seen @ axis * np.sign(i - 8)
        best = int(outwards.argmax())
        if outwards[best] > placed[i] @ axis * np.sign(i - 8):
            placed[i] = seen[best]
    return placed


def _hair(head: Mesh, vertices: Points, person_look: Look) -> Points:
    """The vertices with hair on them: further out where it grows."""
    edge = person_look.hairline + person_look.parting * np.sin(2 * head.angle)
    grown = np.clip((head.hairy - edge) / 0.25, 0, 1) * person_look.volume
    up = -0.6 * np.clip(-head.height - 0.5, 0, 1)
    outwards = np.column_stack([np.sin(head.angle), up, np.cos(head.angle)])
    return vertices + grown[:, None] * outwards


def _wrinkles(units: Units, age: float) -> dict[str, tuple[float, float]]:
    """How deep the wrinkles are that units draw, and that stay: (image-left, image-right)."""

    def depths(side: int) -> dict[str, float]:
        level = {unit: sides[side] for unit, sides in units.items()}
        return {
            "fold": 0.25 * age + 0.7 * level.get(12, 0) + 0.8 * level.get(9, 0),
            "forehead": 0.3 * age + 0.6 * min(level.get(1, 0), 0.3 + level.get(2, 0)),
            "glabella": 0.2 * age + 0.8 * level.get(4, 0),
            "crow": 0.2 * age + 0.6 * level.get(6, 0),
            "nose": 0.75 * level.get(9, 0),
            "dimple": 0.9 * level.get(14, 0) + 0.25 * level.get(12, 0),
        }

    left, right = depths(0), depths(1)
    return {name: (left[name], right[name]) for name in left}


def _paint(shown: Scene, seen: _Seen, control: Points, size: int) -> Picture:
    """The head before its background, at the finer size."""
    behind = paint.background(np.random.default_rng(shown.background), size, shown.style.background)
    canvas = cv2.resize(behind, (size * _FINER,) * 2).astype(np.float32)
    inside = np.flatnonzero(seen.depth > _FAR)
    rest = shown.subject.rest
    left, right = (
        np.array([control[[a, b], 0].mean(), rest[[a, b], 1].mean() - 0.02]) + shown.gaze
        for a, b in ((36, 39), (42, 45))
    )
    canvas.reshape(-1, 3)[inside] = colours(
        seen.attributes.reshape(len(canvas) ** 2, -1)[inside],
        shown.subject.look,
        shown.lamp,
        (left, right),
        # Between lips that barely part, no light falls on the teeth.
        teeth=float(rest[62, 1] - 0.03 + min(0.11, 1.4 * (control[66, 1] - control[62, 1]))),
        wrinkles=_wrinkles(shown.units, shown.subject.look.wrinkles),
    )
    picture: Picture = np.clip(canvas, 0, 255).astype(np.uint8)
    return picture


def draw(shown: Scene, size: int) -> SyntheticFace:
    """Draw a scene, ``size`` px square."""
    turned, (x, y) = rotation(*shown.pose), shown.centre
    camera = Camera(turned, shown.scale * size, (x * size - 0.5, y * size - 0.5))
    side = size * _FINER
    finer = Camera(turned, shown.scale * side, (x * side - 0.5, y * side - 0.5))
    control, head = control_points(shown.subject.rest, shown.units), mesh()
    skin = head.vertices + head.follow @ (control - CONTROL).astype(np.float32)
    look = shown.subject.look
    seen = _see(head, _hair(head, skin, look), finer, side, long_hair=look.long)
    canvas = _paint(shown, seen, control, size)

    landmarks = camera.see(control[:68])[:, :2]
    landmarks[JAW] = contour(control, skin, camera)
    unseen = hidden(finer.see(control[:68]), seen.depth, _SLACK)
    unseen[JAW] = False  # on the visible outline by definition
    placed = (landmarks + 0.5) * _FINER - 0.5
    whom = Head(placed, control[:68], finer, seen.depth, shown.lamp, look)
    covered = np.zeros((side, side), np.uint8)
    for name, seed in shown.occluders:
        mask = occlude(canvas, name, whom, np.random.default_rng(seed))
        covered = np.maximum(covered, mask)
    image, covered = (
        cv2.resize(finely, (size, size), interpolation=cv2.INTER_AREA)
        for finely in (canvas, covered)
    )
    pixels = np.clip(np.round(landmarks).astype(int), 0, size - 1)
    return SyntheticFace(
        image=_photograph(image, shown),
        landmarks=landmarks,
        visible=~unseen & (covered[pixels[:, 1], pixels[:, 0]] < 128),
        brow_lower=landmarks[[19, 24]] + camera.rotation[:2, 1] * 0.09 * camera.scale,
        pose=shown.pose,
        expression=shown.expression,
    )


def render(rng: np.random.Generator, style: Style, size: int) -> SyntheticFace:
    """Draw somebody in a style, ``size`` px square; all randomness comes from ``rng``."""
    return draw(scene(rng, style), size)


def _photograph(image: Picture, shown: Scene) -> Picture:
    """What a camera makes of it: blur, noise, now and then no colour."""
    rng, style = np.random.default_rng(shown.photograph), shown.style
    blur = style.blur * float(rng.random())
    if blur > 0.25:
        image = cv2.GaussianBlur(image, (0, 0), blur).astype(np.uint8)
    if shown.grey:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * (style.noise * float(rng.random()))
    noisy: Picture = np.clip(image + noise, 0, 255).astype(np.uint8)
    return noisy
