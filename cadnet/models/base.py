"""What all models share: pictures are normalised, a backbone looks at them, heads speak."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cadnet.models.backbone import Backbone
from cadnet.models.dropout import Masks
from cadnet.models.lowrank import FullHead
from cadnet.schema import Expressions, Model


class Output(NamedTuple):
    """What a model says of a batch. For clips, B counts frames: those of one clip in turn."""

    landmarks: Tensor | None
    """(B, L, 2): x, y in units of the crop, −1 at its left/upper and 1 at its right/lower edge."""
    masks: Masks | None = None
    """Of the attentive dropout block, where there is one."""
    expression: Tensor | None = None
    """(B, K): logits of the expressions, where the model has a head for them."""
    heatmaps: Tensor | None = None
    """(B, L, h, w), where landmarks are read off heatmaps."""


class ExpressionHead(nn.Module):
    """Fused features (B, D) → logits (B, K): dropout and one layer (sections 4.2 and 6.2.2)."""

    def __init__(self, inputs: int, model: Expressions) -> None:
        super().__init__()
        self.dropout = nn.Dropout(model.dropout)
        self.classify = FullHead(inputs, model.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.dropout(x))
        return logits


class FaceModel(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] → ``Output``.

    Landmark heads predict the displacement from ``mean_shape`` (L, 2), the training set's mean, in
    units of the crop.
    """

    mean: Tensor
    std: Tensor
    mean_shape: Tensor
    frames: int = 1
    """Of a clip: pictures come in multiples of it, the frames of a clip in turn."""

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

    def features(self, images: Tensor) -> Tensor:
        """Pictures → the backbone's features (B, C, H / stride, W / stride)."""
        features: Tensor = self.backbone((images - self.mean) / self.std)
        return features

    def placed(self, displacement: Tensor) -> Tensor:
        """Displacements (B, 2L) → landmarks (B, L, 2)."""
        return self.mean_shape + displacement.view(-1, *self.mean_shape.shape)
