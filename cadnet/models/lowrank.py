"""Low-rank learning block (section 3.3, eqs. 15–16, 20–22)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
