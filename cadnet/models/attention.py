"""The alternatives of table 14 to criss-cross attention in the geometry block.

Both are (B, C, H, W) → (B, C, H, W) and, as in eq. 8, add their context to their input, so that
rows of table 14 differ in the attention alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class NonLocal(nn.Module):
    """Each position attends to all positions.

    Wang, Girshick, Gupta, He 2018 (CVPR), "Non-local Neural Networks": the embedded Gaussian of
    eqs. 1–3, f(x_i, x_j) = exp(θ(x_i)ᵀ φ(x_j)) normalised over j, which is a softmax without a
    scale. Queries and keys have ``reduced`` channels. As in criss-cross attention, and unlike
    eq. 6, the values keep all C channels and no further convolution follows.
    """

    def __init__(self, channels: int, *, reduced: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, reduced, 1)
        self.key = nn.Conv2d(channels, reduced, 1)
        self.value = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        # (B, C, H, W) → (B, 1, HW, C): one head of positions.
        query, key, value = (
            project(x).flatten(2).mT[:, None] for project in (self.query, self.key, self.value)
        )
        context = functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return context[:, 0].mT.reshape(x.shape) + x


class SpatialGate(nn.Module):
    """(B, C, H, W) → one weight in (0, 1) a position, (B, 1, H, W).

    Woo, Park, Lee, Kweon 2018 (ECCV), "CBAM: Convolutional Block Attention Module", eq. 3: mean
    and maximum over channels, a 7 × 7 convolution, sigmoid.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        statistics = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return torch.sigmoid(self.conv(statistics))


class SpatialAttention(nn.Module):
    """Lightweight spatial attention: x · CBAM's spatial gate of x, + x.

    The paper does not name its lightweight attention; this is the most used one. The arguments are
    those of all attentions: the gate has the same 98 weights for any number of channels.
    """

    def __init__(self, channels: int, *, reduced: int) -> None:
        super().__init__()
        self.gate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x * self.gate(x) + x
        return out
