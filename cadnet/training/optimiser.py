"""Stochastic gradient descent as section 3 describes it, and its learning rate over time."""

from __future__ import annotations

import math

import torch
from torch import nn

from cadnet.models.lowrank import LowRankHead
from cadnet.models.occlusion import Recovery
from cadnet.schema import Train


def learning_rate(train: Train, epoch: float) -> float:
    """Factor on the initial learning rate at a (fractional) epoch."""
    if epoch < train.warmup_epochs:
        return (epoch + 0.01) / train.warmup_epochs
    if train.schedule == "step":
        return float(0.1 ** (epoch // train.step_epochs))
    past = (epoch - train.warmup_epochs) / max(1e-9, train.epochs - train.warmup_epochs)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, past)))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Eq. 24 as the optimiser's weight decay, on the weights that it names.

    Convolutions and fully connected layers decay; normalisation and biases do not, nor do factors
    of a low-rank matrix, which have a penalty of their own (U and V: eq. 22). The optimiser's decay
    w adds w·θ to the gradient, as the term (w / 2)‖θ‖² of the loss would: λ_wd of eq. 24 is w / 2.
    """
    factors = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, LowRankHead | Recovery)
        for parameter in module.parameters()
    }
    decays = [p for p in model.parameters() if p.ndim > 1 and id(p) not in factors]
    chosen = {id(p) for p in decays}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [
        {"params": decays, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def optimiser(model: nn.Module, train: Train) -> torch.optim.SGD:
    """The optimiser at its initial learning rate."""
    groups = parameter_groups(model, train.weight_decay)
    return torch.optim.SGD(groups, lr=train.learning_rate, momentum=train.momentum, fused=True)


def set_learning_rate(chosen: torch.optim.Optimizer, train: Train, epoch: float) -> float:
    """Sets the learning rate of a (fractional) epoch; returns it."""
    rate = train.learning_rate * learning_rate(train, epoch)
    for group in chosen.param_groups:
        group["lr"] = rate
    return rate
