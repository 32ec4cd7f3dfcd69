"""Criss-cross attention against the equations, one position at a time, and its properties."""

import itertools

import pytest
import torch

from cadnet.models.crisscross import CrissCrossAttention, by_sample, plain
from cadnet.models.geometry import GeometryBlock, GeometryBlock3D

SIZES = [(3, 5), (4, 2), (1, 4), (5, 1), (1, 1)]
CLIPS = [(3, 2, 4), (2, 4, 3), (1, 3, 2), (4, 1, 1), (2, 1, 3), (2, 3, 1)]


both = pytest.mark.parametrize("formulation", [by_sample, plain])


def attention(channels: int, reduced: int) -> CrissCrossAttention:
    torch.manual_seed(channels + reduced)
    return CrissCrossAttention(channels, reduced=reduced).double()


def with_(formulation, block, x):
    """A formulation, whatever the size, on a shape (B, C, …)."""
    size = (1,) * (5 - x.ndim) + tuple(x.shape[2:])
    out = formulation(x.flatten(2), *block.qkv.parameters(), block.reduced, size)
    return out.view_as(x)


def cross(position, size):
    """Positions that share all coordinates but one with this one, and itself once."""
    return [
        other
        for other in itertools.product(*map(range, size))
        if sum(a != b for a, b in zip(position, other, strict=True)) <= 1
    ]


def naive(block, x):
    """Eqs. 2–8 and 11–14 as they are printed."""
    rows = [block.reduced, block.reduced, x.shape[1]]
    (query, key, value), biases = block.qkv.weight.split(rows), block.qkv.bias.split(rows)
    size = tuple(x.shape[2:])
    samples = []
    for sample in x:
        out = {}
        for u in itertools.product(*map(range, size)):
            around = cross(u, size)
            assert len(around) == sum(size) - len(size) + 1
            q = query @ sample[(slice(None), *u)] + biases[0]
            seen = [sample[(slice(None), *i)] for i in around]
            logits = torch.stack([(key @ s + biases[1]) @ q for s in seen])
            weights = logits.exp() / logits.exp().sum()
            context = sum(a * (value @ s + biases[2]) for a, s in zip(weights, seen, strict=True))
            out[u] = context + sample[(slice(None), *u)]
        samples.append(torch.stack(list(out.values()), dim=1).view(-1, *size))
    return torch.stack(samples)


@both
@pytest.mark.parametrize("size", SIZES + CLIPS, ids=str)
def test_values_and_gradients_are_those_of_the_equations(size, formulation):
    block = attention(4, 3)
    x = torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True)
    expected = naive(block, x)
    torch.testing.assert_close(with_(formulation, block, x), expected)
    with torch.no_grad():
        torch.testing.assert_close(with_(formulation, block, x), expected)
    factor = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * factor).sum(), [x, *block.parameters()])
    got = torch.autograd.grad(
        (with_(formulation, block, x) * factor).sum(), [x, *block.parameters()]
    )
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


@both
@pytest.mark.parametrize("size", [(1, 3, 2), (2, 3, 2)], ids=str)
def test_gradcheck(size, formulation):
    block = attention(2, 2)
    x = torch.randn(2, 2, size[0] * size[1] * size[2], dtype=torch.float64)
    inputs = [tensor.detach().requires_grad_() for tensor in (x, *block.parameters())]
    assert torch.autograd.gradcheck(lambda *tensors: formulation(*tensors, 2, size), inputs)


def test_a_frozen_block_passes_the_gradient_on_and_a_second_derivative_is_refused():
    block = attention(3, 2).requires_grad_(False)
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    expected = torch.autograd.grad(naive(block, x).square().sum(), x)[0]
    out = with_(by_sample, block, x)
    (got,) = torch.autograd.grad(out.square().sum(), x, create_graph=True)
    torch.testing.assert_close(got, expected)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        got.sum().backward()


@pytest.mark.parametrize("size", [(4, 5), (32, 33), (5, 17, 16)], ids=str)
def test_small_and_large_maps_alike(size):
    block, x = attention(16, 4), torch.randn(2, 16, *size, dtype=torch.float64)
    torch.testing.assert_close(block(x), with_(plain, block, x))


@both
@pytest.mark.parametrize("size", [(4, 5), (3, 4, 2)], ids=str)
@pytest.mark.parametrize("layout", ["channels last", "part of a larger tensor", "flipped", "equal"])
def test_layout_in_memory_changes_nothing(size, layout, formulation):
    block = attention(4, 2)
    x = torch.randn(3, 4, *size, dtype=torch.float64)
    if layout == "channels last":
        last = torch.channels_last if len(size) == 2 else torch.channels_last_3d
        strange = x.contiguous(memory_format=last)
    elif layout == "part of a larger tensor":
        strange = torch.cat([x, x], dim=1)[:, :4]
    elif layout == "flipped":
        strange = x.transpose(-1, -2).contiguous().transpose(-1, -2)
    else:
        x = x[:1].expand_as(x).contiguous()
        strange = x[:1].expand_as(x)
    results = []
    for tensor in (x, strange):
        tensor = tensor.detach().requires_grad_()
        out = with_(formulation, block, tensor)
        results.append([out, *torch.autograd.grad(out.sum(), [tensor, *block.parameters()])])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


@both
@pytest.mark.parametrize("size", [(3, 4), (3, 2, 4), (1, 3, 2)], ids=str)
def test_weights_are_a_distribution_over_exactly_the_cross(size, formulation):
    """One-hot positions and an identity for the value: the context is the attention map."""
    positions = list(itertools.product(*map(range, size)))
    count = len(positions)
    block = attention(count, 3)
    with torch.no_grad():
        block.qkv.weight[:6].normal_()
        block.qkv.weight[6:] = torch.eye(count)
        block.qkv.bias[6:] = 0
    x = torch.eye(count, dtype=torch.float64).view(1, count, *size)
    weights = (with_(formulation, block, x) - x).flatten(2)[0]  # (seen, seeing)
    torch.testing.assert_close(weights.sum(0), torch.ones(count, dtype=torch.float64))
    for column, position in enumerate(positions):
        seen = {positions[i] for i in weights[:, column].nonzero().flatten()}
        assert seen == set(cross(position, size))
        assert len(seen) == sum(size) - len(size) + 1


@both
@pytest.mark.parametrize("axis", [2, 3, 4])
def test_flipping_or_shuffling_an_axis_flips_or_shuffles_what_comes_out(axis, formulation):
    block, x = attention(4, 2), torch.randn(2, 4, 3, 4, 5, dtype=torch.float64)
    torch.testing.assert_close(
        with_(formulation, block, x.flip(axis)), with_(formulation, block, x).flip(axis)
    )
    order = torch.randperm(x.shape[axis])
    shuffled = with_(formulation, block, x.index_select(axis, order))
    torch.testing.assert_close(shuffled, with_(formulation, block, x).index_select(axis, order))


@both
def test_axes_are_alike(formulation):
    block, x = attention(4, 2), torch.randn(2, 4, 3, 4, 5, dtype=torch.float64)
    for order in itertools.permutations([2, 3, 4]):
        permuted = with_(formulation, block, x.permute(0, 1, *order))
        torch.testing.assert_close(permuted, with_(formulation, block, x).permute(0, 1, *order))


@both
def test_a_clip_of_one_frame_is_a_picture(formulation):
    block, x = attention(4, 2), torch.randn(2, 4, 3, 5, dtype=torch.float64)
    assert torch.equal(
        with_(formulation, block, x[:, :, None])[:, :, 0], with_(formulation, block, x)
    )


@both
@pytest.mark.parametrize(
    ("size", "iterations", "reach"), [((4, 5), 1, 1), ((4, 5), 2, 2), ((3, 3, 4), 2, 2)]
)
def test_every_iteration_reaches_along_one_more_axis(size, iterations, reach, formulation):
    """In a picture two iterations reach everything, in a clip all that shares a coordinate."""
    block = attention(3, 2)
    x = torch.randn(1, 3, *size, dtype=torch.float64, requires_grad=True)
    out = x
    for _ in range(iterations):
        out = with_(formulation, block, out)
    for u in itertools.product(*map(range, size)):
        pick = out[(0, slice(None), *u)].sum()
        (gradient,) = torch.autograd.grad(pick, x, retain_graph=True)
        for i in itertools.product(*map(range, size)):
            away = sum(a != b for a, b in zip(u, i, strict=True))
            assert bool(gradient[(0, slice(None), *i)].any()) is (away <= reach)


@pytest.mark.parametrize("size", [(32, 33), (4, 16, 17)], ids=str)
def test_exported_and_compiled_it_computes_the_same(size):
    block = attention(16, 2).eval()
    x = torch.randn(3, 16, *size, dtype=torch.float64)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(block, (x,), dynamic_shapes=({0: batch},))
    torch.testing.assert_close(exported.module()(x[:2]), block(x[:2]))
    compiled = torch.compile(block, backend="aot_eager", fullgraph=True)
    weight = torch.randn_like(x)
    wanted = torch.autograd.grad((block(x) * weight).sum(), [*block.parameters()])
    got = torch.autograd.grad((compiled(x) * weight).sum(), [*block.parameters()])
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


@both
@pytest.mark.parametrize("size", [(6, 5), (2, 6, 5)], ids=str)
def test_bfloat16_is_close(size, formulation):
    block = CrissCrossAttention(8, reduced=2)
    x = torch.randn(2, 8, *size)
    expected = with_(formulation, block, x)
    half = with_(formulation, block.bfloat16(), x.bfloat16())
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), expected, atol=0.05, rtol=0.05)


@pytest.mark.parametrize("size", [(6, 5), (32, 33)], ids=str)
def test_under_autocast_it_is_close(size):
    block, x = CrissCrossAttention(16, reduced=4), torch.randn(2, 16, *size)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = block(x)
    torch.testing.assert_close(half.float(), block(x), atol=0.05, rtol=0.05)


def test_same_bits_on_repeated_runs():
    block, x = CrissCrossAttention(48, reduced=6), torch.randn(3, 48, 2, 14, 13)
    runs = []
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(3):
            out = block(x)
            runs.append([out, *torch.autograd.grad(out.square().sum(), [*block.parameters()])])
    finally:
        torch.use_deterministic_algorithms(before)
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


def test_what_is_kept_for_the_gradient_is_input_queries_keys_and_weights():
    block, x = CrissCrossAttention(80, reduced=4), torch.randn(2, 80, 3, 8, 9, requires_grad=True)
    kept: dict[int, int] = {}

    def count(tensor):
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        block(x)
    positions = 2 * 3 * 8 * 9
    floats = positions * (80 + 2 * 4 + 3 + 8 + 9) + block.qkv.weight.numel()
    assert sum(kept.values()) <= 4 * floats


def test_the_block_shares_its_attention_over_iterations():
    one = GeometryBlock(8, channels=4, reduced=2, iterations=1)
    three = GeometryBlock(8, channels=4, reduced=2, iterations=3)
    assert sum(p.numel() for p in one.parameters()) == sum(p.numel() for p in three.parameters())
    three.load_state_dict(one.state_dict())
    x = torch.randn(2, 8, 4, 4)
    assert three(x).shape == (2, 4, 4, 4)
    assert not torch.allclose(one.eval()(x), three.eval()(x))


def test_the_block_of_clips_continues_the_block_of_pictures():
    torch.manual_seed(0)
    pictures = GeometryBlock(8, channels=4, reduced=2, iterations=2).eval()
    clips = GeometryBlock3D(8, channels=4, reduced=2, iterations=2).eval()
    clips.load_state_dict(pictures.state_dict())
    x = torch.randn(2, 5, 8, 6, 4)
    torch.testing.assert_close(clips(x[:, :1]), pictures(x[:, 0]))
    out = clips(x)
    assert out.shape == (10, 4, 6, 4)
    torch.testing.assert_close(clips(x[1:]), out[5:])
    # Frames see each other: those of a standing picture agree, and one frame changes them all.
    still = clips(x[:1, :1].expand(1, 5, -1, -1, -1))
    torch.testing.assert_close(still, still[:1].expand_as(still))
    changed = x.clone()
    changed[0, 2] += torch.randn(8, 6, 4)
    assert ((clips(changed) - out).flatten(1).abs().amax(1) > 0).tolist() == [True] * 5 + [
        False
    ] * 5
