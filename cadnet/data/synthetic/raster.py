"""Triangles to pixels: a z-buffer, compiled."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True)
def rasterise(
    seen: NDArray[np.float64],
    triangles: NDArray[np.int32],
    attributes: NDArray[np.float32],
    depth: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Draw triangles into a depth buffer (H, W) and a buffer of attributes (H, W, A).

    A pixel takes what is nearest at its centre. Both buffers go on from what they hold.

    Args:
        seen: (V, 3) px x, px y and nearness to the camera (larger is nearer).
        attributes: (V, A), interpolated over each triangle.
    """
    height, width = depth.shape
    channels = attributes.shape[1]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay = seen[a, 0], seen[a, 1]
        bx, by = seen[b, 0], seen[b, 1]
        cx, cy = seen[c, 0], seen[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 1e-12:  # turned away
            continue
        left = max(0, int(np.ceil(min(ax, bx, cx))))
        right = min(width - 1, int(np.floor(max(ax, bx, cx))))
        top = max(0, int(np.ceil(min(ay, by, cy))))
        bottom = min(height - 1, int(np.floor(max(ay, by, cy))))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                w = 1 - u - v
                if u < 0 or v < 0 or w < 0:
                    continue
                near = u * seen[a, 2] + v * seen[b, 2] + w * seen[c, 2]
                if near <= depth[y, x]:
                    continue
                depth[y, x] = near
                for k in range(channels):
                    out[y, x, k] = (
                        u * attributes[a, k] + v * attributes[b, k] + w * attributes[c, k]
                    )


@numba.njit(cache=True)
def grid_normals(
    vertices: NDArray[np.float64], start: int, rows: int, columns: int, out: NDArray[np.float32]
) -> None:
    """Normals of unit length, into ``out`` (V, 3), of the vertices that form a grid."""
    for i in range(rows):
        up, down = start + max(0, i - 1) * columns, start + min(rows - 1, i + 1) * columns
        for j in range(columns):
            here = start + i * columns
            before, after = here + max(0, j - 1), here + min(columns - 1, j + 1)
            ex, ey, ez = vertices[after] - vertices[before]
            fx, fy, fz = vertices[down + j] - vertices[up + j]
            nx, ny, nz = ey * fz - ez * fy, ez * fx - ex * fz, ex * fy - ey * fx
            length = max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-9)
            out[here + j, 0], out[here + j, 1], out[here + j, 2] = (
                nx / length,
                ny / length,
                nz / length,
            )


def hidden(
    seen: NDArray[np.float64], depth: NDArray[np.float32], slack: float
) -> NDArray[np.bool_]:
    """(N,): points (px x, px y, nearness) before which the depth buffer has something that is
    nearer by more than ``slack``."""
    height, width = depth.shape
    x = np.clip(np.round(seen[:, 0]).astype(int), 0, width - 1)
    y = np.clip(np.round(seen[:, 1]).astype(int), 0, height - 1)
    nearer: NDArray[np.bool_] = depth[y, x] > seen[:, 2] + slack
    return nearer
