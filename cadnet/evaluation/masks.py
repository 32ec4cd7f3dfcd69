"""Statistics of the dropout block's masks (section 7, with figure 11): pure functions of arrays.

The paper gives two averages on COFW, "sparsity" of the drop mask P′ and of the final mask P″, and
names a third, "activation coverage", without defining any of them. All are per picture, in percent.
P″ = P′ · P_imp and P_imp ≤ 1, so that by each of these definitions P″ is at least as sparse as P′.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cadnet.faces import Array

FloatArray = NDArray[np.float64]

KEPT = 0.5
"""The weight from which on a position counts as kept.

Where P_imp = σ(α(M − τ)), it is 0.5 at M = τ, where P′ jumps: without random dropping, P″ ≥ 0.5
exactly where P′ = 1.
"""


def zeros(mask: Array) -> FloatArray:
    """Share of positions that are exactly 0: (B, 1, H, W) → (B,). The sparsity of P′."""
    share: FloatArray = 100 * np.mean(mask == 0, axis=(1, 2, 3))
    return share


def suppressed(mask: Array, kept: float = KEPT) -> FloatArray:
    """Share of positions below ``kept``: (B, 1, H, W) → (B,). The sparsity of P″."""
    share: FloatArray = 100 * np.mean(mask < kept, axis=(1, 2, 3))
    return share


def withheld(mask: Array) -> FloatArray:
    """What the weights take away, 1 − mean: (B, 1, H, W) → (B,).

    Needs no threshold; of a mask of zeros and ones it is the share of zeros.
    """
    share: FloatArray = 100 * (1 - mask.mean(axis=(1, 2, 3), dtype=np.float64))
    return share


def coverage(mask: Array, boxes: Array, size: int, kept: float = KEPT) -> FloatArray:
    """Activation coverage: the share of the face's box that lies in kept cells of the mask.

    Counted by area, since a coarse mask's cells lie only partly in a box.

    Args:
        mask: (B, 1, H, W) over a crop of ``size`` × ``size`` px.
        boxes: (B, 4) x, y, width, height, px of the crop; what lies outside the crop does not
            count.

    Returns:
        (B,); NaN where the box lies outside the crop.
    """
    height, width = mask.shape[-2:]
    across = _overlap(boxes[:, 0], boxes[:, 2], size, width)
    down = _overlap(boxes[:, 1], boxes[:, 3], size, height)
    area = down[:, :, None] * across[:, None, :]
    total = area.sum(axis=(1, 2))
    covered = (area * (mask[:, 0] >= kept)).sum(axis=(1, 2))
    share: FloatArray = np.full(len(mask), np.nan)
    np.divide(100 * covered, total, out=share, where=total > 0)
    return share


def _overlap(start: Array, extent: Array, size: int, cells: int) -> FloatArray:
    """Length in px that intervals (B,) share with each of the cells of a side: (B, cells).

    Pixel centres are at integers, so that the crop's edge is at −0.5.
    """
    edges = np.arange(cells + 1) * (size / cells) - 0.5
    low = np.maximum(start[:, None], edges[:-1])
    high = np.minimum((start + extent)[:, None], edges[1:])
    length: FloatArray = np.maximum(0.0, high - low).astype(np.float64)
    return length
