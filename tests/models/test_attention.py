"""Table 14's attentions against loops over positions, in float64."""

import pytest
import torch

from cadnet.models.attention import NonLocal, SpatialAttention
from cadnet.models.geometry import ATTENTION


def naive_non_local(block: NonLocal, x: torch.Tensor) -> torch.Tensor:
    batch, channels, height, width = x.shape

    def project(conv, vector):
        return conv.weight[:, :, 0, 0] @ vector + conv.bias

    out = torch.empty_like(x)
    places = [(h, w) for h in range(height) for w in range(width)]
    for b in range(batch):
        for h, w in places:
            query = project(block.query, x[b, :, h, w])
            similar = [torch.exp(query @ project(block.key, x[b, :, i, j])) for i, j in places]
            context = torch.zeros(channels, dtype=x.dtype)
            for weight, (i, j) in zip(similar, places, strict=True):
                context = context + weight / sum(similar) * project(block.value, x[b, :, i, j])
            out[b, :, h, w] = context + x[b, :, h, w]
    return out


def naive_spatial(block: SpatialAttention, x: torch.Tensor) -> torch.Tensor:
    batch, channels, height, width = x.shape
    kernel = block.gate.conv.weight[0]
    out = torch.empty_like(x)
    for b in range(batch):
        for h in range(height):
            for w in range(width):
                response = torch.zeros((), dtype=x.dtype)
                for i in range(7):
                    for j in range(7):
                        row, column = h + i - 3, w + j - 3
                        if 0 <= row < height and 0 <= column < width:
                            here = x[b, :, row, column]
                            response = response + kernel[0, i, j] * here.sum() / channels
                            response = response + kernel[1, i, j] * here.max()
                out[b, :, h, w] = x[b, :, h, w] * (1 + 1 / (1 + torch.exp(-response)))
    return out


@pytest.mark.parametrize("size", [(3, 5), (4, 2), (1, 4), (1, 1)])
@pytest.mark.parametrize(
    ("name", "naive"), [("non_local", naive_non_local), ("spatial", naive_spatial)]
)
def test_outputs_and_gradients_are_the_naive_loops(name, naive, size):
    torch.manual_seed(sum(size))
    block = ATTENTION[name](4, reduced=3).double()
    x = torch.randn(2, 4, *size, dtype=torch.float64, requires_grad=True)
    expected = naive(block, x)
    torch.testing.assert_close(block(x), expected)
    weight = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * weight).sum(), [x, *block.parameters()])
    got = torch.autograd.grad((block(x) * weight).sum(), [x, *block.parameters()])
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_non_local_is_blind_to_order_and_reaches_everything():
    torch.manual_seed(0)
    block = NonLocal(3, reduced=2).double()
    x = torch.randn(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    order = torch.randperm(20)
    shuffled = x.flatten(2)[:, :, order].view_as(x)
    torch.testing.assert_close(block(shuffled), block(x).flatten(2)[:, :, order].view_as(x))
    (gradient,) = torch.autograd.grad(block(x)[0, :, 0, 0].sum(), x)
    assert (gradient.abs().sum(1) > 0).all()


def test_spatial_attention_weighs_all_channels_of_a_position_alike():
    torch.manual_seed(0)
    x = torch.rand(2, 6, 5, 5) + 0.1
    gain = SpatialAttention(6, reduced=1)(x) / x
    torch.testing.assert_close(gain, gain[:, :1].expand_as(gain))
    assert ((gain > 1) & (gain < 2)).all()
