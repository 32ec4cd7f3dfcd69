"""Several processes train the model that one would."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from cadnet.training import TrainingError
from cadnet.training.distributed import Ranks
from cadnet.training.run import check_gpus
from cadnet.training.step import Step
from tests.conftest import ROOT
from tests.training.conftest import experiment
from tests.training.pair import main as alone

# Random masks; dropout, and labels for some faces; clips, whose batches count faces.
SIZES = {"cadnet": 20, "cadnet_fer": 20, "cadnet_3d": 100}


@pytest.fixture(scope="module")
def both(params, data, tmp_path_factory):
    """What two processes left, and what one leaves: two steps of each model."""
    folder, specs = tmp_path_factory.mktemp("ranks"), {}
    for name, size in SIZES.items():
        spec = experiment(params, epochs=1, batch_size=size, learning_rate=1e-3, clip_gradient=1.0)
        specs[name] = spec.model_copy(update={"model": params.models[name]}).model_dump(mode="json")
    (folder / "specs.json").write_text(json.dumps(specs))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", "-m", "tests.training.pair", str(data)]
    subprocess.run(
        [*command, str(folder / "two"), str(folder / "specs.json")],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True, timeout=240,
    )  # fmt: skip
    alone(data, folder / "one", folder / "specs.json")
    return folder / "two", folder / "one"


@pytest.mark.parametrize("name", SIZES)
def test_two_processes_train_as_one(both, name):
    two, one = (folder / name for folder in both)
    losses = [next(csv.DictReader((f / "history.csv").open())) for f in (two, one)]
    assert losses[0].keys() == losses[1].keys() >= {"loss", "loss_attention"}
    for column, value in losses[0].items():
        np.testing.assert_allclose(float(value), float(losses[1][column]), rtol=1e-4)
    tensors, expected = (load_file(folder / "model.safetensors") for folder in (two, one))
    assert tensors.keys() == expected.keys()
    for key, tensor in tensors.items():
        torch.testing.assert_close(tensor, expected[key], rtol=1e-3, atol=1e-5, msg=key)


def test_of_two_processes_one_writes(both):
    two, one = ({p.name for p in (folder / "cadnet").iterdir()} for folder in both)
    assert two == one
    kinds = [json.loads(line)["kind"] for line in (both[0] / "cadnet/journal.jsonl").open()]
    assert kinds == ["start", "epoch", "end"]


def test_what_several_processes_cannot_do_is_refused(params, store, monkeypatch):
    from cadnet.training.start import build

    chosen = experiment(params, compile=True)
    with pytest.raises(TrainingError, match="compile"):
        Step(build(store, chosen), chosen.train, torch.device("cpu"), Ranks(0, 2))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    check_gpus("cpu")
    with pytest.raises(TrainingError, match="4 processes for 2 GPUs"):
        check_gpus("auto")


def test_processes_that_stand_elsewhere_are_refused(monkeypatch):
    ours = Ranks(0, 2)
    monkeypatch.setattr(Ranks, "mean", lambda self, value: (value + 1.5) / 2)
    ours.agree(1.5, torch.device("cpu"))
    with pytest.raises(TrainingError, match="share"):
        ours.agree(2.0, torch.device("cpu"))
