"""Attentive dropout block (section 3.2), after Choe et al. 2020 (attention-based dropout).

The text leaves several readings open; ``docs/decisions.md`` gives ours with its reasons.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Masks(NamedTuple):
    """The block's spatial masks, each (B, 1, H, W) in [0, 1]."""

    drop: Tensor
    """P′: 1 where the response reaches τ (in training some of these are dropped), else 0."""
    importance: Tensor
    """P_imp = σ(α(M − τ))."""
    final: Tensor
    """P″ = P′ · P_imp."""


def channel_gate(channels: int, reduction: int) -> nn.Sequential:
    """Averages over positions (B, C) → one weight in (0, 1) a channel, (B, C)."""
    hidden = max(1, channels // reduction)
    return nn.Sequential(
        nn.Linear(channels, hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, channels),
        nn.Sigmoid(),
    )


class AttentiveDropout(nn.Module):
    """X (B, C, H, W) → reliability-weighted features (B, C, H, W) and the masks.

    A channel gate (squeeze, two layers, sigmoid) weighs X. The response M is the weighted X summed
    over channels, min–max normalised to [0, 1] per picture. Pathway B is the gated X · P′,
    pathway C is X · P″ + X; their product, normalised because it is of second order in X, leaves.
    Nothing is random at inference.
    """

    def __init__(
        self, channels: int, *, threshold: float, steepness: float, drop: float, reduction: int
    ) -> None:
        super().__init__()
        self.threshold, self.steepness, self.drop = threshold, steepness, drop
        self.gate = channel_gate(channels, reduction)
        self.norm = nn.BatchNorm2d(channels)

    def masks(self, gated: Tensor) -> Masks:
        """The masks of gated features (B, C, H, W)."""
        response = gated.sum(dim=1, keepdim=True)
        low, high = response.amin((2, 3), keepdim=True), response.amax((2, 3), keepdim=True)
        response = (response - low) / (high - low).clamp_min(1e-6)
        importance = torch.sigmoid(self.steepness * (response - self.threshold))
        # Forward: the threshold's 0 or 1. Backward: the sigmoid's slope (straight-through), or
        # no penalty on P′ could ever move a weight.
        kept = (response >= self.threshold).to(importance.dtype)
        drop = kept + importance - importance.detach()
        if self.training and self.drop > 0:
            drop = drop * torch.bernoulli(torch.full_like(drop, 1 - self.drop))
        return Masks(drop, importance, drop * importance)

    def forward(self, x: Tensor) -> tuple[Tensor, Masks]:
        gated = x * self.gate(x.mean((2, 3)))[:, :, None, None]
        masks = self.masks(gated)
        pathway_b = gated * masks.drop
        pathway_c = x * masks.final + x
        return self.norm(pathway_b * pathway_c), masks
