"""Small untrained models, saved as the pipeline saves them."""

import json

import pytest
import torch

from cadnet.models import MODELS
from cadnet.training import checkpoint

SIZE, MARGIN = 32, 1.25


def save_model(path, params, name="cadnet", *, seed=0, scheme="ibug68", points=68, **changes):
    """A model whose head is random, so that it says something of each face."""
    torch.manual_seed(seed)
    spec = params.experiments[name].model
    model = MODELS[spec.name](spec, mean_shape=torch.rand(points, 2) - 0.5)
    with torch.no_grad():
        for parameter in model.head.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    about = {
        "model": spec.model_dump(mode="json"), "scheme": scheme, "size": SIZE, "margin": MARGIN,
        "framing": {"right": 0.0, "down": 0.0, "longer": 1.0}, "seed": seed,
    }  # fmt: skip
    checkpoint.save(
        path, model.eval(), {k: v for k, v in (about | changes).items() if v is not None}
    )
    return model


@pytest.fixture
def experiment(tmp_path, params):
    """``results/cadnet_fer`` of two seeds, with a calibration."""
    folder = tmp_path / "results" / "cadnet_fer"
    for seed in range(2):
        save_model(folder / f"seed{seed}" / "model.safetensors", params, "cadnet_fer", seed=seed)
    calibration = {"disagreement": [0.0, 0.5], "near": [1.0, 0.0]}
    about = {"calibration": calibration, "seeds": [0, 1]}
    (folder / "reliability.json").write_text(json.dumps(about))
    return folder
