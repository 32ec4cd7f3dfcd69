"""Blocks against naive loops in float64, gradients, and their properties."""

import pytest
import torch
from torch import nn

from cadnet.models.backbone import Backbone
from cadnet.models.dropout import AttentiveDropout
from cadnet.models.lowrank import FullHead, LowRankHead


def dropout(**changes):
    settings = {"threshold": 0.5, "steepness": 10.0, "drop": 0.3, "reduction": 2}
    return AttentiveDropout(8, **{**settings, **changes})


def test_masks_are_what_the_text_says():
    torch.manual_seed(0)
    block = dropout().eval()
    gated = torch.rand(3, 8, 6, 5)
    masks = block.masks(gated)
    response = gated.sum(1, keepdim=True)
    for b in range(3):
        m = (response[b] - response[b].min()) / (response[b].max() - response[b].min())
        torch.testing.assert_close(masks.drop[b], (m >= 0.5).float())
        torch.testing.assert_close(masks.importance[b], torch.sigmoid(10 * (m - 0.5)))
    torch.testing.assert_close(masks.final, masks.drop * masks.importance)
    assert 0 < masks.drop.mean() < 1


def test_inference_is_deterministic_and_training_is_not():
    torch.manual_seed(0)
    block, x = dropout(), torch.rand(2, 8, 12, 12)
    assert not torch.equal(block(x)[1].drop, block(x)[1].drop)
    block.eval()
    first, second = block(x), block(x)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1].final, second[1].final)


def test_measured_drop_ratio_is_the_parameter():
    torch.manual_seed(0)
    block, gated = dropout(drop=0.3), torch.rand(64, 8, 16, 16)
    kept_always = block.eval().masks(gated).drop
    kept_now = block.train().masks(gated).drop
    assert (kept_now <= kept_always).all()
    assert float(1 - kept_now.sum() / kept_always.sum()) == pytest.approx(0.3, abs=0.02)


def test_no_drop_probability_makes_training_masks_those_of_inference():
    block, gated = dropout(drop=0.0), torch.rand(2, 8, 4, 4)
    assert torch.equal(block.train().masks(gated).drop, block.eval().masks(gated).drop)


def test_a_penalty_on_the_thresholded_mask_reaches_the_weights():
    torch.manual_seed(0)
    block = dropout(drop=0.0)
    block(torch.rand(2, 8, 4, 4))[1].drop.sum().backward()
    gradients = [p.grad for p in block.gate.parameters()]
    assert any(g is not None and bool((g != 0).any()) for g in gradients)


def test_a_flat_response_gives_finite_masks():
    masks = dropout().eval().masks(torch.ones(1, 8, 4, 4))
    assert all(bool(torch.isfinite(mask).all()) for mask in masks)


def test_rank_never_exceeds_r_and_the_product_is_never_formed():
    torch.manual_seed(0)
    head = LowRankHead(50, 30, rank=4).double()
    nn.init.normal_(head.v)
    x = torch.randn(7, 50, dtype=torch.float64)
    full = head.u @ head.v.T
    torch.testing.assert_close(head(x), x @ full)
    assert torch.linalg.matrix_rank(full) == 4
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        head(x)
    assert counter.get_total_flops() == 2 * 7 * (50 * 4 + 4 * 30)


def test_one_step_of_descent_moves_both_heads_alike_whatever_the_width():
    """At a rate at which a plain linear head of 4096 inputs would shoot far past its target."""
    torch.manual_seed(0)

    def change(head, inputs):
        x = torch.randn(1, inputs)
        head(x).sum().backward()
        with torch.no_grad():
            for parameter in head.parameters():
                parameter -= parameter.grad
        return float(head(x).detach().mean())

    for inputs in (256, 4096):
        full = [change(FullHead(inputs, 2), inputs) for _ in range(50)]
        low = [change(LowRankHead(inputs, 2, rank=8), inputs) for _ in range(50)]
        plain = change(nn.Linear(inputs, 2), inputs)
        # 8 from the weights, 1 from the full head's bias.
        assert sum(full) / 50 == pytest.approx(-9, rel=0.1)
        assert sum(low) / 50 == pytest.approx(-8, rel=0.3)
        assert plain < -0.8 * inputs


def test_the_full_head_starts_at_zero():
    assert not FullHead(10, 4)(torch.randn(3, 10)).any()


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_backbone_is_torchvisions(stride):
    """Same weights, same features; dilation by torchvision's own rule, set on its modules."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    theirs = resnet18(weights=None).eval()
    dilation, current = 1, 8
    for layer in (theirs.layer3, theirs.layer4):
        first = dilation
        if current >= stride:
            dilation *= 2
            layer[0].conv1.stride = layer[0].downsample[0].stride = (1, 1)
        else:
            current *= 2
        convs = [layer[0].conv1, layer[0].conv2, layer[1].conv1, layer[1].conv2]
        for conv, d in zip(convs, [first, first, dilation, dilation], strict=True):
            conv.dilation = conv.padding = (d, d)
    ours = Backbone(depth=18, output_stride=stride).eval()
    state = {k: v for k, v in theirs.state_dict().items() if not k.startswith("fc.")}
    ours.load_state_dict(state)
    x = torch.randn(1, 3, 64, 64)
    y = theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x))))
    y = theirs.layer4(theirs.layer3(theirs.layer2(theirs.layer1(y))))
    torch.testing.assert_close(ours(x), y)
    assert y.shape[-1] == 64 // stride


@pytest.mark.parametrize("depth", [34, 50])
def test_deeper_backbones_load_torchvisions_weights(depth):
    import torchvision.models

    theirs = getattr(torchvision.models, f"resnet{depth}")(weights=None).eval()
    ours = Backbone(depth=depth, output_stride=32).eval()
    ours.load_state_dict({k: v for k, v in theirs.state_dict().items() if not k.startswith("fc.")})
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(
        ours(x).mean((2, 3)) @ theirs.fc.weight.T + theirs.fc.bias, theirs(x)
    )
