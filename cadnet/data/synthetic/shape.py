"""The built-in face's geometry: a mean shape of 68 landmarks in 3D, people, pose, the camera.

Head coordinates: x to the image's right, y down, z towards the camera; half the face's width is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadnet.faces import SCHEMES

Points = NDArray[np.float64]

# One half of the mean shape (x ≤ 0) by iBUG index; the other half is its mirror image.
_HALF: dict[int, tuple[float, float, float]] = {
    0: (-1.00, -0.25, -0.60), 1: (-0.99, 0.05, -0.57), 2: (-0.96, 0.33, -0.52),
    3: (-0.89, 0.61, -0.44), 4: (-0.76, 0.87, -0.32), 5: (-0.59, 1.09, -0.16),
    6: (-0.40, 1.24, 0.02), 7: (-0.20, 1.34, 0.14), 8: (0.00, 1.38, 0.18),
    17: (-0.82, -0.53, 0.02), 18: (-0.67, -0.66, 0.18), 19: (-0.49, -0.69, 0.29),
    20: (-0.32, -0.66, 0.35), 21: (-0.16, -0.59, 0.38),
    27: (0.00, -0.35, 0.40), 28: (0.00, -0.16, 0.52), 29: (0.00, 0.03, 0.65),
    30: (0.00, 0.21, 0.78), 31: (-0.22, 0.33, 0.46), 32: (-0.11, 0.37, 0.54),
    33: (0.00, 0.4, 0.58),
    36: (-0.65, -0.29, 0.12), 37: (-0.53, -0.38, 0.22), 38: (-0.38, -0.38, 0.26),
    39: (-0.25, -0.27, 0.22), 40: (-0.38, -0.22, 0.24), 41: (-0.53, -0.22, 0.21),
    48: (-0.37, 0.69, 0.30), 49: (-0.23, 0.61, 0.42), 50: (-0.09, 0.57, 0.49),
    51: (0.00, 0.59, 0.50), 59: (-0.23, 0.81, 0.41), 58: (-0.09, 0.86, 0.46),
    57: (0.00, 0.87, 0.47), 60: (-0.31, 0.69, 0.33), 61: (-0.11, 0.665, 0.45),
    62: (0.00, 0.67, 0.46), 67: (-0.11, 0.71, 0.44), 66: (0.00, 0.72, 0.45),
}  # fmt: skip

JAW = np.arange(17)
BROWS = np.arange(17, 27)
NOSE = np.arange(27, 36)
EYES = {"left": np.arange(36, 42), "right": np.arange(42, 48)}
MOUTH = np.arange(48, 68)


def mean_shape() -> Points:
    """(68, 3), mirror-symmetric."""
    shape = np.zeros((68, 3))
    for index, point in _HALF.items():
        shape[index] = point
        shape[SCHEMES["ibug68"].flip[index]] = (-point[0], point[1], point[2])
    return shape


MEAN = mean_shape()


def person(rng: np.random.Generator, strength: float = 1.0) -> Points:
    """Somebody's face at rest, (68, 3): smooth, symmetric changes of the mean shape."""

    def varies(spread: float) -> float:
        return float(1 + strength * spread * np.clip(rng.standard_normal(), -2, 2))

    shape = MEAN.copy()
    jaw_width, chin = varies(0.06), varies(0.06)
    lower = np.clip(shape[JAW, 1] / 1.4, 0, 1)
    shape[JAW, 0] *= 1 + (jaw_width - 1) * lower * 1.5
    shape[JAW, 1] *= 1 + (chin - 1) * lower
    for eye in EYES.values():
        centre = shape[eye].mean(axis=0)
        shape[eye] = centre + (shape[eye] - centre) * (varies(0.05), varies(0.15), 1)
    spacing = varies(0.04)
    for part in (*EYES.values(), BROWS):
        shape[part, 0] *= spacing
    shape[BROWS, 1] -= 0.05 * (varies(0.8) - 1)
    shape[BROWS, 1] += (varies(0.06) - 1) * np.abs(shape[BROWS, 0])
    nose_length, nose_width, nose_depth = varies(0.08), varies(0.12), varies(0.1)
    shape[NOSE, 1] = -0.35 + (shape[NOSE, 1] + 0.35) * nose_length
    shape[NOSE, 0] *= nose_width
    shape[NOSE, 2] = 0.4 + (shape[NOSE, 2] - 0.4) * nose_depth
    mouth_centre = 0.67 + 0.05 * (varies(0.8) - 1)
    width, thickness = varies(0.1), varies(0.2)
    shape[MOUTH, 0] *= width
    shape[MOUTH, 1] = mouth_centre + (shape[MOUTH, 1] - 0.69) * thickness
    shape[65:68, 1] -= 0.045 * (thickness - 1)  # thick lips touch at rest, too
    return shape * (1, varies(0.05), 1)


def rotation(yaw: float, pitch: float, roll: float) -> Points:
    """(3, 3) for angles in degrees: positive yaw turns the face to the image's right, positive
    pitch looks down, positive roll leans clockwise."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    lean = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    product: Points = lean @ nod @ turn
    return product


@dataclass(frozen=True)
class Camera:
    """Perspective: a head at ``distance`` half face widths, drawn ``scale`` px to one of them."""

    rotation: Points
    scale: float
    centre: tuple[float, float]
    distance: float = 7.0

    def see(self, points: Points) -> Points:
        """Head points (N, 3) → (N, 3): px x, px y, and nearness to the camera."""
        turned = points @ self.rotation.T
        grow = self.scale * self.distance / (self.distance - turned[:, 2])
        xy = turned[:, :2] * grow[:, None] + self.centre
        return np.column_stack([xy, turned[:, 2]])
