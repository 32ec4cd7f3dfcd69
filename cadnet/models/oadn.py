"""AODN: Sadiq, Shi 2022 (Pattern Recognition), "Attentive occlusion-adaptive deep network for
facial landmark detection"; the paper's table 3 calls it OADN.

Re-implemented from the published abstract and highlights; its equations were not at hand.

Faithful: geometry-aware module, attention module and low-rank learning module; the attention
module takes the place of ODN's distillation and consists of channel-wise attention and spatial
attention.
Assumed: channel-wise before spatial; the channel gate as in squeeze-and-excitation (Hu et al. 2018)
and the spatial gate as in CBAM (Woo et al. 2018); all that is assumed of ODN's other modules.
"""

from __future__ import annotations

from torch import Tensor, nn

from cadnet.models.attention import SpatialGate
from cadnet.models.base import Output
from cadnet.models.dropout import channel_gate
from cadnet.models.occlusion import OcclusionAdaptive
from cadnet.schema import Model


class AttentionModule(nn.Module):
    """X (B, C, H, W) → X weighted by channel, then by position."""

    def __init__(self, channels: int, *, reduction: int) -> None:
        super().__init__()
        self.channel = channel_gate(channels, reduction)
        self.spatial = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.channel(x.mean((2, 3)))[:, :, None, None]
        out: Tensor = x * self.spatial(x)
        return out


class OADN(OcclusionAdaptive):
    """Pictures (B, 3, H, W) → landmarks."""

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        assert model.oadn is not None
        super().__init__(model, model.oadn, mean_shape=mean_shape)
        self.attend = AttentionModule(self.backbone.channels, reduction=model.oadn.reduction)

    def forward(self, images: Tensor) -> Output:
        x = self.features(images)
        return Output(landmarks=self.landmarks(x, self.attend(x)))
