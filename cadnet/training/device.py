"""Where training and prediction run, how exactly they calculate, and that they repeat."""

from __future__ import annotations

import os
import resource
import sys
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils import deterministic

from cadnet.models import FaceModel
from cadnet.training import TrainingError


def choose_device(wanted: str) -> torch.device:
    """``auto`` takes a GPU where there is one.

    Raises:
        TrainingError: a GPU is asked for and absent.
    """
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise TrainingError("train.device is cuda, but torch sees no GPU here; use auto or cpu")
    return torch.device("cuda" if present and wanted != "cpu" else "cpu")


def choose_precision(
    wanted: Literal["auto", "float32", "bfloat16"], device: torch.device
) -> torch.dtype:
    """``auto`` takes bfloat16 on a GPU that calculates in it, else float32.

    On CPUs bfloat16 has to be asked for: those without instructions for it imitate it slowly.
    """
    if wanted == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def repeatable(seed: int, threads: int) -> None:
    """Makes two runs of one seed on one machine the same bits."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # As use_deterministic_algorithms(True), which would import the compiler: seconds for each job.
    torch.set_deterministic_debug_mode("error")
    # Filling every new tensor helps to find code that reads what it never wrote, and costs time.
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(seed)


def lay_out(model: FaceModel, device: torch.device) -> torch.memory_format:
    """Prepares a model for pictures with channels last; returns that format.

    On a GPU the weights change their order, too. On a CPU they stay: the format passes from layer
    to layer with the pictures, to the first stage with dilated convolutions, whose gradients are
    faster in the usual order and whose maps are small.
    """
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)
        return torch.channels_last
    for number in range(1, 5):
        stage: nn.Module = getattr(model.backbone, f"layer{number}")
        if any(isinstance(m, nn.Conv2d) and m.dilation != (1, 1) for m in stage.modules()):
            stage.register_forward_pre_hook(_usual_order)
            break
    return torch.channels_last


def _usual_order(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
    """In training alone: what a model says of a face has the same bits wherever it is asked."""
    return (inputs[0].contiguous(),) if module.training else None


def memory(device: torch.device) -> dict[str, float]:
    """Peak memory in MiB: of the process since it began, and of its GPU since the last call."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    used = {"system/peak_memory_mib": round(peak / 2**20, 1)}
    if device.type == "cuda":
        used["system/gpu_peak_memory_mib"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
        torch.cuda.reset_peak_memory_stats()
    return used


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that memory ran out, of a GPU or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
