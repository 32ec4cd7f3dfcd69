"""One update of a model: forward pass, loss, gradients, optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from cadnet.data.batches import Batch
from cadnet.models import FaceModel, Output
from cadnet.models.dropout import Masks
from cadnet.schema import Train
from cadnet.training import TrainingError
from cadnet.training.device import choose_precision, lay_out
from cadnet.training.distributed import Ranks, share
from cadnet.training.losses import composite
from cadnet.training.optimiser import optimiser, set_learning_rate


class Step:
    """Updates a model by a batch, as ``train`` says.

    The forward pass may be in bfloat16; the loss, the weights and their updates are in float32.
    """

    def __init__(
        self, model: FaceModel, train: Train, device: torch.device, ours: Ranks | None = None
    ) -> None:
        """Moves the model to the device.

        Raises:
            TrainingError: ``compile`` together with several processes.
        """
        self.model, self.train, self.ours = model.to(device), train, ours or Ranks()
        self.precision, self.format = choose_precision(train.precision, device), None
        if train.channels_last:
            self.format = lay_out(model, device)
        self.forward: Callable[[Tensor], Output] = model
        if self.ours.count > 1:
            if train.compile:
                raise TrainingError(
                    "train.compile is for one process; must be false under torchrun"
                )
            self.forward = share(model, self.ours, device)
        elif train.compile:
            torch.use_deterministic_algorithms(True)  # tells the compiler, too
            self.forward = torch.compile(model)
        self.optimiser = optimiser(model, train)
        self.device, self.learning_rate = device, train.learning_rate

    def __call__(self, batch: Batch, epoch: float) -> dict[str, float]:
        """The loss, its terms and the norm of its gradient by name.

        Where one is not finite the model stays as it was.

        Args:
            epoch: epochs that are done, a fraction, for the schedule.
        """
        self.learning_rate = set_learning_rate(self.optimiser, self.train, epoch)
        images = batch.images
        if self.format is not None:
            images = images.contiguous(memory_format=self.format)
        mixed = self.precision != torch.float32
        with torch.autocast(self.device.type, self.precision if mixed else None, enabled=mixed):
            output = self.forward(images)
        terms = composite(
            in_float32(output) if mixed else output, batch, self.model, self.train.loss
        )
        total = torch.stack(list(terms.values())).sum()
        self.optimiser.zero_grad()
        total.backward()
        learned = [weight for weight in self.model.parameters() if weight.grad is not None]
        norm = nn.utils.get_total_norm(weight.grad for weight in learned if weight.grad is not None)
        losses = self.ours.mean(torch.stack([total, *terms.values(), norm]).detach())
        values = losses.tolist()  # waits for the device once
        if all(map(math.isfinite, values)):
            if self.train.clip_gradient is not None:
                nn.utils.clip_grads_with_norm_(learned, self.train.clip_gradient, norm)
            self.optimiser.step()
        names = ["loss", *(f"loss_{name}" for name in terms), "gradient_norm"]
        return dict(zip(names, values, strict=True))


def in_float32(output: Output) -> Output:
    """What a model said in bfloat16, for the loss."""

    def converted(value: Tensor | Masks | None) -> Tensor | Masks | None:
        if isinstance(value, Masks):
            return Masks(*(mask.float() for mask in value))
        return None if value is None else value.float()

    return Output(*map(converted, output))  # type: ignore[arg-type]
