"""The shapes that really pass through a model: one forward pass, with a hook on every module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cadnet.evaluation.efficiency import build
from cadnet.schema import Model

Shape = tuple[int, ...]


@dataclass
class Passed:
    """What went into a module and came out of it, the first time; and how often it was called."""

    into: Shape
    out: Shape
    calls: int = 1


def _shape(value: Any) -> Shape:
    """Of a tensor, or of the first one of several."""
    while isinstance(value, tuple):
        value = value[0]
    return tuple(value.shape) if isinstance(value, Tensor) else ()


def trace(model: Model, size: int) -> dict[str, Passed]:
    """By the modules' names, for one picture (or clip) of size × size px; and "masks"."""
    found: dict[str, Passed] = {}

    def hook(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            if name in found:
                found[name].calls += 1
            else:
                found[name] = Passed(_shape(inputs), _shape(output))

        return note

    network = build(model)
    for name, module in network.named_modules():
        module.register_forward_hook(hook(name))
    with torch.inference_mode():
        output = network(torch.zeros(network.frames, 3, size, size))
    if output.masks is not None:
        found["masks"] = Passed(_shape(output.masks.final), _shape(output.masks.final))
    return found


def reach(model: Model, shape: Shape, iterations: int) -> NDArray[np.bool_]:
    """What the centre's output depends on, by its gradient through the model's own attention.

    Args:
        shape: of the attention's input, (1, C, H, W) or (1, C, T, H, W).

    Returns:
        (T, H, W): true where a position reaches the centre within so many iterations.
    """
    torch.manual_seed(0)
    attention = build(model).get_submodule("dgb.attention").double()
    start = torch.rand(shape, dtype=torch.float64, requires_grad=True)
    x: Tensor = start
    for _ in range(iterations):
        x = attention(x)
    centre = tuple(length // 2 for length in shape[2:])
    x[0].flatten(1)[:, np.ravel_multi_index(centre, shape[2:])].sum().backward()
    assert start.grad is not None
    reached: NDArray[np.bool_] = (start.grad[0].abs().sum(dim=0) > 0).numpy()
    return reached if reached.ndim == 3 else reached[None]
