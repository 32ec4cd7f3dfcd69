"""Expressions as facial action units (FACS): what each muscle moves, and which make an emotion.

After table 1 of the paper (EMFACS). A unit moves control points of the image's left half as given
here, in half face widths (x right, y down, z to the camera), and their mirror images likewise.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cadnet.data.synthetic.mesh import CONTROL, NAMED
from cadnet.data.synthetic.shape import Points
from cadnet.faces import SCHEMES

Move = tuple[float, float, float]

ACTION_UNITS: dict[int, dict[int | str, Move]] = {
    1: {  # inner brow raiser
        21: (0.02, -0.13, 0), 20: (0.01, -0.08, 0), 19: (0, -0.02, 0),
        "between_brows": (0, -0.05, 0), "forehead": (0, -0.03, 0), "socket": (0, -0.05, 0),
    },
    2: {  # outer brow raiser
        17: (0, -0.08, 0), 18: (0, -0.11, 0), 19: (0, -0.08, 0), 20: (0, -0.03, 0),
        "outer_socket": (0, -0.04, 0), "upper_lid": (0, -0.03, 0), "forehead_side": (0, -0.03, 0),
    },
    4: {  # brow lowerer
        21: (0.06, 0.12, 0.02), 20: (0.05, 0.10, 0.02), 19: (0.02, 0.05, 0.01), 18: (0, 0.01, 0),
        "between_brows": (0, 0.05, 0.02), "socket": (0.01, 0.05, 0), "upper_lid": (0, 0.03, 0),
    },
    5: {37: (0, -0.06, 0), 38: (0, -0.06, 0), "upper_lid": (0, -0.015, 0)},  # upper lid raiser
    6: {  # cheek raiser
        41: (0, -0.045, 0), 40: (0, -0.04, 0), "under_eye": (0, -0.05, 0.04),
        "cheekbone": (0, -0.05, 0.04),
        "cheek": (0, -0.06, 0.05), "outer_socket": (0.02, 0.02, 0), 17: (0, 0.02, 0),
    },
    # lid tightener
    7: {41: (0, -0.035, 0), 40: (0, -0.035, 0), 37: (0, 0.03, 0), 38: (0, 0.03, 0)},
    9: {  # nose wrinkler
        "wing": (-0.02, -0.09, 0.02), 31: (-0.02, -0.06, 0), 32: (0, -0.04, 0), 33: (0, -0.03, 0),
        30: (0, -0.03, 0), "nose_side": (0, -0.03, 0.02), 21: (0.03, 0.06, 0), 20: (0.02, 0.04, 0),
        "between_brows": (0, 0.04, 0.01), 49: (0, -0.08, 0), 50: (0, -0.085, 0), 51: (0, -0.06, 0),
        60: (0, -0.02, 0), 61: (0, -0.065, 0), 62: (0, -0.055, 0), "fold": (0, -0.05, 0.03),
        "inner_cheek": (0, -0.03, 0.03), 40: (0, -0.05, 0), 41: (0, -0.05, 0),
        37: (0, 0.03, 0), 38: (0, 0.03, 0),
        "above_lip": (0, -0.05, 0),
    },
    12: {  # lip corner puller
        48: (-0.14, -0.12, -0.06), 60: (-0.13, -0.115, -0.06), 49: (-0.09, -0.05, -0.03),
        59: (-0.09, -0.05, -0.03), 50: (-0.03, 0, 0), 61: (-0.05, -0.03, 0), 67: (-0.05, -0.03, 0),
        58: (-0.03, -0.01, 0), "fold": (-0.07, -0.06, 0.02), "cheek": (-0.02, -0.07, 0.06),
        "below_corner": (-0.06, -0.05, 0), "lower_cheek": (-0.03, -0.03, 0.03),
        "above_lip": (-0.04, -0.02, 0),
    },
    # dimpler
    14: {
        48: (-0.08, -0.05, -0.08), 60: (-0.08, -0.05, -0.08), 49: (-0.03, -0.02, -0.02),
        59: (-0.03, -0.02, -0.02), "lower_cheek": (-0.02, 0, 0.02), "fold": (-0.03, -0.02, 0.02),
    },
    15: {  # lip corner depressor
        48: (-0.03, 0.10, 0), 60: (-0.03, 0.09, 0), 49: (-0.01, 0.03, 0), 59: (-0.02, 0.05, 0),
        58: (0, -0.01, 0), 57: (0, -0.02, 0), "below_corner": (0, 0.05, 0.01), "fold": (0, 0.03, 0),
    },
    16: {  # lower lip depressor
        59: (-0.01, 0.05, 0), 58: (0, 0.08, 0), 57: (0, 0.08, 0), 67: (0, 0.07, 0),
        66: (0, 0.08, 0),
        "below_lip": (0, 0.03, 0),
    },
    20: {  # lip stretcher
        48: (-0.13, 0.03, -0.06), 60: (-0.12, 0.03, -0.05), 49: (-0.07, 0.02, -0.02),
        59: (-0.07, 0.03, -0.02),
        50: (-0.02, 0.01, 0), 58: (-0.03, 0, 0), 61: (-0.05, 0.01, 0), 67: (-0.05, 0.01, 0),
        "fold": (-0.05, 0.01, 0), "below_corner": (-0.05, 0.02, 0),
    },
    23: {  # lip tightener
        49: (0.01, 0.03, -0.01), 50: (0, 0.04, -0.02), 51: (0, 0.04, -0.02),
        59: (0.01, -0.03, -0.01),
        58: (0, -0.045, -0.02), 57: (0, -0.05, -0.02), 48: (0.03, 0, 0), 60: (0.03, 0, 0),
    },
    25: {  # lips part
        61: (0, -0.02, 0), 62: (0, -0.02, 0), 67: (0, 0.06, 0), 66: (0, 0.06, 0), 58: (0, 0.05, 0),
        57: (0, 0.05, 0), 59: (0, 0.03, 0), "below_lip": (0, 0.03, 0),
    },
    26: {  # jaw drop
        57: (0, 0.30, -0.03), 58: (0, 0.30, -0.03), 66: (0, 0.30, -0.03), 67: (0, 0.29, -0.03),
        59: (0.02, 0.20, -0.02), 48: (0.06, 0.10, 0), 60: (0.06, 0.10, 0), 49: (0.02, 0.01, 0),
        8: (0, 0.32, -0.05), 7: (0, 0.30, -0.05), 6: (0, 0.26, -0.04), 5: (0.01, 0.18, -0.03),
        4: (0.01, 0.09, 0), 3: (0, 0.03, 0), "chin": (0, 0.31, -0.04),
        "chin_side": (0, 0.28, -0.04),
        "below_lip": (0, 0.30, -0.03), "below_corner": (0.03, 0.20, -0.02),
        "lower_cheek": (0.04, 0.12, -0.02),
        "cheek": (0.01, 0.03, 0), "under_chin": (0, 0.24, -0.03), "under_jaw": (0, 0.16, 0),
        "throat": (0, 0.08, 0),
    },
    43: {37: (0, 0.15, 0), 38: (0, 0.155, 0), "upper_lid": (0, 0.05, 0.01)},  # eyes closed
}  # fmt: skip

# Table 1, with contempt (unilateral, Ekman and Friesen 1986) and neutral: strengths by unit.
EMOTIONS: dict[str, dict[int, float]] = {
    "neutral": {},
    "happy": {6: 0.9, 12: 1.0},
    "sad": {1: 1.0, 4: 0.45, 15: 1.0},
    "surprise": {1: 1.0, 2: 1.0, 5: 1.0, 26: 0.95},
    "fear": {1: 1.1, 2: 0.4, 4: 0.65, 5: 1.1, 7: 0.3, 20: 1.3, 26: 0.3},
    "disgust": {9: 1.1, 15: 0.7, 16: 0.35},
    "anger": {4: 1.15, 5: 0.7, 7: 0.7, 23: 1.0},
    "contempt": {12: 0.6, 14: 1.0},
}


def _displacements() -> dict[int, tuple[Points, Points]]:
    """Each unit's moves of all control points (K, 3): its image-left half, its image-right half."""
    flip = SCHEMES["ibug68"].flip
    halves = {}
    for unit, moves in ACTION_UNITS.items():
        left, right = np.zeros_like(CONTROL), np.zeros_like(CONTROL)
        for name, move in moves.items():
            where = NAMED[name] if isinstance(name, str) else (name, int(flip[name]))
            if len(where) == 1 or where[0] == where[1]:  # on the middle: half from each side
                left[where[0]] = right[where[0]] = np.array(move) / 2
            else:
                left[where[0]], right[where[1]] = move, np.array(move) * (-1, 1, 1)
        halves[unit] = (left, right)
    return halves


_HALVES = _displacements()
# At rest the lips touch.
_SHUT = np.zeros_like(CONTROL)
_SHUT[[65, 66, 67], 1] = -0.045
_SHUT[[56, 57, 58], 1] = -0.02


def moved(units: Mapping[int, tuple[float, float]]) -> Points:
    """Displacement (K, 3) of the control points for units' strengths (image-left, image-right)."""
    total = np.zeros_like(CONTROL)
    for unit, (left, right) in units.items():
        total += left * _HALVES[unit][0] + right * _HALVES[unit][1]
    opening = sum(max(units.get(unit, (0, 0))) for unit in (16, 25, 26))
    result: Points = total + max(0.0, 1 - 4 * opening) * _SHUT
    return result


def emotion(
    name: str, rng: np.random.Generator, *, strength: float, asymmetry: float = 0.1
) -> dict[int, tuple[float, float]]:
    """Action units of an emotion as somebody shows it: strengths vary, sides differ a little.

    Args:
        strength: 0 is none, 1 is table 1's full expression.
        asymmetry: standard deviation of the difference between the sides, as a share.
    """
    units: dict[int, tuple[float, float]] = {}
    for unit, full in EMOTIONS[name].items():
        level = strength * full * float(np.clip(rng.normal(1, 0.2), 0.4, 1.5))
        side = float(np.clip(rng.normal(0, asymmetry), -0.5, 0.5))
        units[unit] = (level * (1 + side), level * (1 - side))
    if name == "contempt":  # on one side alone
        shown = int(rng.integers(2))
        units = {
            unit: (levels[0], 0.1 * levels[1]) if shown == 0 else (0.1 * levels[0], levels[1])
            for unit, levels in units.items()
        }
    if name == "happy" and rng.random() < 0.65:
        units[25] = (strength, strength)
    if name in ("disgust", "fear", "anger") and rng.random() < 0.4:
        units[25] = (0.7 * strength, 0.7 * strength)
    return units
