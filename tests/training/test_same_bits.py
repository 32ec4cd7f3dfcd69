"""Two runs of a seed are the same bits, for every architecture of params.yaml."""

import pytest
import torch

from cadnet.data import store as module
from cadnet.params import load
from cadnet.training.engine import train
from cadnet.training.inference import predict
from tests.conftest import ROOT
from tests.training.conftest import experiment

NAMES = list(load(ROOT / "params.yaml", {"preset": "smoke"}).models)


@pytest.fixture(scope="module")
def faces(data):
    """With expressions, and as frames of videos."""
    made = module.Store(data)
    made.expression[:] = torch.arange(len(made)).numpy() % 8
    rows = made.rows(split="train")
    made.video[rows] = (torch.arange(len(rows)).numpy() // 6).astype(str)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_of_a_seed_are_the_same_bits_and_two_seeds_are_not(params, faces, name):
    chosen = experiment(params, epochs=1, batch_size=25)
    chosen = chosen.model_copy(update={"model": params.models[name]})

    def run(seed):
        model, epochs, best = train(faces, chosen, seed=seed)
        said = predict(model, faces, faces.rows(split="test"), torch.device("cpu"))
        tensors = [model.state_dict(), best]
        found = [t.numpy().tobytes() for state in tensors for t in state.values()]
        found += [values.tobytes() for values in said if values is not None]
        return found, [epoch.metrics for epoch in epochs]

    first, other = run(0), run(1)
    assert run(0) == first
    assert all(one != another for one, another in zip(first, other, strict=True))
