"""One update, with each of its options."""

import itertools

import numpy as np
import pytest
import torch

from cadnet.data.batches import Batches
from cadnet.training import device as module
from cadnet.training.device import choose_precision, memory, out_of_memory, repeatable
from cadnet.training.start import build
from cadnet.training.step import Step
from tests.training.conftest import experiment

CPU = torch.device("cpu")


def after(params, store, name="cadnet", steps=3, **changes):
    """The model and the losses of a few steps."""
    chosen = experiment(params, name, warmup_epochs=0, batch_size=12, **changes)
    repeatable(0, 1)
    step = Step(build(store, chosen), chosen.train, CPU)
    step.model.train()
    made = Batches(
        store, store.rows(split="train"), batch_size=12, augment=chosen.train.augment, seed=0,
        device=CPU,
    )  # fmt: skip
    batches = itertools.islice(made.epoch(1), steps)
    return step, [step(batch, 0.0)["loss"] for batch in batches]


def test_channels_last_changes_no_more_than_rounding(params, store):
    usual, losses = after(params, store, "resnet18", channels_last=False)
    last, again = after(params, store, "resnet18", channels_last=True)
    np.testing.assert_allclose(losses, again, rtol=1e-5)
    for name, tensor in usual.model.state_dict().items():
        torch.testing.assert_close(
            last.model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5, msg=name
        )


def test_channels_last_reaches_the_backbone_in_training(params, store):
    """And the dilated stages get the usual order back, in training alone."""
    step, _ = after(params, store, steps=0)
    seen = {}
    for name in ("layer1", "layer3"):
        getattr(step.model.backbone, name)[0].register_forward_pre_hook(
            lambda m, inputs, name=name: seen.update({name: inputs[0].is_contiguous()})
        )
    images = torch.rand(4, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    step.model(images)
    assert seen == {"layer1": False, "layer3": True}  # output stride 8: the third stage dilates
    step.model.eval()(images)
    assert seen == {"layer1": False, "layer3": False}


def test_bfloat16_trains_float32_weights_about_as_float32_does(params, store):
    exact, losses = after(params, store, precision="float32")
    mixed, rounded = after(params, store, precision="bfloat16")
    assert losses != rounded
    np.testing.assert_allclose(losses, rounded, rtol=0.03)
    assert all(tensor.dtype == torch.float32 for tensor in mixed.model.parameters())
    assert exact.precision == torch.float32


@pytest.mark.parametrize("name", ["cadnet_fer", "heatmap", "transformer", "cadnet_3d", "odn"])
def test_bfloat16_reaches_every_loss(params, store, name):
    chosen = experiment(params, precision="bfloat16", batch_size=10)
    chosen = chosen.model_copy(update={"model": params.models[name]})
    step = Step(build(store, chosen), chosen.train, CPU)
    made = Batches(
        store, store.rows(split="train"), batch_size=10, augment=chosen.train.augment, seed=0,
        device=CPU, frames=step.model.frames,
    )  # fmt: skip
    assert np.isfinite(list(step(next(made.epoch(1)), 0.0).values())).all()


def test_auto_takes_bfloat16_where_a_gpu_has_it(monkeypatch):
    assert choose_precision("auto", CPU) == torch.float32
    assert choose_precision("bfloat16", CPU) == torch.bfloat16
    for has, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda has=has, **_: has)
        assert choose_precision("auto", torch.device("cuda")) == wanted
    assert choose_precision("float32", torch.device("cuda")) == torch.float32


def test_a_gradient_is_clipped_to_the_norm_that_is_asked(params, store):
    free, _ = after(params, store, steps=1)
    clipped, _ = after(params, store, steps=1, clip_gradient=0.5)
    norms = [
        torch.cat([p.grad.flatten() for p in step.model.parameters()]).norm()
        for step in (free, clipped)
    ]
    assert norms[0] > 1
    torch.testing.assert_close(norms[1], torch.tensor(0.5), rtol=1e-4, atol=0)
    for one, other in zip(free.model.parameters(), clipped.model.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad * (0.5 / norms[0]), rtol=1e-3, atol=1e-7)


def test_a_compiled_model_trains_the_model_itself(params, store, monkeypatch):
    """With a backend that only records the graph: the real one takes minutes."""
    compiled, real = [], torch.compile

    def compile(model):
        compiled.append(model)
        return real(model, backend="eager")

    plain, losses = after(params, store, "resnet18", steps=2)
    assert not compiled
    monkeypatch.setattr(torch, "compile", compile)
    step, again = after(params, store, "resnet18", steps=2, compile=True)
    assert compiled == [step.model]
    np.testing.assert_allclose(losses, again, rtol=1e-5)
    assert step.model.state_dict().keys() == plain.model.state_dict().keys()


def test_memory_that_ran_out_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(caught.value)
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not out_of_memory(RuntimeError("shapes do not match"))


def test_peak_memory_is_the_process_s(monkeypatch):
    before = memory(CPU)["system/peak_memory_mib"]
    np.ones(2**25)  # 256 MiB
    assert before > 100 and memory(CPU)["system/peak_memory_mib"] >= before
    monkeypatch.setattr(module.sys, "platform", "darwin")
    assert memory(CPU)["system/peak_memory_mib"] < before / 500  # counts bytes there
