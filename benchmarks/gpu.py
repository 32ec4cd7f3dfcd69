"""What training costs on a GPU: CAD-Net of the paper preset, 224 × 224 px.

    python benchmarks/gpu.py [--steps 20]

Prints the GPU's name, then

* attention: ours against the usual formulation, forward and with gradients, and memory;
* step: images a second with one resident batch, in float32 and bfloat16, and what each change to
  that makes (order of pictures, deterministic algorithms, the compiler, larger batches);
* arithmetic: the share of a step's GPU time in convolutions and matrix products, and the share of
  the step in which the GPU was busy, by torch's profiler;
* batches: images a second that the input pipeline augments on the GPU, and training from them;
* bits: for every architecture, whether two runs of a seed end in the same weights.

Without a GPU the same runs on the CPU with small numbers, to see that it works.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from attention import Usual
from torch.profiler import ProfilerActivity, profile

from cadnet.data.batches import Batch, Batches
from cadnet.evaluation.efficiency import build
from cadnet.evaluation.timing import peak
from cadnet.models.crisscross import CrissCrossAttention
from cadnet.params import Params, load
from cadnet.provenance import PACKAGE_ROOT
from cadnet.training.device import repeatable
from cadnet.training.step import Step

GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
SIDE = 224 if GPU else 64


def synchronised(run: Callable[[], object]) -> float:
    """Seconds of a run, the device's work included."""
    if GPU:
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if GPU:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def in_turn(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, all in turn after two rounds to warm up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            seconds = synchronised(run)
            if number > 1:
                times[name].append(seconds)
    return {name: statistics.median(found) for name, found in times.items()}


def attention(rounds: int) -> None:
    print("attention: forward, forward + backward, memory; ours against the usual formulation")
    for size in ((28, 28), (5, 28, 28)):
        for channels in (64, 128, 256):
            ours = CrissCrossAttention(channels, reduced=channels // 8).to(DEVICE)
            usual = Usual(ours, len(size)).to(DEVICE)
            x = torch.randn(8, channels, *size, device=DEVICE, requires_grad=True)
            direction = torch.randn_like(x)
            torch.testing.assert_close(ours(x), usual(x), rtol=0, atol=1e-2)  # convolutions in TF32

            def forward(module: Any, x: torch.Tensor = x) -> Callable[[], object]:
                return torch.no_grad()(lambda: module(x))

            def both(
                module: Any, x: torch.Tensor = x, direction: torch.Tensor = direction
            ) -> Callable[[], object]:
                wanted = [x, *module.parameters()]
                return lambda: torch.autograd.grad(module(x), wanted, direction)

            cells = []
            for made in (forward, both):
                found = in_turn({"ours": made(ours), "usual": made(usual)}, rounds)
                a, b = found["ours"], found["usual"]
                cells.append(f"{b / a:.2f}× ({1e3 * b:.2f} → {1e3 * a:.2f} ms)")
            used = [peak(partial(m, x), DEVICE)[0] / 2**20 for m in (usual, ours)]
            cells.append(f"{used[1] / used[0]:.2f}× ({used[0]:.0f} → {used[1]:.0f} MiB)")
            print(f"  {' × '.join(map(str, x.shape)):<24}{'  '.join(cells)}", flush=True)


def random_batch(count: int, points: int = 68, classes: int = 8) -> Batch:
    labels = torch.arange(count, device=DEVICE) % classes
    images = torch.rand(count, 3, SIDE, SIDE, device=DEVICE)
    return Batch([], images, 2 * torch.rand(count, points, 2, device=DEVICE) - 1, labels)


def stepping(params: Params, batch: int, *, steps: int, mode: str = "error", **changes: Any) -> Any:
    """Some updates on a batch that stays on the device."""
    experiment = params.experiments["cadnet"]
    train = experiment.train.model_copy(update=changes)
    repeatable(0, experiment.train.threads)
    step = Step(build(experiment.model).train(), train, DEVICE)
    faces = random_batch(batch)

    def run() -> None:
        torch.set_deterministic_debug_mode(mode)
        for _ in range(steps):
            step(faces, 1.0)
        torch.set_deterministic_debug_mode("error")

    return run


def steps(params: Params, rounds: int, count: int) -> None:
    small, large = (32, 128) if GPU else (4, 8)
    variants: dict[str, tuple[int, dict[str, Any]]] = {
        "float32": (small, {"precision": "float32"}),
        "float32, channels first": (small, {"precision": "float32", "channels_last": False}),
        "float32, not deterministic": (small, {"precision": "float32", "mode": "default"}),
        f"float32, batches of {large}": (large, {"precision": "float32"}),
        "bfloat16": (small, {"precision": "bfloat16"}),
        "bfloat16, channels first": (small, {"precision": "bfloat16", "channels_last": False}),
        "bfloat16, not deterministic": (small, {"precision": "bfloat16", "mode": "default"}),
        f"bfloat16, batches of {large}": (large, {"precision": "bfloat16"}),
    }
    if GPU:
        variants["bfloat16, compiled"] = (small, {"precision": "bfloat16", "compile": True})
        variants[f"bfloat16, compiled, batches of {large}"] = (
            large,
            {"precision": "bfloat16", "compile": True},
        )
    runs = {}
    for name, (batch, changes) in variants.items():
        run = stepping(params, batch, steps=count, **changes)
        seconds = synchronised(run)
        print(f"  {name}: the first {count} steps {seconds:.1f} s", flush=True)
        runs[name] = run
    found = in_turn(runs, rounds)
    speed = {name: variants[name][0] * count / seconds for name, seconds in found.items()}
    print(f"step: images a second, CAD-Net, {SIDE} px, batches of {small}")
    for name, value in speed.items():
        base = speed["bfloat16" if "bfloat16" in name else "float32"]
        print(f"  {name:<44}{value:9.0f}   {value / base:.2f}×")
    print(f"  bfloat16 against float32: {speed['bfloat16'] / speed['float32']:.2f}×", flush=True)


def arithmetic(params: Params, count: int) -> None:
    activity = ProfilerActivity.CUDA if GPU else ProfilerActivity.CPU
    for precision in ("float32", "bfloat16"):
        run = stepping(params, 32 if GPU else 4, steps=count, precision=precision)
        run()
        with profile(activities=[activity]) as record:
            took = synchronised(run)
        times = {
            event.key: event.self_device_time_total if GPU else event.self_cpu_time_total
            for event in record.key_averages()
        }
        words = ("conv", "mm", "gemm", "cutlass", "xmma", "cudnn_inf", "dgrad", "wgrad", "fprop")
        products = sum(t for key, t in times.items() if any(w in key.lower() for w in words))
        busy = sum(times.values())
        print(
            f"arithmetic, {precision}: {products / busy:.0%} of the kernels' time; "
            f"kernels run in {busy / 1e6 / took:.0%} of the step"
        )
        for key, t in sorted(times.items(), key=lambda item: -item[1])[:8]:
            print(f"    {t / busy:5.1%}  {key[:90]}", flush=True)


def store(count: int) -> Any:
    """What Batches reads of a store, random: pixels decide no time."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (count, SIDE, SIDE, 3), dtype=np.uint8)
    landmarks = generator.uniform(0, SIDE, (count, 68, 2)).astype(np.float32)
    return SimpleNamespace(
        size=SIDE, scheme="ibug68", landmarks=landmarks, keys=np.arange(count).astype(str),
        expression=np.full(count, -1), video=np.full(count, ""),
        images=lambda rows: pixels[rows],
    )  # fmt: skip


def batches(params: Params, rounds: int) -> None:
    train = params.experiments["cadnet"].train
    made = Batches(
        store(1024 if GPU else 64), np.arange(1024 if GPU else 64), batch_size=32 if GPU else 8,
        augment=train.augment, seed=0, device=DEVICE,
    )  # fmt: skip
    epoch = iter(range(1, 10_000))

    def alone() -> None:
        for batch in made.epoch(next(epoch)):
            assert len(batch.images)

    first, again = ([batch.images.clone() for batch in made.epoch(0)] for _ in range(2))
    assert all(map(torch.equal, first, again)), "batches of one epoch differ"
    images = len(made) * made.batch_size
    seconds = in_turn({"alone": alone}, rounds)["alone"]
    print(f"batches: {images / seconds:.0f} images a second")
    for precision in ("float32", "bfloat16"):
        repeatable(0, train.threads)
        model = build(params.experiments["cadnet"].model).train()
        step = Step(model, train.model_copy(update={"precision": precision}), DEVICE)
        resident = next(iter(made.epoch(0)))
        waited: list[float] = []

        def stored(step: Step = step, waited: list[float] = waited) -> None:
            before = made.waited
            for batch in made.epoch(next(epoch)):
                step(batch, 1.0)
            waited.append(made.waited - before)

        def same(step: Step = step, resident: Batch = resident) -> None:
            for _ in range(len(made)):
                step(resident, 1.0)

        found = in_turn({"stored": stored, "resident": same}, rounds)
        share = statistics.median(waited) / found["stored"]
        print(
            f"  trained from them in {precision}: {images / found['stored']:.0f} images a second, "
            f"{found['resident'] / found['stored']:.1%} of one resident batch; waiting {share:.1%}",
            flush=True,
        )


def bits(params: Params) -> None:
    """Weights after three updates, twice."""
    same, differ = [], []
    for name, model in params.models.items():
        points = 0
        digests = []
        for _ in range(2):
            repeatable(0, 1)
            network = build(model)
            points = network.mean_shape.shape[0]
            step = Step(network.train(), params.train, DEVICE)
            torch.manual_seed(1)
            faces = random_batch(max(2, 10 // network.frames) * network.frames, points)
            for _ in range(3):
                step(faces, 1.0)
            tensors = network.state_dict().values()
            joined = b"".join(t.cpu().numpy().tobytes() for t in tensors)
            digests.append(hashlib.sha256(joined).hexdigest())
        (same if digests[0] == digests[1] else differ).append(name)
    print(f"bits: two runs of a seed agree for {len(same)} of {len(same) + len(differ)} models")
    if differ:
        print(f"  DIFFER: {', '.join(differ)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--input", action="store_true", help="batches alone")
    options = parser.parse_args()
    name = torch.cuda.get_device_name() if GPU else "no GPU: the CPU"
    print(f"{name}; torch {torch.__version__}", flush=True)
    preset = "paper" if GPU else "smoke"
    params = load(Path(PACKAGE_ROOT, "params.yaml"), {"preset": preset})
    if options.input:
        batches(params, options.rounds)
        return
    bits(load(Path(PACKAGE_ROOT, "params.yaml"), {"preset": "demo"}) if GPU else params)
    attention(options.rounds if GPU else 1)
    arithmetic(params, 5)
    batches(params, 3)
    steps(params, options.rounds, options.steps)


if __name__ == "__main__":
    main()
