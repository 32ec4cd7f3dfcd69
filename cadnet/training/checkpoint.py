"""A trained model on disk: weights as safetensors, with all that is needed to build it again.

Nothing is unpickled.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from cadnet.integrity import verified
from cadnet.models import MODELS, FaceModel
from cadnet.models.compress import rebuild
from cadnet.provenance import atomic_path
from cadnet.schema import Model


def save(path: Path, model: FaceModel, about: dict[str, Any]) -> None:
    """Write the weights and ``about``: ``model`` (its parameters), ``scheme``, ``size``, …"""
    with atomic_path(path) as temporary:
        tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(tensors, temporary, metadata={"about": json.dumps(about, sort_keys=True)})


def load(path: Path, device: torch.device | str = "cpu") -> tuple[FaceModel, dict[str, Any]]:
    """The model, ready for inference, and what ``save`` was told about it.

    Raises:
        CorruptedError: the file is not as its job wrote it.
        ValueError: the file is cut off, is no checkpoint of ours, or fits another architecture.
    """
    verified(path)
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["about"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        parameters = Model.model_validate(about["model"])
        model = MODELS[parameters.name](parameters, mean_shape=state["mean_shape"])
        if about.get("compressed"):
            rebuild(model, state)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: is not a whole checkpoint of this version ({error}); delete it and run again"
        ) from error
    own = model.state_dict()
    if unlike := [
        name
        for name in own | state
        if name not in own or name not in state or own[name].shape != state[name].shape
    ]:
        raise ValueError(
            f"{path}: is of another architecture than {parameters.name} as its parameters or this "
            f"version have it: {len(unlike)} of {len(own | state)} tensors are missing, unknown or "
            f"of another shape, the first is {unlike[0]}; delete it and run again"
        )
    model.load_state_dict(state)
    return model.to(device).eval(), about
