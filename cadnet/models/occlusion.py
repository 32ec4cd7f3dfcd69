"""What the occlusion-adaptive networks (ODN, AODN, ADODN) have in common.

All three look at the backbone's features twice: a geometry-aware module relates facial components,
and a second module, in which they differ, gives clean features, occluded regions suppressed. A
low-rank learning module recovers what was suppressed from what the features have in common, and
regresses the shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadnet.models.attention import NonLocal
from cadnet.models.base import FaceModel
from cadnet.models.lowrank import FullHead
from cadnet.schema import Model, Occlusion


class GeometryAware(nn.Module):
    """X (B, C, H, W) → geometric relations (B, C′, H, W): each position related to all others."""

    def __init__(self, inputs: int, *, channels: int, reduced: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(
            nn.Conv2d(inputs, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.relate = NonLocal(channels, reduced=reduced)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relate(self.reduce(x))
        return out


class Recovery(nn.Module):
    """Low-rank learning: features x (B, D) → recovered features (B, D) = M x, with M = A Bᵀ.

    ‖M‖_* is the least ½(‖A‖² + ‖B‖²) over all factors of M (Srebro, Rennie, Jaakkola 2005), so that
    its penalty needs no singular values, whose gradient is not unique where two of them are equal.
    A and B are (D, R): the rank is R or less.
    """

    def __init__(self, features: int, *, rank: int, weight: float) -> None:
        super().__init__()
        self.weight = weight
        self.a = nn.Parameter(torch.randn(features, rank) / rank**0.5)
        self.b = nn.Parameter(torch.randn(features, rank) / features**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.b) @ self.a.T

    def penalty(self) -> Tensor:
        """The weighted bound on ‖M‖_*, a term of the training loss."""
        return self.weight / 2 * (self.a.square().sum() + self.b.square().sum())


class OcclusionAdaptive(FaceModel):
    """Geometry beside clean features, averaged to ``pool`` × ``pool``, recovered, regressed."""

    def __init__(self, model: Model, options: Occlusion, *, mean_shape: Tensor) -> None:
        super().__init__(model, mean_shape=mean_shape)
        inputs = self.backbone.channels
        self.geometry = GeometryAware(inputs, channels=options.channels, reduced=options.reduced)
        fused = inputs + options.channels
        # As in CAD-Net, so that one learning rate serves all.
        self.norm = nn.BatchNorm2d(fused)
        self.pool = model.pool
        features = fused * model.pool**2
        self.recover = Recovery(features, rank=options.rank, weight=options.nuclear)
        self.head = FullHead(features, mean_shape.numel())

    def landmarks(self, x: Tensor, clean: Tensor) -> Tensor:
        """Features and clean features, both (B, C, H, W) → landmarks (B, L, 2)."""
        fused = self.norm(torch.cat([self.geometry(x), clean], dim=1))
        pooled = functional.avg_pool2d(fused, fused.shape[-1] // self.pool).flatten(1)
        return self.placed(self.head(self.recover(pooled)))
