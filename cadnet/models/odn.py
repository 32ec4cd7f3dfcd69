"""ODN: Zhu, Shi, Zheng, Sadiq 2019 (CVPR, pages 3486–3496), "Robust Facial Landmark Detection via
Occlusion-Adaptive Deep Networks".

Re-implemented from the published abstract; no code is public, and its equations were not at hand.

Faithful: three modules on a ResNet-18's features. The distillation module infers an occlusion
probability of each position from the features, learnt with the shape alone, and weights them by
it. The geometry-aware module relates facial components. The low-rank learning module recovers the
features that are lost, with a low rank asked for by the nuclear norm, and the shape is regressed.
Assumed: sizes of all layers; that probabilities come from two 1 × 1 convolutions and a sigmoid;
that geometric relations are a non-local block; concatenation, normalisation and pooling as in
CAD-Net; the nuclear norm's bound by factors instead of singular values, and its weight.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cadnet.models.base import Output
from cadnet.models.occlusion import OcclusionAdaptive
from cadnet.schema import Model


class Distillation(nn.Module):
    """X (B, C, H, W) → X times the probability (B, 1, H, W) that a position is not occluded."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.visible = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(inplace=True), nn.Conv2d(hidden, 1, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.visible(x))


class ODN(OcclusionAdaptive):
    """Pictures (B, 3, H, W) → landmarks."""

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        assert model.odn is not None
        super().__init__(model, model.odn, mean_shape=mean_shape)
        self.distil = Distillation(self.backbone.channels, reduction=model.odn.reduction)

    def forward(self, images: Tensor) -> Output:
        x = self.features(images)
        return Output(landmarks=self.landmarks(x, self.distil(x)))
