"""Training by several processes as if it were one: torchrun, a GPU a process.

    python -m torch.distributed.run --nproc-per-node 4 -m cadnet.training.run …

Each process has the same rows of every batch that it would have in one process, statistics of
batch normalisation are of the whole batch, random masks are drawn for the whole batch, and
gradients are averaged: what differs from one process is the order of sums.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.overrides import TorchFunctionMode

from cadnet.models import FaceModel
from cadnet.models.dropout import AttentiveDropout
from cadnet.training import TrainingError


@dataclass(frozen=True)
class Ranks:
    """This process among those that train one model."""

    rank: int = 0
    count: int = 1

    def mean(self, values: Tensor) -> Tensor:
        """The mean over processes of one tensor each."""
        if self.count > 1:
            values = values.clone()
            distributed.all_reduce(values)
            values /= self.count
        return values

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether it is so in any process."""
        if self.count == 1:
            return flag
        return bool(self.mean(torch.tensor(float(flag), device=device)) > 0)

    def agree(self, place: float, device: torch.device) -> None:
        """Raises ``TrainingError`` unless all processes stand at one place."""
        mine = torch.tensor(place, dtype=torch.float64, device=device)
        if self.count > 1 and float(self.mean(mine)) != place:
            raise TrainingError(
                "the processes do not see the same state of the run: --out must be a folder that "
                "all of them share"
            )


def ranks() -> Ranks:
    """What torchrun says of this process; without it there is one."""
    return Ranks(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


@contextmanager
def joined(ours: Ranks, device: torch.device) -> Iterator[None]:
    """The processes can talk to each other in this block, if they could not before."""
    if ours.count == 1 or distributed.is_initialized():
        yield
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def share(model: FaceModel, ours: Ranks, device: torch.device) -> nn.Module:
    """What to call instead of the model, so that all processes together train it.

    Changes the model's normalisation and dropout; its tensors and their names stay.
    """
    if device.type == "cuda":
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
    else:
        _share_statistics(model)
    for module in model.modules():
        if isinstance(module, AttentiveDropout | nn.Dropout):
            _share_draws(module, ours)
    # Of a 1 × 1 convolution: two ways to write one order in memory.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    return DistributedDataParallel(model, forward_sync_buffers=False, gradient_as_bucket_view=True)


class _Sum(torch.autograd.Function):
    """Sum over processes; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over all processes' pictures, which are equally many; on any device.

    For CPUs, where torch's SyncBatchNorm does not work.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        count = distributed.get_world_size() * x.numel() // x.shape[1]

        def everyones(values: Tensor) -> Tensor:
            total: Tensor = _Sum.apply(values.sum((0, 2, 3)))
            return total / count

        mean = everyones(x)
        centred = x - mean[:, None, None]
        variance = everyones(centred.square())
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale[:, None, None] + self.bias[:, None, None]


def _share_statistics(model: nn.Module) -> None:
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                shared = SharedBatchNorm2d(child.num_features, eps=child.eps)
                shared.momentum = child.momentum
                for key, value in (*child.named_parameters(), *child.named_buffers()):
                    setattr(shared, key, value)
                setattr(module, name, shared)


class _WholeDraws(TorchFunctionMode):
    """Random masks are drawn for the whole batch, and a process takes its own rows.

    All processes' generators then stand at the same place as one process's generator would.
    """

    def __init__(self, ours: Ranks) -> None:
        super().__init__()
        self.ours = ours

    def _own(self, whole: Tensor) -> Tensor:
        return whole.chunk(self.ours.count)[self.ours.rank]

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in (torch.bernoulli, functional.dropout):
            like, *rest = args
            if func is torch.bernoulli:
                return self._own(func(torch.cat([like] * self.ours.count), *rest, **(kwargs or {})))
            ones = torch.ones_like(like)
            return like * self._own(func(torch.cat([ones] * self.ours.count), *rest))
        return func(*args, **(kwargs or {}))


def _share_draws(module: nn.Module, ours: Ranks) -> None:
    mode = _WholeDraws(ours)

    def begin(module: nn.Module, inputs: Any) -> None:
        mode.__enter__()

    def end(module: nn.Module, inputs: Any, output: Any) -> None:
        mode.__exit__(None, None, None)

    module.register_forward_pre_hook(begin)
    module.register_forward_hook(end)
