"""Where a run stands, in one file: a job that was killed goes on from it, to the same bits.

A safetensors file with the model's tensors (``model.``), the best epoch's (``best.``), the
optimiser's (``optimiser.``), the generators' states (``generator.``), and the rest as JSON. Nothing
is unpickled.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cadnet.integrity import verified
from cadnet.provenance import atomic_path
from cadnet.training import ACCURACY, VALIDATION
from cadnet.training.optimiser import SGD


@dataclass
class Epoch:
    """What one epoch left behind; ``metrics`` repeat to the bit, the rest is the machine's."""

    number: int
    metrics: dict[str, float]
    machine: dict[str, float]


@dataclass
class Progress:
    """Where a run stands between two steps.

    Attributes:
        epoch, batch: the epoch, from 1, and how many of its batches are done.
        sums: of the loss and its terms over these batches.
        seconds, waited: spent in this epoch, and of them waiting for data.
        epochs: those that are done.
        best: the model after the best of them, on the CPU.
    """

    epoch: int = 1
    batch: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    waited: float = 0.0
    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def finish(self, epoch: Epoch, model: nn.Module) -> None:
        """An epoch is done; the model is kept if no other was better on the held-out faces."""
        self.epochs.append(epoch)
        if best_epoch(self.epochs) is epoch:
            self.best = {k: v.detach().cpu().clone() for k, v in model.state_dict().items()}
        self.epoch, self.batch, self.sums = epoch.number + 1, 0, {}
        self.seconds = self.waited = 0.0


def best_epoch(epochs: list[Epoch]) -> Epoch | None:
    """The one with the highest accuracy on the held-out faces, for models that tell expressions,
    else with the lowest error; of equals the first. None where there are no such faces."""
    best, least = None, math.inf
    for epoch in epochs:
        value = -epoch.metrics.get(ACCURACY, -epoch.metrics.get(VALIDATION, math.inf))
        if value < least:
            best, least = epoch, value
    return best


def _generators() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def save(
    path: Path,
    progress: Progress,
    model: nn.Module,
    optimiser: SGD,
    identity: str,
) -> None:
    """Write the state; ``identity`` says of which run."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best.items()}
    for index, parameter in enumerate(optimiser.parameters):
        if parameter in optimiser.buffers:
            tensors[f"optimiser.{index}"] = optimiser.buffers[parameter]
    tensors |= {f"generator.{name}": state for name, state in _generators().items()}
    told = {**vars(progress), "epochs": [asdict(epoch) for epoch in progress.epochs]}
    del told["best"]
    with atomic_path(path) as temporary:
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()},
            temporary,
            metadata={"about": json.dumps({"progress": told, "identity": identity})},
        )


def load(path: Path, model: nn.Module, optimiser: SGD, identity: str) -> Progress | None:
    """Puts a saved state back and says so; None, and why, where none can be gone on from."""
    if not path.is_file():
        return None
    try:
        verified(path)
        with safe_open(path, framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["about"])
            if about["identity"] != identity:
                print(f"{path}: is of other parameters, data or code; starting anew")
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = about["progress"]
        progress = Progress(**{**told, "epochs": [Epoch(**epoch) for epoch in told["epochs"]]})
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        print(f"{path}: is not a whole state of a run ({error}); starting anew")
        return None

    def part(prefix: str) -> dict[str, Tensor]:
        return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}

    progress.best = part("best.")
    model.load_state_dict(part("model."))
    _load_optimiser(optimiser, part("optimiser."))
    torch.set_rng_state(part("generator.")["cpu"])
    if torch.cuda.is_available() and "cuda" in part("generator."):
        torch.cuda.set_rng_state(part("generator.")["cuda"])
    print(f"goes on in epoch {progress.epoch} after {progress.batch} steps of it", flush=True)
    return progress


def _load_optimiser(optimiser: SGD, tensors: dict[str, Tensor]) -> None:
    """Each tensor gets its parameter's order in memory, which fused updates take for granted."""
    parameters = optimiser.parameters
    for index, tensor in tensors.items():
        parameter = parameters[int(index)]
        optimiser.buffers[parameter] = torch.empty_like(parameter, requires_grad=False).copy_(
            tensor
        )
