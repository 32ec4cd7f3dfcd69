"""Stochastic gradient descent as section 3 describes it, and its learning rate over time."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

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
    """``torch.optim.SGD(fused=True)`` with momentum: the same kernel, to the bit.

    Torch's own imports the compiler when it is made, which costs a job more than a short training
    run does.
    """

    def __init__(self, groups: list[dict[str, Any]], *, lr: float, momentum: float) -> None:
        """``groups``: each with its ``params`` and ``weight_decay``."""
        self.groups, self.lr, self.momentum = groups, lr, momentum
        self.buffers: dict[Tensor, Tensor] = {}
        """By parameter, from its first gradient on."""

    @property
    def parameters(self) -> list[Tensor]:
        """All parameters, in a fixed order."""
        return [parameter for group in self.groups for parameter in group["params"]]

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for group in self.groups:
            learned = [parameter for parameter in group["params"] if parameter.grad is not None]
            new = [parameter for parameter in learned if parameter not in self.buffers]
            known = [parameter for parameter in learned if parameter in self.buffers]
            # The kernel sets the new ones to the gradient.
            self.buffers |= {parameter: torch.empty_like(parameter) for parameter in new}
            for chosen, first in ((new, True), (known, False)):
                self._update(chosen, group["weight_decay"], first)

    def _update(self, chosen: list[Tensor], weight_decay: float, first: bool) -> None:
        places: dict[torch.device, list[Tensor]] = {}
        for parameter in chosen:
            places.setdefault(parameter.device, []).append(parameter)
        for parameters in places.values():
            torch._fused_sgd_(
                parameters,
                [p.grad for p in parameters if p.grad is not None],
                [self.buffers[parameter] for parameter in parameters],
                weight_decay=weight_decay,
                momentum=self.momentum,
                lr=self.lr,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=first,
            )


def optimiser(model: nn.Module, train: Train) -> SGD:
    """The optimiser at its initial learning rate."""
    groups = parameter_groups(model, train.weight_decay)
    return SGD(groups, lr=train.learning_rate, momentum=train.momentum)


def set_learning_rate(chosen: SGD, train: Train, epoch: float) -> float:
    """Sets the learning rate of a (fractional) epoch; returns it."""
    chosen.lr = train.learning_rate * learning_rate(train, epoch)
    return chosen.lr
