"""Deep geometry-aware block (section 3.1, eqs. 1–9): recurrent criss-cross attention.

After Huang et al. 2019 (CCNet), but with the paper's eq. 8: the context is added without a γ.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CrissCrossAttention(nn.Module):
    """Each position attends to its row and its column (eqs. 2–8).

    (B, C, H, W) → (B, C, H, W). The H + W − 1 positions hold the centre once: it is reached
    along the row, and its place in the column is masked.
    """

    def __init__(self, channels: int, *, reduced: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, reduced, 1)
        self.key = nn.Conv2d(channels, reduced, 1)
        self.value = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        query, key, value = self.query(x), self.key(x), self.value(x)
        along_row = torch.einsum("bchw,bchv->bhwv", query, key)
        along_column = torch.einsum("bchw,bcgw->bhwg", query, key)
        centre = torch.eye(height, dtype=torch.bool, device=x.device)[None, :, None, :]
        along_column = along_column.masked_fill(centre, float("-inf"))
        weights = torch.cat([along_row, along_column], dim=-1).softmax(dim=-1)
        row, column = weights.split([width, height], dim=-1)
        context = torch.einsum("bhwv,bchv->bchw", row, value)
        context = context + torch.einsum("bhwg,bcgw->bchw", column, value)
        return context + x


class GeometryBlock(nn.Module):
    """X (B, C, H, W) → geometry-aware embedding (B, C′, H, W).

    A 1 × 1 convolution reduces C to C′ (eq. 1), criss-cross attention with shared weights runs
    ``iterations`` times (eq. 9), and a 3 × 3 convolution with normalisation and activation fuses
    the result with X.
    """

    def __init__(self, inputs: int, *, channels: int, reduced: int, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        self.reduce = nn.Conv2d(inputs, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.attention = CrissCrossAttention(channels, reduced=reduced)
        self.fuse = nn.Sequential(
            nn.Conv2d(inputs + channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        context = self.norm(self.reduce(x))
        for _ in range(self.iterations):
            context = self.attention(context)
        out: Tensor = self.fuse(torch.cat([context, x], dim=1))
        return out
