"""Low-rank learning block (section 3.3, eqs. 15–16, 20–22)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadnet.schema import LLB


class FullHead(nn.Module):
    """Fused features x (B, D) → (B, O) = W √(8/D) x + b: the head where the block is off.

    Descent on a squared error of W x diverges where the learning rate exceeds about 1 / ‖x‖², which
    is 1 / D here. The low-rank head sees x through r columns of length 1: about r / D of ‖x‖². The
    factor puts the full head at the paper's r = 8, so that one learning rate serves both.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = (8 / inputs) ** 0.5

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(self.scale * x, self.weight, self.bias)


class LowRankHead(nn.Module):
    """Fused features x (B, D) → (B, O) = V Uᵀ x, with U (D, r) and V (O, r).

    The paper writes W = U Vᵀ, which is D × O, and applies it as W x: meant is its transpose. The
    product is never formed: x passes through r numbers.
    """

    def __init__(self, inputs: int, outputs: int, *, rank: int) -> None:
        super().__init__()
        self.u = nn.Parameter(torch.randn(inputs, rank) / inputs**0.5)
        self.v = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.u) @ self.v.T


def landmark_head(inputs: int, outputs: int, llb: LLB | None) -> FullHead | LowRankHead:
    """The head with the block, or without it."""
    return LowRankHead(inputs, outputs, rank=llb.rank) if llb else FullHead(inputs, outputs)
