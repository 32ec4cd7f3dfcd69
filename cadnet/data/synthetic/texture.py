"""What the head's surface looks like, as maps over its angle and height, made once a process.

A map holds, for every place of the surface, how much it belongs to an eye's opening, to the lips,
to a wrinkle. The regions are fixed on the surface: where an expression closes the lids, the
surface between them shrinks, and the eye's region with it.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cadnet.data.synthetic.mesh import CONTROL, NAMED, around, hairline
from cadnet.data.synthetic.paint import fixed, smooth
from cadnet.data.synthetic.shape import Points

Map = NDArray[np.float32]

_LIMIT = np.deg2rad(125.0)  # angles beyond are the back of the head
_UP, _DOWN = -1.60, 1.75
WIDTH, HEIGHT = 512, 448
_SHIFT = 4

CHANNELS = (
    *("eye", "mouth", "lips", "nostril"),
    *("brow", "lash", "shade", "beard"),
    *("fold", "forehead", "glabella", "crow"),
    *("hair", "blush", "dimple", "nose"),
)


def place(angle: Points | Map, height: Points | Map) -> Points:
    """Angle and height (N,) → map coordinates (N, 2) px."""
    return np.column_stack(
        [(angle / _LIMIT + 1) * 0.5 * (WIDTH - 1), (height - _UP) / (_DOWN - _UP) * (HEIGHT - 1)]
    )


_PLACED = place(*around(CONTROL)[:, :2].T)
_UNIT = (HEIGHT - 1) / (_DOWN - _UP)  # px a half face width


def _at(*names: int | str) -> Points:
    """Control points of the image's left half on the map; a name's left one."""
    return np.array([_PLACED[NAMED[n][0] if isinstance(n, str) else n] for n in names])


def _both(layer: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With its mirror image."""
    return np.maximum(layer, layer[:, ::-1])


def _area(points: Points) -> NDArray[np.uint8]:
    layer = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillPoly(layer, [fixed(points)], 255, cv2.LINE_AA, _SHIFT)
    return layer


def _line(points: Points, width: float, blur: float = 0.0) -> Map:
    """A line (px wide) and its mirror image, from 0 to 1."""
    layer = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.polylines(layer, [fixed(points)], False, 255, max(1, round(width)), cv2.LINE_AA, _SHIFT)
    return _soft(_both(layer), blur)


def _soft(layer: NDArray[np.uint8], blur: float) -> Map:
    soft: Map = layer.astype(np.float32) / np.float32(255)
    if blur:
        cv2.GaussianBlur(soft, (0, 0), blur, dst=soft)
    return soft


def _distance(points: Points) -> Map:
    """Distance to a line or its mirror image, in half face widths."""
    layer = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for line in (points, np.column_stack([WIDTH - 1 - points[:, 0], points[:, 1]])):
        cv2.polylines(layer, [fixed(line)], False, 0, 1, cv2.LINE_8, _SHIFT)
    distance: Map = cv2.distanceTransform(layer, cv2.DIST_L2, 5) / np.float32(_UNIT)
    return distance


def _above_hairline() -> Map:
    """How far above the hairline (positive: hair), in half face widths."""
    line = hairline(np.linspace(-_LIMIT, _LIMIT, WIDTH))
    return (line[None] - np.linspace(_UP, _DOWN, HEIGHT)[:, None]).astype(np.float32)


@lru_cache(maxsize=1)
def maps() -> Map:
    """(C / 4, HEIGHT, WIDTH, 4): the ``CHANNELS`` in order, in the fours that OpenCV takes."""
    eye = _both(_area(smooth(_PLACED[36:42])))
    mouth = _area(smooth(_PLACED[60:68]))
    lips = np.maximum(_area(smooth(_PLACED[48:60])), mouth)
    nostril = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(
        nostril,
        tuple(np.round(_PLACED[32] + (-4, -1)).astype(int).tolist()),
        (7, 5),
        -10,
        0,
        360,
        255,
        -1,
        cv2.LINE_AA,
    )
    upper = smooth(_at(36, 37, 38, 39), closed=False)
    lower = smooth(_at(36, 41, 40, 39), closed=False)
    sockets = _soft(
        _both(_area(smooth(_at(36, "outer_socket", "upper_lid", "socket", 39, 40, 41)))), 9
    )
    sides = _line(_at("bridge_side", "nose_side", "wing"), 8, 6)
    under = _line(_at("below_lip"), 1) + _line(
        np.vstack([_at("below_lip"), _at("below_lip") + (18, 0)]), 12, 7
    )
    beard = _both(
        _area(
            np.vstack(
                [
                    _at(2, 3, 4, 5, 6, 7, 8),
                    _at("under_chin"),
                    _at("philtrum"),
                    _at("above_lip", "fold", "lower_cheek", "outer_cheek"),
                ]
            )
        )
    )
    beard = np.maximum(
        beard,
        _both(
            _area(
                np.vstack(
                    [_at(1, 2, 3, 4, 5, 6, 7, 8, "under_chin", "under_jaw", "under_jaw_side")]
                )
            )
        ),
    )
    forehead = sum(
        _line(smooth(_at("forehead_side", "forehead") + (0, dy), closed=False), 2, 1.5)
        for dy in (-14, -2, 10)
    )
    crow = sum(
        _line(np.vstack([_at(36) - (5, 0), _at(36) + (-16, dy)]), 2, 1.2) for dy in (-8, 0, 8)
    )
    glabella = _line(_at(21, 21) + ((7, -10), (7, 8)), 2, 1.5)
    nose = sum(
        _line(
            np.vstack([_at(27) + (-dx, dy + 7), _at(27) + (-dx / 2, dy + 1), _at(27) + (0, dy)]),
            2,
            1.3,
        )
        for dx, dy in ((11, 0), (13, 10), (15, 20))
    )
    crease = _line(
        smooth(_at(36, "upper_lid", "socket") * 0.45 + _at(36, 37, 38) * 0.55, closed=False), 2, 1.2
    )
    layers = {
        "eye": _soft(eye, 0.7),
        "mouth": _soft(mouth, 0.7),
        "lips": _soft(lips, 1.5),
        "nostril": _soft(_both(nostril), 1.2),
        "brow": _distance(smooth(_at(17, 18, 19, 20, 21), closed=False)),
        "lash": np.minimum(_distance(upper), 0.05 + 1.6 * _distance(lower)),
        "shade": np.clip(0.7 * sockets + 0.5 * sides + 0.6 * under + 0.26 * crease, 0, 1),
        "beard": _soft(beard, 7) * (1 - _soft(lips, 1)),
        "fold": _line(
            smooth(_at("wing", "fold", 48) + ((-4, 0), (2, 0), (-10, 4)), closed=False), 3, 2.5
        ),
        "forehead": np.clip(forehead, 0, 1),
        "glabella": glabella,
        "crow": np.clip(crow, 0, 1),
        "hair": _above_hairline(),
        "blush": _soft(
            _both(_area(smooth(_at("cheekbone", "under_eye", "inner_cheek", "cheek")))), 14
        )
        + 0.6 * _soft(_area(_PLACED[[29, 31, 33, 35]]), 8),
        "dimple": _line(
            smooth(_at(48, 48, 48) + ((-9, -11), (-13, 0), (-9, 10)), closed=False), 3, 1.5
        ),
        "nose": np.clip(nose, 0, 1),
    }
    stack = np.stack([layers[name] for name in CHANNELS]).astype(np.float32)
    fours = stack.reshape(-1, 4, HEIGHT, WIDTH).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(fours)


def sample(angle: Map, height: Map) -> dict[str, Map]:
    """Each channel at the given angles and heights (N,)."""
    where = place(angle, height).astype(np.float32)[:, None]
    x, y = np.ascontiguousarray(where[..., 0]), np.ascontiguousarray(where[..., 1])
    found: dict[str, Map] = {}
    # OpenCV takes 32767 rows at most.
    pieces = [slice(start, start + 30_000) for start in range(0, len(x), 30_000)]
    for number, four in enumerate(maps()):
        values = np.concatenate(
            [
                cv2.remap(four, x[at], y[at], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                for at in pieces
            ]
        )
        for k, name in enumerate(CHANNELS[4 * number : 4 * number + 4]):
            found[name] = values[:, 0, k]
    return found
