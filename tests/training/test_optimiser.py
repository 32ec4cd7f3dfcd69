"""The optimiser against torch's own, and what a job must not import for it."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from cadnet.training.optimiser import SGD


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))


def groups(model):
    decays = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    return [{"params": decays, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]


@pytest.mark.parametrize("fused", [True, False])
def test_it_is_torchs_to_the_bit_and_another_formulation_of_it_closely(fused):
    ours, theirs = network(), network()
    mine = SGD(groups(ours), lr=0.05, momentum=0.9)
    reference = torch.optim.SGD(groups(theirs), lr=0.05, momentum=0.9, fused=fused)
    x, y = torch.randn(8, 3, 8, 8), torch.randn(8, 2)
    for step in range(6):
        mine.lr = reference.param_groups[0]["lr"] = reference.param_groups[1]["lr"] = 0.05 / (
            1 + step
        )
        for model, optimiser in ((ours, mine), (theirs, reference)):
            optimiser.zero_grad()
            (model(x) - y).square().mean().backward()
            optimiser.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b) if fused else torch.allclose(a, b, rtol=1e-5, atol=1e-6)
    assert not torch.equal(ours[0].weight, network()[0].weight)


def test_a_parameter_without_a_gradient_stays_until_it_has_one():
    model = network()
    model[3].requires_grad_(False)
    before = model[3].weight.clone()
    optimiser = SGD(groups(model), lr=0.1, momentum=0.9)
    model(torch.randn(4, 3, 8, 8)).sum().backward()
    optimiser.step()
    assert torch.equal(model[3].weight, before) and model[3].weight not in optimiser.buffers
    model[3].requires_grad_(True)
    optimiser.zero_grad()
    model(torch.randn(4, 3, 8, 8)).sum().backward()
    optimiser.step()
    assert not torch.equal(model[3].weight, before)


def test_a_step_does_not_import_the_compiler():
    """It takes seconds, and a short training run not many more."""
    code = (
        "import sys, torch\n"
        "from cadnet.training.device import repeatable\n"
        "from cadnet.training.optimiser import SGD\n"
        "repeatable(0, 1)\n"
        "p = torch.nn.Parameter(torch.ones(3))\n"
        "sgd = SGD([{'params': [p], 'weight_decay': 0.1}], lr=0.1, momentum=0.9)\n"
        "(p * p).sum().backward()\n"
        "sgd.step()\n"
        "assert torch.are_deterministic_algorithms_enabled()\n"
        "print([m for m in ('torch._dynamo', 'torch._inductor') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
