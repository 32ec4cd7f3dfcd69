"""Where training and prediction run, and that they repeat."""

from __future__ import annotations

import os

import torch

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


def repeatable(seed: int, threads: int) -> None:
    """Makes two runs of one seed on one machine the same bits."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
