"""The head as one surface: a dense grid around the head's axis that passes through the landmarks.

Head coordinates: x to the image's right, y down, z towards the camera; half the face's width is 1.
A vertex of the grid has an angle a around the vertical axis through (0, ·, −0.6), 0 in front, and a
height y. The mean head's radius is a smooth function of both, through the 68 landmarks and some
forty points more. Persons and expressions move those control points; the vertices follow by radial
basis functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from cadnet.data.synthetic.shape import MEAN, Points

AXIS = -0.6  # z of the head's axis
TOP, BOTTOM, _DOME = -1.60, 2.5, -0.95  # heights; above _DOME the head closes like a dome

# What the landmarks leave open, on the image's left side (x ≤ 0): x, y, z.
_MORE: dict[str, tuple[float, float, float]] = {
    "forehead": (0.0, -0.78, 0.46), "forehead_side": (-0.45, -0.82, 0.38),
    "temple_front": (-0.80, -0.78, 0.04), "temple": (-0.95, -0.50, -0.35),
    "upper_forehead": (0.0, -1.08, 0.36), "upper_forehead_side": (-0.48, -1.10, 0.24),
    "upper_temple": (-0.86, -1.02, -0.22),
    "side": (-1.02, -0.45, -0.85), "upper_side": (-1.0, -0.95, -0.75),
    "back": (0.0, -0.40, -1.75), "back_side": (-0.76, -0.40, -1.45),
    "upper_back": (0.0, -1.0, -1.68), "upper_back_side": (-0.75, -1.0, -1.38),
    "nape": (0.0, 0.60, -1.42), "nape_side": (-0.68, 0.50, -1.15),
    "behind_ear": (-0.98, 0.15, -0.85),
    "between_brows": (0.0, -0.56, 0.44),
    "socket": (-0.27, -0.44, 0.285), "upper_lid": (-0.45, -0.47, 0.255),
    "outer_socket": (-0.68, -0.42, 0.12),
    "under_eye": (-0.44, -0.10, 0.25), "inner_cheek": (-0.28, -0.02, 0.30),
    "cheekbone": (-0.72, 0.06, 0.13), "cheek": (-0.58, 0.34, 0.20),
    "outer_cheek": (-0.84, 0.30, -0.08),
    "lower_cheek": (-0.60, 0.66, 0.09),
    "bridge_side": (-0.12, -0.22, 0.33), "nose_side": (-0.17, 0.05, 0.40),
    "wing": (-0.245, 0.27, 0.42), "tip_side": (-0.11, 0.22, 0.66), "under_tip": (0.0, 0.34, 0.70),
    "fold": (-0.40, 0.45, 0.31), "philtrum": (0.0, 0.48, 0.50), "above_lip": (-0.20, 0.51, 0.42),
    "below_lip": (0.0, 0.98, 0.38), "below_corner": (-0.34, 0.94, 0.24),
    "chin": (0.0, 1.20, 0.40), "chin_side": (-0.24, 1.18, 0.32),
    "under_chin": (0.0, 1.48, 0.02), "under_jaw": (-0.36, 1.37, -0.20),
    "under_jaw_side": (-0.60, 1.12, -0.44),
    "throat": (0.0, 1.70, -0.20), "throat_side": (-0.42, 1.62, -0.36),
    "neck": (0.0, 2.2, -0.14), "neck_side": (-0.56, 2.2, -0.60),
    "neck_upper_side": (-0.62, 1.45, -0.66),
    "jaw_angle": (-0.84, 0.85, -0.62), "neck_back": (0.0, 1.4, -1.22),
    "neck_low_back": (0.0, 2.2, -1.15),
}  # fmt: skip


def _control_points() -> tuple[Points, dict[str, tuple[int, ...]]]:
    """All control points (K, 3), the 68 landmarks first, and where the named others are."""
    points, where = [*MEAN], dict[str, tuple[int, ...]]()
    for name, (x, y, z) in _MORE.items():
        where[name] = (len(points),) if x == 0 else (len(points), len(points) + 1)
        points.append(np.array([x, y, z]))
        if x != 0:
            points.append(np.array([-x, y, z]))
    return np.array(points), where


CONTROL, NAMED = _control_points()


def around(points: Points) -> Points:
    """Points (N, 3) → angle (radians, 0 in front), height, radius."""
    x, y, z = points.T
    return np.column_stack([np.arctan2(x, z - AXIS), y, np.hypot(x, z - AXIS)])


def _periodic(angle: Points, height: Points) -> Points:
    return np.column_stack([np.sin(angle), np.cos(angle), height])


def _steps(*pieces: tuple[float, float, float]) -> Points:
    """Numbers from piecewise constant steps: (from, to, step) …, and the last end."""
    parts = [np.arange(start, end - 1e-9, step) for start, end, step in pieces]
    return np.append(np.concatenate(parts), pieces[-1][1])


@dataclass(frozen=True)
class Mesh:
    """The mean head's surface: the head itself, then two ears, then long hair at the back.

    Attributes:
        vertices: (V, 3).
        grids: first vertex, rows and columns of each part, which is a grid.
        angle, height: (V,) of each vertex: its place on every texture.
        follow: (V, K): how far each vertex follows each control point.
        hairy: (V,): how far above the hairline a vertex is (half face widths; negative: below).
        triangles: (T, 3) of head and ears.
        long_hair: (T, 3) of the hair that hangs down.
    """

    vertices: Points
    grids: tuple[tuple[int, int, int], ...]
    angle: Points
    height: Points
    follow: NDArray[np.float32]
    hairy: Points
    triangles: NDArray[np.int32]
    long_hair: NDArray[np.int32]


def hairline(angle: Points) -> Points:
    """Height of the mean hairline at angles (radians)."""
    degrees = [0, 25, 48, 62, 76, 84, 92, 100, 125, 180]
    heights = [-1.0, -0.98, -0.88, -0.66, -0.3, 0.05, 0.0, 0.5, 0.9, 0.9]
    line: Points = np.interp(np.abs(np.rad2deg(angle)), degrees, heights)
    return line


def grid_faces(start: int, rows: int, columns: int) -> NDArray[np.int32]:
    """The triangles of a grid of vertices, facing outwards."""
    corner = (start + np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).reshape(-1)
    return np.concatenate(
        [
            np.column_stack([corner, corner + 1, corner + columns]),
            np.column_stack([corner + 1, corner + columns + 1, corner + columns]),
        ]
    ).astype(np.int32)


def _radius(angle: Points, height: Points) -> Points:
    """The mean head's radius around its axis."""
    control = around(CONTROL)
    fit = RBFInterpolator(
        _periodic(control[:, 0], control[:, 1]),
        control[:, 2],
        kernel="thin_plate_spline",
        smoothing=1e-4,
    )
    radius: Points = fit(_periodic(angle, np.maximum(height, _DOME)))
    above = np.minimum(height - _DOME, 0) / (TOP - _DOME)
    radius *= np.sqrt(np.clip(1 - above**2, 1e-4, 1))
    shoulders = np.clip((height - 1.75) / 0.6, 0, 1) ** 2
    return radius + shoulders * (0.5 + 1.3 * np.abs(np.sin(angle)))


def _ear(side: int) -> Points:
    """A grid of 9 × 7 vertices, (63, 3): a shell that stands off the head, open to the front."""
    along, across = np.meshgrid(np.linspace(0, np.pi, 9), np.linspace(0, 1, 7), indexing="ij")
    length = np.sin(along) ** 0.6
    x = 0.97 + 0.16 * across**0.8 * length - 0.05 * np.sin(np.pi * across) * length
    y = -0.02 - 0.29 * np.cos(along) + 0.04 * across
    z = -0.56 - 0.26 * across * length - 0.12 * np.cos(along) * across
    return np.stack([side * x, y, z], axis=-1).reshape(-1, 3)


@lru_cache(maxsize=1)
def mesh() -> Mesh:
    """The mean head; made once a process, in about a tenth of a second."""
    degrees = _steps((-178, -90, 8), (-90, -54, 4), (-54, 54, 1.5), (54, 90, 4), (90, 182, 8))
    # Closer where an expression parts the surface: lids and lips.
    heights = _steps(
        (TOP, TOP + 0.1, 0.02), (TOP + 0.1, -0.8, 0.07), (-0.8, -0.41, 0.03), (-0.41, -0.17, 0.016),
        (-0.17, 0.56, 0.03), (0.56, 0.64, 0.02), (0.64, 0.74, 0.01), (0.74, 0.9, 0.02),
        (0.9, 1.45, 0.035), (1.45, BOTTOM, 0.085),
    )  # fmt: skip
    angle, height = (part.reshape(-1) for part in np.meshgrid(np.deg2rad(degrees), heights))
    radius = _radius(angle, height)
    head = np.column_stack([radius * np.sin(angle), height, AXIS + radius * np.cos(angle)])
    back, down = (
        part.reshape(-1)
        for part in np.meshgrid(np.deg2rad(np.arange(80, 281, 10)), np.linspace(-0.6, 1.75, 14))
    )
    wide = 1.1 + 0.12 * np.clip(down + 0.6, 0, 1) - 0.1 * np.clip(down - 0.8, 0, 1)
    hair = np.column_stack([wide * np.sin(back), down, AXIS + wide * np.cos(back)])
    parts = [(head, len(heights), len(degrees)), (_ear(-1), 9, 7), (_ear(1), 9, 7), (hair, 14, 21)]
    starts = np.cumsum([0, *(len(part) for part, _, _ in parts)])
    grids = tuple(
        (int(start), rows, columns)
        for start, (_, rows, columns) in zip(starts[:-1], parts, strict=True)
    )
    vertices = np.concatenate([part for part, _, _ in parts])
    follow = RBFInterpolator(CONTROL, np.eye(len(CONTROL)), kernel="linear", smoothing=1e-3)(
        vertices
    )
    ears = 2 * 63
    # An ear is skin like the cheek beside it; hair that hangs down is hair all over.
    angles = np.concatenate([angle, np.full(ears, 1.2), np.full(len(hair), np.pi)])
    level = np.concatenate([height, np.full(ears, 0.3), np.full(len(hair), -1.0)])
    hairy = np.concatenate(
        [hairline(angle) - height, np.full(ears, -1.0), np.full(len(hair), -1.0)]
    )
    shells = [grid_faces(*grid) for grid in grids[1:]]
    both_sides = [np.concatenate([shell, shell[:, ::-1]]) for shell in shells]
    return Mesh(
        vertices=vertices,
        grids=grids,
        angle=angles,
        height=level,
        follow=follow.astype(np.float32),
        hairy=hairy,
        triangles=np.concatenate([grid_faces(*grids[0]), *both_sides[:2]]),
        long_hair=both_sides[2],
    )
