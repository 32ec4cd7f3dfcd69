"""Transformer-style global modelling: every landmark looks at the whole feature map.

Carion et al. 2020 (ECCV), "End-to-End Object Detection with Transformers" (DETR), followed most:
an encoder over the flattened feature map with 2D sine positions, a decoder with learned queries.
For landmarks: Li et al. 2022 (CVPR), "Towards Accurate Facial Landmark Detection via Cascaded
Transformers", where each query is a landmark, so that nothing has to be matched.

Faithful: 1 × 1 projection, sine positions (DETR, appendix A.4), encoder, decoder, one query a
landmark, one head for all queries.
Assumed: positions and queries enter once, at the bottom, not in every attention; normalisation
before each block, no dropout; one stage instead of a cascade with deformable sampling.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from cadnet.models.base import FaceModel, Output
from cadnet.models.lowrank import FullHead
from cadnet.schema import Model


def sine_positions(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """Positions (height · width, channels): the first half of the channels for y, the rest for x.

    The coordinates of the cells' centres, scaled to (0, 2π), times frequencies from 1 down to about
    10⁻⁴, in sines and cosines. ``channels`` is a multiple of four.
    """
    count = channels // 4
    frequency = 10000 ** (-torch.arange(count, device=device) / count)

    def waves(size: int) -> Tensor:
        angle = (torch.arange(size, device=device) + 0.5) * (2 * torch.pi / size)
        phase = angle[:, None] * frequency
        return torch.cat([phase.sin(), phase.cos()], dim=1)

    y = waves(height)[:, None].expand(-1, width, -1)
    x = waves(width)[None].expand(height, -1, -1)
    return torch.cat([y, x], dim=2).flatten(0, 1)


class TransformerNet(FaceModel):
    """Pictures (B, 3, H, W) → landmarks: tokens (B, hw, D), queries (L, D), displacements."""

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        super().__init__(model, mean_shape=mean_shape)
        options = model.transformer
        assert options is not None
        width = options.channels
        self.project = nn.Sequential(
            nn.Conv2d(self.backbone.channels, width, 1, bias=False), nn.BatchNorm2d(width)
        )

        shared: dict[str, Any] = {
            "d_model": width,
            "nhead": options.heads,
            "dim_feedforward": options.feedforward,
            "dropout": 0.0,
            "batch_first": True,
            "norm_first": True,
        }
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**shared),
            options.encoder_layers,
            norm=nn.LayerNorm(width),
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(**shared), options.decoder_layers, norm=nn.LayerNorm(width)
        )
        self.queries = nn.Parameter(torch.randn(len(mean_shape), width))
        self.head = FullHead(width, 2)

    def forward(self, images: Tensor) -> Output:
        features = self.project(self.features(images))
        batch, channels, height, width = features.shape
        positions = sine_positions(height, width, channels, features.device).to(features.dtype)
        memory = self.encoder(features.flatten(2).mT + positions)
        found = self.decoder(self.queries.expand(batch, -1, -1), memory)
        return Output(landmarks=self.placed(self.head(found)))
