"""CAD-Net (figure 4), and the same network without any of its blocks (tables 10–12)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from cadnet.models.base import ExpressionHead, FaceModel, Output
from cadnet.models.dropout import AttentiveDropout
from cadnet.models.geometry import GeometryBlock, GeometryBlock3D
from cadnet.models.lowrank import landmark_head
from cadnet.schema import Model


class CADNet(FaceModel):
    """Pictures (B, 3, H, W), or the frames of clips in turn → landmarks, expressions, or both.

    Geometry block and dropout block look at the same features; what leaves them is concatenated,
    averaged to ``pool`` × ``pool`` and flattened: x_i of eq. 16, which all heads share. Where both
    blocks are off, the features go straight to the heads, so that rows of table 12 differ in the
    blocks alone.
    """

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        super().__init__(model, mean_shape=mean_shape)
        inputs, fused = self.backbone.channels, 0
        self.dgb: GeometryBlock | None = None
        self.adb: AttentiveDropout | None = None
        if model.dgb:
            block = GeometryBlock3D if model.dgb.frames > 1 else GeometryBlock
            self.dgb = block(inputs, **model.dgb.model_dump(exclude={"frames"}))
            self.frames = model.dgb.frames
            fused += model.dgb.channels
        if model.adb:
            self.adb = AttentiveDropout(inputs, **model.adb.model_dump())
            fused += inputs
        self.pool = model.pool
        self.norm = nn.BatchNorm2d(fused or inputs)
        features = (fused or inputs) * model.pool**2
        self.head = (
            landmark_head(features, mean_shape.numel(), model.llb) if model.landmarks else None
        )
        self.fer = ExpressionHead(features, model.fer) if model.fer else None

    def forward(self, images: Tensor) -> Output:
        x = self.features(images)
        streams, masks = [], None
        if self.dgb is not None:
            clips = x.unflatten(0, (-1, self.frames)) if self.frames > 1 else x
            streams.append(self.dgb(clips))
        if self.adb is not None:
            reliable, masks = self.adb(x)
            streams.append(reliable)
        fused = self.norm(torch.cat(streams, dim=1) if streams else x)
        # Windows of one size (params.py sees to that): adaptive pooling repeats no bits on CUDA.
        shared = functional.avg_pool2d(fused, fused.shape[-1] // self.pool).flatten(1)
        return Output(
            landmarks=None if self.head is None else self.placed(self.head(shared)),
            masks=masks,
            expression=None if self.fer is None else self.fer(shared),
        )
