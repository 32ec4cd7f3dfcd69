"""torchvision's own download and hash check, against a server on this machine."""

import functools
import hashlib
import http.server
import json
import threading

import pytest
import torch
import torchvision.models

from cadnet.models import weights
from cadnet.models.backbone import Backbone
from cadnet.training.run import read_weights


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Random weights where torchvision looks for ImageNet's: their state, and a way to rename."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "server"
    folder.mkdir()
    state = torchvision.models.resnet18(weights=None).state_dict()
    torch.save(state, folder / "weights")
    right = hashlib.sha256((folder / "weights").read_bytes()).hexdigest()[:8]
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    entry = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.value

    def publish(named: str = right) -> None:
        (folder / "weights").rename(folder / f"resnet18-{named}.pth")
        address = f"http://127.0.0.1:{server.server_port}/resnet18-{named}.pth"
        monkeypatch.setattr(entry, "url", address)

    yield state, publish
    server.shutdown()
    server.server_close()


def fetched(out):
    """What the job leaves: the backbone's state or None, and what the report says of it."""
    assert weights.main(["--depth", "18", "--out", str(out)]) == 0
    assert json.loads(out.with_suffix(".json").read_text())["depth"] == 18
    return read_weights(out)


def test_weights_arrive_whole_and_fit_the_backbone(published, tmp_path):
    state, publish = published
    publish()
    got, name = fetched(tmp_path / "resnet18.safetensors")
    assert name == "ImageNet"
    assert set(got) == {key for key in state if not key.startswith("fc.")}
    for key, tensor in got.items():
        torch.testing.assert_close(tensor, state[key])
    Backbone(depth=18).load_state_dict(got)


def test_a_download_of_another_hash_is_not_used(published, tmp_path):
    published[1]("0badc0de")
    got, name = fetched(tmp_path / "resnet18.safetensors")
    assert got is None
    assert "from scratch" in name
    assert "hash" in name


def test_without_a_network_training_starts_from_scratch_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    entry = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.value
    monkeypatch.setattr(entry, "url", "http://127.0.0.1:9/resnet18-f37072fd.pth")
    got, name = fetched(tmp_path / "resnet18.safetensors")
    assert got is None
    assert name.startswith("from scratch (ImageNet weights: http://127.0.0.1:9/")
    assert "remove data/weights" in name
