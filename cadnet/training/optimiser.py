"""Stochastic gradient descent as section 3 describes it, and its learning rate over time."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

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


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
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


class SGD:
    """Stochastic gradient descent with momentum: torch's function and its fused kernel.

    v ← μ v + g + w θ, θ ← θ − η v, with v = g + w θ in the first step. ``torch.optim.SGD`` does
    the same, but its constructor imports torch's compiler, which costs a job three seconds.

    Attributes:
        parameters: in the order of the groups.
        momenta: v of each parameter, None before its first step.
        rate: η.
    """

    def __init__(self, groups: list[dict[str, Any]], *, rate: float, momentum: float) -> None:
        self.rate, self.momentum = rate, momentum
        self.parameters: list[nn.Parameter] = [p for group in groups for p in group["params"]]
        self._groups: list[tuple[range, float]] = []
        for group in groups:
            start = self._groups[-1][0].stop if self._groups else 0
            places = range(start, start + len(group["params"]))
            self._groups.append((places, group["weight_decay"]))
        self.momenta: list[Tensor | None] = [None] * len(self.parameters)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Update all parameters that have a gradient."""
        for places, decay in self._groups:
            given = [i for i in places if self.parameters[i].grad is not None]
            # The fused kernel begins v for all parameters or for none.
            begun = [i for i in given if self.momenta[i] is not None]
            fresh = [i for i in given if self.momenta[i] is None]
            self._update(begun, decay)
            self._update(fresh, decay)

    def _update(self, chosen: list[int], decay: float) -> None:
        momenta = [self.momenta[i] for i in chosen]
        sgd(
            [self.parameters[i] for i in chosen],
            [cast(Tensor, self.parameters[i].grad) for i in chosen],
            momenta,
            fused=True,
            weight_decay=decay,
            momentum=self.momentum,
            lr=self.rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for i, momentum in zip(chosen, momenta, strict=True):
            self.momenta[i] = momentum


def optimiser(model: nn.Module, train: Train) -> SGD:
    """The optimiser at its initial learning rate."""
    groups = parameter_groups(model, train.weight_decay)
    return SGD(groups, rate=train.learning_rate, momentum=train.momentum)


def set_learning_rate(chosen: SGD, train: Train, epoch: float) -> float:
    """Sets the learning rate of a (fractional) epoch; returns it."""
    chosen.rate = train.learning_rate * learning_rate(train, epoch)
    return chosen.rate
