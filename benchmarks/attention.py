"""Criss-cross attention against its usual formulation: time and memory, on this machine's CPU.

python benchmarks/attention.py [--pairs 9] [--sizes]

With other work on the cores two threads wait for each other: their rows then say nothing, and the
table takes minutes.

Ratios of two modules with the same weights, run in turn: the median over pairs of runs, so that a
slow moment meets both. float32, 8 pictures or clips, a reduction to C/8.

Memory is what torch's allocator holds above the input at the forward pass's highest point, with
gradients wanted: what is kept for them, the output and the temporaries of that moment, by torch's
profiler. Buffers inside the libraries below torch do not show in it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from cadnet.models.crisscross import CrissCrossAttention, plain

CHANNELS, SIDE, FRAMES, BATCH = (64, 128, 256), 28, 5, 8


class Usual(nn.Module):
    """Eqs. 2–8 and 10–14 the usual way: every axis has its own contiguous copies of Q, K and V.

    (B, C, H, W) or (B, C, T, H, W). The last axis has the centre, the others mask it.
    """

    def __init__(self, attention: CrissCrossAttention, axes: int) -> None:
        super().__init__()
        convolution = nn.Conv2d if axes == 2 else nn.Conv3d
        reduced, channels = attention.reduced, attention.qkv.in_features
        self.query = convolution(channels, reduced, 1)
        self.key = convolution(channels, reduced, 1)
        self.value = convolution(channels, channels, 1)
        sizes = [reduced, reduced, channels]
        convolutions = (self.query, self.key, self.value)
        parts = zip(attention.qkv.weight.split(sizes), attention.qkv.bias.split(sizes), strict=True)
        with torch.no_grad():
            for module, (weight, bias) in zip(convolutions, parts, strict=True):
                module.weight.copy_(weight.view_as(module.weight))
                module.bias.copy_(bias)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.query(x), self.key(x), self.value(x)
        axes = range(2, x.ndim)
        energies = []
        for axis in axes:
            energy = torch.bmm(lines(query, axis).transpose(1, 2), lines(key, axis))
            if axis < x.ndim - 1:
                centre = torch.full((x.shape[axis],), float("-inf"), device=x.device)
                energy = energy + torch.diag(centre).unsqueeze(0).repeat(len(energy), 1, 1)
            energies.append(energy.unflatten(0, others(x, axis)).movedim(-2, axis - 1))
        weights = torch.softmax(torch.cat(energies, dim=-1), dim=-1)
        contexts = []
        for axis, part in zip(axes, weights.split(list(x.shape[2:]), dim=-1), strict=True):
            part = part.movedim(axis - 1, -2).contiguous().flatten(0, -3)
            along = torch.bmm(lines(value, axis), part.transpose(1, 2))
            contexts.append(along.unflatten(0, others(x, axis)).movedim(-2, 1).movedim(-1, axis))
        return sum(contexts, x)


def lines(x: Tensor, axis: int) -> Tensor:
    """(B, E, …) → (lines along the axis, E, length), copied."""
    return x.movedim(axis, -1).movedim(1, -2).contiguous().flatten(0, -3)


def others(x: Tensor, axis: int) -> list[int]:
    """The batch and the sizes of all axes but one: what the lines along that one are."""
    return [size for a, size in enumerate(x.shape) if a not in (1, axis)]


def seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def ratio(usual: Callable[[], object], ours: Callable[[], object], pairs: int) -> tuple[float, ...]:
    """Median of the pairs' ratios, and both median times in ms."""
    for run in (usual, ours, usual, ours):
        run()
    times = [(seconds(usual), seconds(ours)) for _ in range(pairs)]
    return (
        statistics.median(a / b for a, b in times),
        *(1000 * statistics.median(column) for column in zip(*times, strict=True)),
    )


def peak(module: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """MiB above the input, at most, while the module runs forward."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        out = module(x)
    held = highest = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            highest = max(highest, held)
    assert highest >= out.nbytes
    return highest / 2**20


def compare(usual: nn.Module, ours: nn.Module, x: Tensor, pairs: int) -> str:
    """Forward without gradients, forward and backward, and memory, as a row of the table."""
    torch.testing.assert_close(ours(x), usual(x), rtol=1e-4, atol=1e-4)
    direction = torch.randn_like(x)

    def forward(module: nn.Module) -> Callable[[], object]:
        return torch.no_grad()(lambda: module(x))

    def both(module: nn.Module) -> Callable[[], object]:
        inputs = [x, *module.parameters()]
        return lambda: torch.autograd.grad(module(x), inputs, direction)

    row = ""
    for run in (forward, both):
        times, before, after = ratio(run(usual), run(ours), pairs)
        row += f" | {times:5.2f}× ({before:6.1f} → {after:6.1f} ms)"
    before, after = peak(usual, x), peak(ours, x)
    return f"{row} | {after / before:.2f}× ({before:5.1f} → {after:5.1f} MiB)"


def table(pairs: int) -> None:
    print("shape                | threads | forward, faster by | forward + backward | memory")
    for size in ((SIDE, SIDE), (FRAMES, SIDE, SIDE)):
        for channels in CHANNELS:
            ours = CrissCrossAttention(channels, reduced=channels // 8)
            usual = Usual(ours, len(size))
            x = torch.randn(BATCH, channels, *size, requires_grad=True)
            name = " × ".join(map(str, x.shape))
            for threads in (1, 2):
                torch.set_num_threads(threads)
                count = pairs if len(size) == 2 else max(3, pairs // 3)
                print(f"{name:21} | {threads}{compare(usual, ours, x, count)}", flush=True)


class Plain(CrissCrossAttention):
    """The whole batch at once, whatever the size."""

    def forward(self, x: Tensor) -> Tensor:
        out = plain(x.flatten(2), *self.qkv.parameters(), self.reduced, (1, *x.shape[2:]))
        return out.view_as(x)


def sizes(pairs: int) -> None:
    """Where one sample after the other begins to pay: maps of several sizes, one thread."""
    torch.set_num_threads(1)
    for channels in CHANNELS:
        for side in (8, 12, 16, 20, 24, 28):
            ours = CrissCrossAttention(channels, reduced=channels // 8)
            batched = Plain(channels, reduced=channels // 8)
            batched.load_state_dict(ours.state_dict())
            x = torch.randn(BATCH, channels, side, side, requires_grad=True)
            name = f"{channels} × {side} × {side} = {x[0].numel()}"
            print(f"{name:24}{compare(batched, ours, x, pairs)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--sizes", action="store_true", help="small maps against plain instead")
    options = parser.parse_args()
    torch.manual_seed(0)
    (sizes if options.sizes else table)(options.pairs)


if __name__ == "__main__":
    main()
