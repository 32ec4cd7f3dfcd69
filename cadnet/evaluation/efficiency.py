"""What a model costs: parameters and multiply-adds, by torch's own counters (table 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from cadnet.models import MODELS, FaceModel
from cadnet.schema import Model


@dataclass(frozen=True)
class Cost:
    """Of one picture's way through a model, or of one clip's.

    Attributes:
        parameters: trainable ones.
        multiply_adds: of convolutions and matrix products; torch counts each as two operations.
        backbone_multiply_adds: the backbone's part of them.
        outputs: shapes by name, for a batch of one.
    """

    parameters: int
    multiply_adds: int
    backbone_multiply_adds: int
    outputs: dict[str, tuple[int, ...]]


def build(model: Model, points: int = 68) -> FaceModel:
    """The model with random weights, for pictures whose landmarks nobody has averaged yet."""
    return MODELS[model.name](model, mean_shape=torch.zeros(points, 2)).eval()


def multiply_adds(network: FaceModel, images: Tensor) -> dict[str, int]:
    """Of a forward pass, by module (``Global``: all of it)."""
    # With gradients: without them some modules run as one operation, which has no count.
    with FlopCounterMode(display=False) as counter:
        network(images)
    counts = counter.get_flop_counts()
    return {str(name): sum(found.values()) // 2 for name, found in counts.items()}


def cost(model: Model, size: int, points: int = 68) -> Cost:
    """The cost of a model at size × size px."""
    # On the meta device nothing is computed: shapes are enough to count.
    with torch.device("meta"):
        network = build(model, points)
        images = torch.empty(network.frames, 3, size, size)
        output = network(images)
    counted = multiply_adds(network, images)
    shapes = {
        name: tuple(value.shape)
        for name, value in output._asdict().items()
        if isinstance(value, torch.Tensor)
    }
    if output.masks is not None:
        shapes["masks"] = tuple(output.masks.final.shape)
    trainable = sum(p.numel() for p in network.parameters() if p.requires_grad)
    backbone = counted[f"{type(network).__name__}.backbone"]
    return Cost(trainable, counted["Global"], backbone, shapes)
