"""CAD-Net (figure 4a), and the same network without any of its blocks (table 12)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadnet.models.backbone import Backbone
from cadnet.models.dropout import AttentiveDropout, Masks
from cadnet.models.geometry import GeometryBlock
from cadnet.models.lowrank import FullHead, LowRankHead
from cadnet.schema import Model


class Output(NamedTuple):
    """What the network says of a batch."""

    landmarks: Tensor
    """(B, L, 2): x, y in units of the crop, −1 at its left/upper and 1 at its right/lower edge."""
    masks: Masks | None
    """Of the attentive dropout block, where there is one."""


class CADNet(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] → landmarks.

    Geometry block and dropout block look at the same features; what leaves them is concatenated,
    averaged to ``pool`` × ``pool``, flattened and regressed. Where both blocks are off, the
    features go straight to the head, so that rows of table 12 differ in the blocks alone.

    The head predicts the displacement from ``mean_shape`` (L, 2), the training set's mean.
    """

    mean: Tensor
    std: Tensor
    mean_shape: Tensor

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1), False)
        self.register_buffer("mean_shape", mean_shape.clone())
        self.backbone = Backbone(
            depth=model.backbone.depth,
            width=model.backbone.width,
            output_stride=model.backbone.output_stride,
        )
        inputs, fused = self.backbone.channels, 0
        self.dgb: GeometryBlock | None = None
        self.adb: AttentiveDropout | None = None
        if model.dgb:
            self.dgb = GeometryBlock(inputs, **model.dgb.model_dump())
            fused += model.dgb.channels
        if model.adb:
            self.adb = AttentiveDropout(inputs, **model.adb.model_dump())
            fused += inputs
        self.pool = model.pool
        self.norm = nn.BatchNorm2d(fused or inputs)
        features = (fused or inputs) * model.pool**2
        outputs = mean_shape.numel()
        self.head: nn.Module = (
            LowRankHead(features, outputs, rank=model.llb.rank)
            if model.llb
            else FullHead(features, outputs)
        )

    def forward(self, images: Tensor) -> Output:
        x = self.backbone((images - self.mean) / self.std)
        streams, masks = [], None
        if self.dgb is not None:
            streams.append(self.dgb(x))
        if self.adb is not None:
            reliable, masks = self.adb(x)
            streams.append(reliable)
        fused = self.norm(torch.cat(streams, dim=1) if streams else x)
        # Windows of one size (params.py sees to that): adaptive pooling repeats no bits on CUDA.
        pooled = functional.avg_pool2d(fused, fused.shape[-1] // self.pool)
        displacement = self.head(pooled.flatten(1))
        return Output(self.mean_shape + displacement.view(-1, *self.mean_shape.shape), masks)
