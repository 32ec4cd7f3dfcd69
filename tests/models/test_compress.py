"""Smaller models: the algebra of a factorised convolution, shapes, and the way back from a file."""

import pytest
import torch
from torch import nn

from cadnet.evaluation.efficiency import build, multiply_adds
from cadnet.models.compress import compress, factorised
from cadnet.schema import Compress
from cadnet.training import checkpoint

HALF = Compress(method="channels", keep=0.5)
LOW = Compress(method="rank", keep=0.25)


def convolution(bias=True):
    torch.manual_seed(3)
    return nn.Conv2d(12, 16, 3, stride=2, padding=2, dilation=2, bias=bias)


def changed(params, name):
    """A model whose norms and statistics are not the ones that it starts with."""
    torch.manual_seed(5)
    model = build(params.models[name])
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(0.05 * torch.rand_like(tensor))
    return model


@pytest.mark.parametrize("bias", [True, False])
def test_of_full_rank_nothing_is_lost(bias):
    whole, x = convolution(bias), torch.randn(2, 12, 11, 13)
    torch.testing.assert_close(factorised(whole, 1.0)(x), whole(x), atol=1e-5, rtol=1e-4)


def test_of_lower_rank_nothing_is_nearer():
    """What is lost is the discarded singular values (Eckart, Young and Mirsky)."""
    whole = convolution()
    first, second = factorised(whole, 0.25)
    product = torch.einsum("or,rikl->oikl", second.weight[:, :, 0, 0], first.weight)
    values = torch.linalg.svdvals(whole.weight.flatten(1))
    lost = (whole.weight - product).norm()
    torch.testing.assert_close(lost, values[4:].norm(), atol=1e-5, rtol=1e-4)
    assert first.weight.shape == (4, 12, 3, 3) and second.weight.shape == (16, 4, 1, 1)


@pytest.mark.parametrize("how", [HALF, LOW], ids=["channels", "rank"])
@pytest.mark.parametrize("name", ["cadnet", "resnet18", "resnet50", "transformer", "cadnet_3d"])
def test_smaller_models_say_the_same_kind_of_thing(params, how, name):
    size = params.data.size
    whole, small = build(params.models[name]), build(params.models[name])
    compress(small, how, size)
    pictures = torch.rand(small.frames, 3, size, size)
    assert small(pictures).landmarks.shape == whole(pictures).landmarks.shape

    def parameters(model):
        return sum(p.numel() for p in model.backbone.parameters())

    assert parameters(small) < 0.75 * parameters(whole)
    counts = [multiply_adds(model, pictures)["Global"] for model in (small, whole)]
    assert counts[0] < 0.8 * counts[1]


def test_half_the_channels_is_half_of_each_but_the_last_stage(params):
    whole, small = build(params.models["resnet18"]), build(params.models["resnet18"])
    compress(small, HALF, params.data.size)
    convolutions = [(n, m) for n, m in whole.backbone.named_modules() if isinstance(m, nn.Conv2d)]
    for name, layer in convolutions:
        found = small.backbone.get_submodule(name)
        leaves = name in ("layer4.0.conv2", "layer4.0.downsample.0", "layer4.1.conv2")
        assert found.out_channels == layer.out_channels // (1 if leaves else 2), name
    assert small.backbone.channels == whole.backbone.channels


def test_the_filters_of_least_weight_go(params):
    """Every second filter of a layer is of zeros, and what reads it: just these go."""
    model = build(params.models["resnet18"])
    block = model.backbone.layer4[1]
    with torch.no_grad():
        block.conv1.weight[::2], block.conv2.weight[:, ::2] = 0, 0
    compress(model, HALF, params.data.size)
    assert (block.conv1.weight.flatten(1).norm(dim=1) > 0).all()


@pytest.mark.parametrize("how", [HALF, LOW], ids=["channels", "rank"])
@pytest.mark.parametrize("name", ["cadnet", "resnet50"])
def test_a_checkpoint_brings_a_smaller_model_back(params, tmp_path, how, name):
    size = params.data.size
    model = changed(params, name)
    compress(model, how, size)
    about = {"model": params.models[name].model_dump(mode="json"), "compressed": how.model_dump()}
    checkpoint.save(tmp_path / "m.safetensors", model.eval(), about)
    loaded, _ = checkpoint.load(tmp_path / "m.safetensors")
    pictures = torch.rand(2, 3, size, size)
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded(pictures).landmarks, model(pictures).landmarks, atol=0, rtol=0
        )


def test_a_smaller_model_is_no_other_architecture(params, tmp_path):
    model = build(params.models["resnet18"])
    compress(model, HALF, params.data.size)
    about = {"model": params.models["resnet18"].model_dump(mode="json")}
    checkpoint.save(tmp_path / "m.safetensors", model, about)
    with pytest.raises(ValueError, match="another architecture"):
        checkpoint.load(tmp_path / "m.safetensors")
