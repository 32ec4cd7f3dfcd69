"""Criss-cross attention in pictures and clips (section 3.1, eqs. 2–8 and 10–14).

After Huang et al. 2019 (CCNet), but with the paper's eqs. 8 and 14: the context is added without
a γ. Two formulations of the same equations: ``plain`` is a handful of batched operators, for
compilers, exporters and GPUs; ``by_sample`` is for CPUs. There memory traffic costs as much as
arithmetic, so it takes one sample at a time, which stays in the cache, and reaches rows, columns
and time as views of it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

Size = tuple[int, int, int]
"""Of a sample: frames T, rows H, columns W."""

_LARGE = 2**14
"""Floats of a sample from which ``by_sample`` is faster: in smaller ones calls cost more than
memory does (about where ``benchmarks/attention.py --sizes`` has 1)."""


class CrissCrossAttention(nn.Module):
    """Each position attends to its row, its column and, in a clip, its place in other frames.

    (B, C, H, W) → the same, over H + W − 1 positions; (B, C, T, H, W) → the same, over
    T + H + W − 2 positions, with the same weights. The centre counts once: it is reached along
    the row, and its place along the other axes is masked. A clip of one frame is a picture.

    Query, key and value are one projection (``reduced``, ``reduced`` and ``channels`` outputs).
    """

    def __init__(self, channels: int, *, reduced: int) -> None:
        super().__init__()
        self.reduced = reduced
        self.qkv = nn.Linear(channels, 2 * reduced + channels)

    def forward(self, x: Tensor) -> Tensor:
        frames, height, width = (1, *x.shape[-2:]) if x.ndim == 4 else x.shape[-3:]
        size = (frames, height, width)
        weight, bias = self.qkv.weight, self.qkv.bias
        one_by_one = (
            x.device.type == "cpu"
            and not torch.compiler.is_compiling()
            and not torch.jit.is_tracing()
            and not torch.is_autocast_enabled("cpu")
            and x.shape[1:].numel() >= _LARGE
        )
        attend = by_sample if one_by_one else plain
        return attend(x.flatten(2), weight, bias, self.reduced, size).view_as(x)


def plain(x: Tensor, weight: Tensor, bias: Tensor, reduced: int, size: Size) -> Tensor:
    """Eqs. 2–8 and 11–14 for a whole batch: x (B, C, T·H·W) → the same.

    ``weight`` (2·reduced + C, C) and ``bias`` make queries, keys and values, in this order.
    """
    positions = x.transpose(1, 2).unflatten(1, size)
    query, key, value = functional.linear(positions, weight, bias).split(
        [reduced, reduced, x.shape[1]], dim=-1
    )
    frames, height = size[:2]
    logits = [
        torch.einsum("bthwc,bthvc->bthwv", query, key),
        torch.einsum("bthwc,btgwc->bthwg", query, key) + _masked(height, x)[:, None],
    ]
    if frames > 1:
        along_time = torch.einsum("bthwc,bshwc->bthws", query, key)
        logits.append(along_time + _masked(frames, x)[:, None, None])
    weights = torch.cat(logits, dim=-1).softmax(dim=-1).split(_sections(size), dim=-1)
    context = torch.einsum("bthwv,bthvc->bthwc", weights[0], value)
    context = context + torch.einsum("bthwg,btgwc->bthwc", weights[1], value)
    if frames > 1:
        context = context + torch.einsum("bthws,bshwc->bthwc", weights[2], value)
    return context.flatten(1, 3).transpose(1, 2) + x


def by_sample(x: Tensor, weight: Tensor, bias: Tensor, reduced: int, size: Size) -> Tensor:
    """``plain``, one sample after the other. The gradient cannot be differentiated again."""
    if torch.is_grad_enabled() and any(t.requires_grad for t in (x, weight, bias)):
        out: Tensor = _Attend.apply(x, weight, bias, reduced, size)
        return out
    return _attend(x, weight, bias, reduced, size, keep=False)[0]


def _masked(length: int, like: Tensor) -> Tensor:
    """(length, length): −∞ where a position meets itself, else 0."""
    centre = torch.eye(length, dtype=torch.bool, device=like.device)
    return torch.zeros_like(centre, dtype=like.dtype).masked_fill(centre, float("-inf"))


def _sections(size: Size) -> list[int]:
    """How many weights of a position belong to its row, its column and its time."""
    frames, height, width = size
    return [width, height, frames] if frames > 1 else [width, height]


def _lines(x: Tensor, sections: list[int] | None = None) -> list[list[Tensor]]:
    """Of each sample of (B, T, H, W, E) its lines (lines, length, E): rows, columns, time.

    There is one batch of columns a frame. All are views that a batched product takes as they are,
    and making them for all samples at once is what keeps Python's share small. With ``sections``
    the last axis holds weights, and each line gets its own section of them.
    """
    frames = x.shape[1]
    parts = x.split(sections, dim=-1) if sections else [x] * (3 if frames > 1 else 2)
    rows = parts[0].flatten(1, 2).unbind()
    columns = parts[1].transpose(2, 3).flatten(0, 1).unbind()
    lines = [
        [row, *columns[index * frames : (index + 1) * frames]] for index, row in enumerate(rows)
    ]
    if frames > 1:
        for sample, along_time in zip(lines, parts[2].flatten(2, 3).transpose(1, 2), strict=True):
            sample.append(along_time)
    return lines


class _Products:
    """Products over crosses, in a buffer (T, H, W, T + H + W) that every sample reuses."""

    def __init__(self, like: Tensor, size: Size) -> None:
        sections = _sections(size)
        self.out = like.new_empty(1, *size, sum(sections))
        self.lines = _lines(self.out, sections)[0]
        # A product of lines that lie apart in memory is fastest beside them, then copied.
        self.parts = [line.new_empty(line.shape) for line in self.lines]
        self.centres = [line.diagonal(dim1=1, dim2=2) for line in self.lines[1:]]

    def __call__(self, left: list[Tensor], right: list[Tensor]) -> Tensor:
        """(T, H, W, T + H + W): left[u] · right[i] of u and the positions i on its cross."""
        for line, part, a, b in zip(self.lines, self.parts, left, right, strict=True):
            line.copy_(torch.bmm(a, b.mT, out=part))
        return self.out[0]


class _Sums:
    """Weighted sums over crosses, in a buffer (T, H, W, E) that every sample reuses."""

    def __init__(self, like: Tensor, size: Size, features: int) -> None:
        self.out = like.new_empty(1, *size, features)
        self.flat = self.out.view(-1, features)
        self.lines = _lines(self.out)[0]
        self.parts = [line.new_empty(line.shape) for line in self.lines[1:]]

    def __call__(self, weights: list[Tensor], values: list[Tensor]) -> Tensor:
        """(T·H·W, E): Σᵢ weights[u, i] values[i] over the cross of u."""
        torch.bmm(weights[0], values[0], out=self.lines[0])
        for line, part, w, v in zip(
            self.lines[1:], self.parts, weights[1:], values[1:], strict=True
        ):
            line.add_(torch.bmm(w, v, out=part))
        return self.flat


def _transposed(lines: list[Tensor]) -> list[Tensor]:
    """Weights of u on i as weights of i on u: each position receives what its cross sends."""
    return [line.mT for line in lines]


def _samples(x: Tensor, size: Size) -> tuple[Tensor, ...]:
    """(B, C, T·H·W) as views (T, H, W, C), which are faster to copy than a transposed matrix."""
    return x.unflatten(2, size).permute(0, 2, 3, 4, 1).unbind()


def _attend(
    x: Tensor, weight: Tensor, bias: Tensor, reduced: int, size: Size, *, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The output, and the projections and weights of all samples (``keep``) or of the last.

    Weights sum to 1, so Σ Aᵢ (V xᵢ + b) = V (Σ Aᵢ xᵢ) + b: the features themselves are summed and
    the value projection comes last. No values need be kept, and the product writes into ``out``.
    """
    batch, channels, count = x.shape
    sections, kept = _sections(size), batch if keep else min(batch, 1)
    out = torch.empty_like(x)
    projected = x.new_empty(kept, count, 2 * reduced)
    weights = x.new_empty(kept, *size, sum(sections))
    queries, keys = (_lines(part) for part in projected.unflatten(1, size).split(reduced, dim=-1))
    crosses = _lines(weights, sections)
    views, sample = _samples(x, size), x.new_empty(1, *size, channels)
    flat, lines = sample.view(count, channels), _lines(sample)[0]
    products, sums = _Products(x, size), _Sums(x, size, channels)
    projection, constant = weight[: 2 * reduced].t(), bias[: 2 * reduced]
    value, shift = weight[2 * reduced :], bias[2 * reduced :, None]
    for index, (old, new) in enumerate(zip(x.unbind(), out.unbind(), strict=True)):
        place = index if keep else 0
        sample[0].copy_(views[index])
        torch.addmm(constant, flat, projection, out=projected[place])
        logits = products(queries[place], keys[place])
        for centre in products.centres:
            centre.fill_(float("-inf"))
        torch.softmax(logits, dim=-1, out=weights[place])
        context = sums(crosses[place], lines)
        torch.add(old, shift, out=new)
        new.addmm_(value, context.t())
    return out, projected, weights


class _Attend(torch.autograd.Function):
    """``_attend`` with its gradient written out, so that it keeps x, Q, K and A and no copies."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, reduced: int, size: Size
    ) -> Tensor:
        out, projected, weights = _attend(x, weight, bias, reduced, size, keep=True)
        ctx.save_for_backward(x, weight, projected, weights)
        ctx.reduced, ctx.size = reduced, size
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        x, weight, projected, weights = ctx.saved_tensors
        reduced, size, channels = ctx.reduced, ctx.size, x.shape[1]
        queries, keys = (
            _lines(part) for part in projected.unflatten(1, size).split(reduced, dim=-1)
        )
        crosses = _lines(weights, _sections(size))
        sample, grad_context = x.new_empty(2, 1, *size, channels)
        flat, lines = sample.view(-1, channels), _lines(sample)[0]
        grad_flat, grad_lines = grad_context.view(-1, channels), _lines(grad_context)[0]
        products = _Products(x, size)
        sums, sums_qk = _Sums(x, size, channels), _Sums(x, size, reduced)
        to_query, to_key = slice(reduced), slice(reduced, 2 * reduced)
        value = weight[2 * reduced :]
        grad_x, grad_weight = torch.empty_like(x), torch.zeros_like(weight)
        grad_value = grad_weight[2 * reduced :]
        grad_bias = weight.new_zeros(len(weight))
        for index, view in enumerate(_samples(x, size)):
            cross, grad = crosses[index], gradient[index]
            sample[0].copy_(view)
            grad_value.addmm_(grad, sums(cross, lines))
            torch.mm(grad.t(), value, out=grad_flat)
            grad_logits = products(grad_lines, lines)
            # Through the softmax. Masked places have no weight, and so no gradient.
            grad_logits.mul_(weights[index])
            grad_logits.addcmul_(weights[index], grad_logits.sum(-1, keepdim=True), value=-1)
            grad_sample = sums(_transposed(cross), grad_lines)
            for rows, lines_w, lines_v in (
                (to_query, products.lines, keys[index]),
                (to_key, _transposed(products.lines), queries[index]),
            ):
                part = sums_qk(lines_w, lines_v)
                grad_weight[rows].addmm_(part.t(), flat)
                grad_bias[rows].add_(part.sum(0))
                grad_sample.addmm_(part, weight[rows])
            torch.add(grad, grad_sample.t(), out=grad_x[index])
        grad_bias[2 * reduced :] = gradient.sum((0, 2))
        return grad_x, grad_weight, grad_bias, None, None
