"""What training costs beside its arithmetic, and what the arithmetic costs.

    python benchmarks/training.py [--faces 600] [--rounds 7]

On built-in faces, with the demo preset (64 px, a quarter of the width). At 224 px on a CPU the
network stays that small, which is harder on the input pipeline. Ratios are medians over rounds in
which both sides run in turn, so that a slow moment meets both.

* input: batches from the store, against a DataLoader with two workers that decodes each picture
  with Pillow and augments it with torchvision's v2 transforms, key points included. Pictures are
  two and a half times as wide as the crop; photographs of 300W are wider;
* waiting: the share of training time in which no batch was ready;
* resident: training from the store, against the same step fed with one batch that stays;
* options: precision, channels last, deterministic algorithms;
* memory: of the process after each epoch, and what an opened store holds per image.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from cadnet.data.align import align, crop_region, to_crop
from cadnet.data.batches import Batch, Batches
from cadnet.data.sources import source
from cadnet.data.store import Store
from cadnet.data.synthetic.write import write_300w
from cadnet.faces import Face
from cadnet.params import Params, load
from cadnet.provenance import PACKAGE_ROOT
from cadnet.schema import Augment, Train
from cadnet.training.device import choose_device, repeatable
from cadnet.training.start import build
from cadnet.training.step import Step

MARGIN, BATCH = 1.25, 32


def faces(root: Path, count: int, side: int) -> dict[str, int]:
    """Built-in faces as 300W's files; pictures of ``side`` px, few are for testing."""
    counts = {
        "afw": count // 10, "helen/trainset": count // 2, "lfpw/trainset": count * 4 // 10,
        "helen/testset": 2, "lfpw/testset": 2, "ibug": 2,
    }  # fmt: skip
    write_300w(root, counts=counts, seed=0, size=side)
    return counts


def aligned(root: Path, counts: dict[str, int], size: int) -> Store:
    """The store of these faces."""
    path = root.parent / f"{size}.arrow"
    spec = {
        "dataset": "300w", "origin": "builtin", "digest": "0" * 64, "expected": counts,
        "partial": "refuse", "validation": 0.1, "size": size, "margin": MARGIN,
    }  # fmt: skip
    align(root, path, spec)
    return Store(path)


class Usual(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """A face at a time: decoded, cut out, augmented."""

    def __init__(self, root: Path, size: int, augment: Augment) -> None:
        dataset = source("300w")
        found = (face for part in dataset.parts for face in dataset.read(root, part))
        self.faces = [face for face in found if isinstance(face, Face) and face.split == "train"]
        self.size = size
        shift = augment.translation / 224
        self.transform = v2.Compose(
            [
                v2.ToImage(),
                v2.RandomHorizontalFlip(augment.flip),
                v2.RandomAffine(
                    augment.rotation,
                    translate=(shift, shift),
                    scale=(augment.scale[0], augment.scale[1]),
                    interpolation=v2.InterpolationMode.BILINEAR,
                ),
                v2.ColorJitter(brightness=augment.colour, contrast=augment.colour),
                v2.ToDtype(torch.float32, scale=True),
                v2.RandomErasing(augment.occlusion, scale=(0.01, 0.25)),
            ]
        )

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        face = self.faces[index]
        left, top, side = region = crop_region(face.box, MARGIN)
        with Image.open(face.image) as file:
            cut = file.convert("RGB").crop((int(left), int(top), int(left + side), int(top + side)))
        picture = cut.resize((self.size, self.size), Image.Resampling.BILINEAR)
        points = to_crop(np.asarray(face.landmarks), region, self.size)
        marked = tv_tensors.KeyPoints(points, canvas_size=(self.size, self.size))
        image, moved = self.transform(picture, marked)
        return image, torch.as_tensor(moved)


def images_per_second(batches: Iterable[Any], images: Callable[[Any], int]) -> float:
    """Of an epoch that nobody trains on."""
    start, count = time.perf_counter(), 0
    for batch in batches:
        count += images(batch)
    return count / (time.perf_counter() - start)


def side_by_side(rounds: int, *sides: Callable[[], float]) -> list[list[float]]:
    """Rounds of measurements, all sides in turn; each second round from the last to the first."""
    columns: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        order = range(len(sides)) if number % 2 else reversed(range(len(sides)))
        for i in order:
            speed = sides[i]()
            if number:  # the first round warms up
                columns[i].append(speed)
    return columns


def ratio(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


class Bench:
    """One size of crops: its store, batches and steps."""

    def __init__(self, params: Params, store: Store, device: torch.device) -> None:
        self.experiment, self.store, self.device = params.experiments["cadnet"], store, device
        self.train: Train = self.experiment.train
        self.batches = self.made()
        self.resident: Batch = next(iter(self.batches.epoch(0)))
        self.epoch = 0

    def made(self) -> Batches:
        return Batches(
            self.store, self.store.rows(split="train"), batch_size=BATCH,
            augment=self.train.augment, seed=0, device=self.device,
        )  # fmt: skip

    def step(self, **changes: Any) -> Step:
        """A model and its updates, warm."""
        torch.manual_seed(0)
        model = build(self.store, self.experiment)
        step = Step(model, self.train.model_copy(update=changes), self.device)
        step.model.train()
        for _ in range(3):
            step(self.resident, 0.5)
        return step

    def next_epoch(self) -> Iterable[Batch]:
        self.epoch += 1
        return self.batches.epoch(self.epoch)

    def trained(self, step: Step, batches: Iterable[Batch]) -> float:
        """Images a second; a step waits for the device."""
        start, count = time.perf_counter(), 0
        for batch in batches:
            step(batch, 1.0)
            count += len(batch.images)
        return count / (time.perf_counter() - start)


def pipeline(bench: Bench, root: Path, rounds: int) -> None:
    warnings.filterwarnings("ignore", message="RandomErasing")  # it leaves key points alone
    usual = DataLoader(
        Usual(root, bench.store.size, bench.train.augment),
        batch_size=BATCH, shuffle=True, num_workers=2, drop_last=True, persistent_workers=True,
    )  # fmt: skip
    ours, theirs = side_by_side(
        rounds,
        lambda: images_per_second(bench.next_epoch(), lambda batch: len(batch.images)),
        lambda: images_per_second(usual, lambda batch: len(batch[0])),
    )
    a, b = statistics.median(ours), statistics.median(theirs)
    row("input", f"{a:.0f} images/s, usual {b:.0f}", f"{ratio(ours, theirs):.1f}×", "≥ 8×")


def training(bench: Bench, rounds: int) -> None:
    step, steps = bench.step(), min(len(bench.batches), 24)
    shares: list[float] = []

    def few(batches: Iterable[Batch]) -> Iterable[Batch]:
        return (batch for batch, _ in zip(batches, range(steps), strict=False))

    def stored() -> float:
        waited, start = bench.batches.waited, time.perf_counter()
        speed = bench.trained(step, few(bench.next_epoch()))
        shares.append((bench.batches.waited - waited) / (time.perf_counter() - start))
        return speed

    ours, resident = side_by_side(
        rounds, stored, lambda: bench.trained(step, [bench.resident] * steps)
    )
    a, b = statistics.median(ours), statistics.median(resident)
    row("waiting", "of training time", f"{statistics.median(shares):.2%}", "< 3 %")
    row(
        "resident", f"{a:.0f} images/s, one batch {b:.0f}", f"{ratio(ours, resident):.1%}", "≥ 95 %"
    )


def options(bench: Bench, rounds: int) -> None:
    """Each against what the preset gives on this device."""

    def speed(step: Step, mode: str = "error") -> Callable[[], float]:
        def measure() -> float:
            torch.set_deterministic_debug_mode(mode)
            found = bench.trained(step, [bench.resident] * 8)
            torch.set_deterministic_debug_mode("error")
            return found

        return measure

    sides = {
        "float32": speed(bench.step(precision="float32")),
        "bfloat16": speed(bench.step(precision="bfloat16")),
        "channels first": speed(bench.step(precision="float32", channels_last=False)),
        "not deterministic": speed(bench.step(precision="float32"), mode="default"),
    }
    columns = side_by_side(rounds, *sides.values())
    for name, column in zip(sides, columns, strict=True):
        change = f"{ratio(column, columns[0]):.2f}×"
        row(name, f"{statistics.median(column):.0f} images/s", change, "")


def arithmetic(bench: Bench) -> None:
    """The share of a step in convolutions and matrix products, by torch's profiler."""
    from torch.profiler import ProfilerActivity, profile

    step, cuda = bench.step(), bench.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as found:
        for _ in range(4):
            step(bench.resident, 1.0)
    times = {
        event.key: event.self_device_time_total if cuda else event.self_cpu_time_total
        for event in found.key_averages()
    }
    products = ("conv", "mm", "gemm", "cutlass", "cudnn", "xmma")
    share = sum(t for key, t in times.items() if any(p in key for p in products))
    row("arithmetic", "convolutions and products", f"{share / sum(times.values()):.0%}", "")


def memory(bench: Bench, epochs: int = 6) -> None:
    """Without the pages of the store, which the system takes back when it needs them."""
    process, step = psutil.Process(), bench.step()

    def private() -> float:
        found = process.memory_info()
        return float(found.rss - getattr(found, "shared", 0))

    after = []
    for _ in range(epochs):
        bench.trained(step, bench.next_epoch())
        after.append(private() / 2**20)
    said = " ".join(f"{value:.0f}" for value in after)
    row("memory", f"MiB after each epoch: {said}", f"{after[-1] - after[1]:+.1f} MiB", "flat")
    annotations = (bench.store.landmarks, bench.store.occluded, bench.store.box)
    held = sum(array.nbytes for array in annotations) / len(bench.store)
    mapped = 3 * bench.store.size**2
    row("store", f"bytes an image: {held:.0f} in memory", f"{mapped} mapped", "")


def row(*cells: str) -> None:
    print(f"  {cells[0]:<18}{cells[1]:<52}{cells[2]:>14}  {cells[3]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    demo, paper = (load(PACKAGE_ROOT / "params.yaml", {"preset": p}) for p in ("demo", "paper"))
    device = choose_device("auto")
    repeatable(0, demo.train.threads)
    where = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, one thread"
    print(f"{where}; {os.cpu_count()} cores; torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        for size, side, count, rounds in (
            (64, 160, arguments.faces, arguments.rounds),
            (224, 560, arguments.faces // 2, max(3, arguments.rounds // 2)),
        ):
            params = paper if size == 224 and device.type == "cuda" else demo
            root = Path(folder, f"faces{size}")
            counts = faces(root, count, side)
            bench = Bench(params, aligned(root, counts, size), device)
            width = bench.experiment.model.backbone.width
            print(f"crops of {size} px from pictures of {side}, width {width}, batches of {BATCH}")
            pipeline(bench, root, rounds)
            training(bench, rounds)
            options(bench, rounds)
            arithmetic(bench)
            memory(bench, epochs=6 if size == 64 else 3)


if __name__ == "__main__":
    main()
