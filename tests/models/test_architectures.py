"""Every published architecture of params.yaml, as a user would run, compile and export it."""

import pytest
import torch
from torch.utils import _pytree as pytree

from cadnet.evaluation.efficiency import build
from cadnet.params import load
from tests.conftest import ROOT

MODELS = load(ROOT / "params.yaml", {"preset": "smoke"}).models
# One of each kind of network; the others differ from these in numbers.
KINDS = [
    name
    for name in MODELS
    if not any(part in name for part in ("rank", "once", "thrice", "resnet"))
] + ["resnet18", "resnet18_fer_only", "cadnet_resnet50"]


@pytest.fixture(params=KINDS)
def network(request):
    """With weights behind which every output depends on the pictures."""
    torch.manual_seed(0)
    model = build(MODELS[request.param])
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def tensors(output):
    return [leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, torch.Tensor)]


def pictures(model, count):
    torch.manual_seed(count)
    return torch.rand(count * model.frames, 3, 32, 32)


def test_a_batch_of_one_is_the_batchs_row(network):
    images = pictures(network, 3)
    with torch.inference_mode():
        together = tensors(network(images))
        alone = tensors(network(images[: network.frames]))
    assert together
    for many, one in zip(together, alone, strict=True):
        assert len(one) == network.frames
        torch.testing.assert_close(one, many[: network.frames], rtol=1e-4, atol=1e-4)


def test_half_precision_stays_near(network):
    images = pictures(network, 2)
    with torch.inference_mode():
        output = network(images)
        half = network.to(torch.bfloat16)(images.to(torch.bfloat16))
    for name, exact, rough in zip(output._fields, output, half, strict=True):
        # Of two peaks nearly as high, rounding may choose the other: the heatmaps are compared.
        read_off = name == "landmarks" and output.heatmaps is not None
        if isinstance(exact, torch.Tensor) and not read_off:
            assert rough.dtype == torch.bfloat16
            spread = float(exact.std())
            assert float((exact - rough.float()).abs().mean()) < 0.2 * spread + 0.02


def test_compiled_it_says_the_same(network):
    """AOT without a code generator: what torch.compile traces, on machines without a compiler."""
    torch.compiler.reset()  # each model is traced anew, not as a variant of the one before
    images = pictures(network, 2)
    with torch.no_grad():
        expected = tensors(network(images))
        compiled = torch.compile(network, backend="aot_eager", fullgraph=True)
        found = tensors(compiled(images))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_exported_it_says_the_same_for_any_batch(network):
    # Of clips, which are five frames each, one alone has strides of its own: it is exported alone.
    frames, least = network.frames, 2 if network.frames > 1 else 1
    batch = torch.export.Dim("batch", min=least, max=64)
    shapes = ({0: frames * batch if frames > 1 else batch},)
    with torch.no_grad():
        program = torch.export.export(network, (pictures(network, 3),), dynamic_shapes=shapes)
        for count in (least, 2, 5):
            images = pictures(network, count)
            expected, found = tensors(network(images)), tensors(program.module()(images))
            for a, b in zip(found, expected, strict=True):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cadnet", "resnet18", "cadnet_fer"])
def test_a_mirrored_face_and_its_mirrored_landmarks_cost_the_same(name):
    """The convention of every head: x → −x and paired points swapped is what a mirror does."""
    from cadnet.data.batches import to_pixels, to_units, warp
    from cadnet.faces import SCHEMES, flip_points

    flip = SCHEMES["ibug68"].flip
    torch.manual_seed(0)
    images, points = torch.rand(2, 3, 32, 32), torch.rand(2, 68, 2) * 2 - 1
    mirror = torch.tensor([[-1.0, 0, 0], [0, 1.0, 0]]).expand(2, -1, -1)
    mirrored, moved = warp(images, points, mirror, flip)
    torch.testing.assert_close(mirrored, images.flip(-1), atol=1e-5, rtol=1e-5)
    expected = flip_points(to_pixels(points, 32).numpy(), "ibug68", 32)
    torch.testing.assert_close(moved, to_units(torch.from_numpy(expected), 32))
    # A head that answers the mean shape whatever it sees: mirrored mean, mirrored answer.
    model = build(MODELS[name])
    model.mean_shape.copy_(points[0])
    answer = model(mirrored[:1]).landmarks[0]
    model.mean_shape.copy_(moved[0])
    torch.testing.assert_close(
        model(images[:1]).landmarks[0], answer[flip] * torch.tensor([-1.0, 1.0])
    )
