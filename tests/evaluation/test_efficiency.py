"""Costs against published numbers and torchvision's models."""

import pytest
import torch
from torchvision.models import resnet18, resnet50

from cadnet.evaluation.efficiency import build, cost
from cadnet.schema import Model


def bare(params, **changes) -> Model:
    tree = params.experiments["resnet18"].model.model_dump()
    backbone = {"depth": 18, "width": 1.0, "output_stride": 32, "weights": "scratch", **changes}
    return Model.model_validate({**tree, "pool": 1, "backbone": backbone})


@pytest.mark.parametrize(
    ("depth", "make", "published"), [(18, resnet18, 1.814e9), (50, resnet50, 4.089e9)]
)
def test_a_plain_resnet_costs_what_torchvision_states(params, depth, make, published):
    """torchvision's documentation: GFLOPS 1.81 and 4.09 (multiply-adds) at 224 × 224."""
    found = cost(bare(params, depth=depth), 224)
    theirs = make()
    classifier = theirs.fc.in_features * 1000
    width = theirs.fc.in_features
    ours = width * 136
    assert found.multiply_adds - ours + classifier == pytest.approx(published, rel=1e-3)
    wanted = sum(p.numel() for p in theirs.parameters()) - sum(
        p.numel() for p in theirs.fc.parameters()
    )
    # Besides the backbone: the head with its bias, and the normalisation before it.
    assert found.parameters == wanted + ours + 136 + 2 * width


def test_output_stride_8_costs_five_times_stride_32(params):
    """Section 3.1's dilation: the inventory's 9.2 G multiply-adds at 224 × 224."""
    dilated = cost(bare(params, output_stride=8), 224)
    assert dilated.multiply_adds == pytest.approx(9.2e9, rel=0.01)
    assert dilated.parameters == cost(bare(params), 224).parameters


def test_every_architecture_has_a_cost_and_the_outputs_of_its_heads(params):
    for name, model in params.models.items():
        found = cost(model, params.data.size)
        assert found.parameters == sum(p.numel() for p in build(model).parameters()), name
        assert ("landmarks" in found.outputs) == model.landmarks, name
        assert found.outputs.get("expression") == ((1, model.fer.classes) if model.fer else None)


def test_a_matrix_product_is_counted_once(params):
    """Rank r: D r + r 2L multiply-adds against D 2L for the whole matrix."""
    tree = params.models["resnet18"].model_dump()
    whole = cost(Model.model_validate(tree), 32)
    low = cost(Model.model_validate({**tree, "llb": {"rank": 4}}), 32)
    backbone = build(Model.model_validate(tree)).backbone.channels
    inputs = backbone * tree["pool"] ** 2
    assert whole.multiply_adds - low.multiply_adds == inputs * 136 - 4 * (inputs + 136)
    assert torch.is_grad_enabled()


def test_the_backbones_part_is_what_a_bare_network_has_beside_its_head(params):
    """And no block of CAD-Net adds to it."""
    network = params.models["resnet18"]
    found = cost(network, 32)
    head = 136 * build(network).backbone.channels * network.pool**2
    assert found.multiply_adds - found.backbone_multiply_adds == head
    assert cost(params.models["cadnet"], 32).backbone_multiply_adds == found.backbone_multiply_adds


def test_an_iteration_of_criss_cross_attention_costs_what_its_equations_say(params):
    """C (2 C′ + C) a position for Q, K and V, and (H + W) (C′ + C) for weights and context."""
    once, thrice = (cost(params.models[f"cadnet_{r}"], 64) for r in ("once", "thrice"))
    block = params.models["cadnet"].dgb
    side = 64 // params.models["cadnet"].backbone.output_stride
    channels, reduced = block.channels, block.reduced
    a_position = channels * (2 * reduced + channels) + 2 * side * (reduced + channels)
    assert thrice.multiply_adds - once.multiply_adds == 2 * side**2 * a_position
    assert thrice.parameters == once.parameters
