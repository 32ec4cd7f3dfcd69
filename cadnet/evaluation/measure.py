"""What architectures cost on this machine: table 3, X6 and X10.

    python -m cadnet.evaluation.measure --out results/efficiency.csv --spec '[{"name": "cadnet", \\
        "model": {…}, "size": 64, "device": "all", "threads": 1, "train": {…}}]'

``--spec`` is one entry or a list of them, each with its complete model and training; ``device`` is
auto (a GPU where there is one), cpu, cuda, or all (the CPU, and a GPU where there is one).

Writes one value a row: architecture, device, device_name, threads, size, metric, value, low, high,
repeats.
Models run as the pipeline runs them: float32, deterministic algorithms, random weights.

* parameters; multiply_adds, backbone_multiply_adds: of one picture, or one clip of ``frames``.
* parameter_memory_mib: weights and buffers, which the following do not hold.
* inference_memory_mib: of a forward pass at batch 1, at its highest point.
* latency_ms_batch1, fps_batch1, fps_batch32: forward passes; pictures in a second.
* train_step_ms, images_per_second_training: one update of ``train_batch`` faces that lie on the
  device: forward pass, loss, gradients, optimiser.
* train_memory_mib: at its highest point, gradients and the optimiser's momentum included.

Batches of clips hold as many whole ones as fit. Times are medians of ``repeats`` runs, ``low`` and
``high`` their quartiles; counted quantities have 0 repeats and no quartiles. Those repeat to the
digit, times do not.
"""

from __future__ import annotations

import argparse
import platform
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from operator import truediv
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from pydantic import TypeAdapter
from torch import Tensor

from cadnet import job
from cadnet.data.batches import Batch
from cadnet.evaluation.efficiency import build, cost
from cadnet.evaluation.timing import Run, interleaved, peak, seconds
from cadnet.gpu import claim
from cadnet.provenance import write_csv
from cadnet.schema import Count, Model, Strict, Train
from cadnet.training import TrainingError
from cadnet.training.device import choose_device, repeatable
from cadnet.training.losses import composite
from cadnet.training.optimiser import optimiser

MIB = 2**20
STAGES = 3
"""What is timed of each: batches of 1 and of 32, the training step."""


class Entry(Strict):
    """An architecture to measure."""

    name: str
    model: Model
    size: Count
    device: Literal["auto", "cpu", "cuda", "all"]
    threads: Count
    train: Train


class Row(NamedTuple):
    """A line of the table."""

    architecture: str
    device: str
    device_name: str
    threads: int
    size: int
    metric: str
    value: float
    low: float | None
    high: float | None
    repeats: int


def milliseconds(time: float) -> float:
    """Of seconds."""
    return 1000 * time


def timed_values(
    times: Sequence[float], of: Callable[[float], float]
) -> tuple[float, float, float, int]:
    """Of a quantity ``of`` the seconds that runs took: median, quartiles, repeats."""
    ends = [times[0]] * 3 if len(times) < 2 else statistics.quantiles(times, n=4)
    low, high = sorted((of(ends[0]), of(ends[2])))
    return of(statistics.median(times)), low, high, len(times)


class Training(NamedTuple):
    """Updates of a model on a batch."""

    update: Run
    from_the_first: Callable[[], float]
    """The same after a first one, without which there are no gradients and no momentum yet; gives
    the seconds of the second."""
    faces: int


class Subject:
    """One architecture on one device, and what was found."""

    def __init__(self, entry: Entry, device: torch.device) -> None:
        self.entry, self.device = entry, device
        self.network = build(entry.model).to(device)
        self.frames = self.network.frames
        self.rows: list[Row] = []

    def found(self, metric: str, value: float) -> None:
        self._add(metric, value, None, None, 0)

    def timed(self, metric: str, times: Sequence[float], of: Callable[[float], float]) -> None:
        """A quantity ``of`` the seconds that a run takes."""
        self._add(metric, *timed_values(times, of))

    def _add(
        self, metric: str, value: float, low: float | None, high: float | None, repeats: int
    ) -> None:
        entry, device = self.entry, self.device
        place = (entry.name, device.type, device_name(device), entry.threads, entry.size)
        self.rows.append(Row(*place, metric, value, low, high, repeats))

    def count(self) -> None:
        """What needs no run."""
        counted = cost(self.entry.model, self.entry.size)
        tensors = [*self.network.parameters(), *self.network.buffers()]
        self.found("parameters", counted.parameters)
        self.found("multiply_adds", counted.multiply_adds)
        self.found("backbone_multiply_adds", counted.backbone_multiply_adds)
        self.found("frames", self.frames)
        self.found("parameter_memory_mib", sum(t.nbytes for t in tensors) / MIB)

    def clips(self, pictures: int, least: int = 1) -> int:
        """How many pictures a batch of whole clips holds that is to hold so many."""
        return max(least, pictures // self.frames) * self.frames

    def inference(self, pictures: int) -> Run:
        """A forward pass of some pictures."""
        images = random_images(pictures, self.entry.size, self.device)
        self.network.eval()

        def run() -> None:
            self._use_threads()
            with torch.inference_mode():
                self.network(images)
            self._wait()

        return run

    def training(self) -> Training:
        """Updates on a batch of the experiment's size; they change no weight."""
        train = self.entry.train
        # Without a learning rate the arithmetic is the same.
        chosen = optimiser(self.network, train.model_copy(update={"learning_rate": 0.0}))
        faces = self.clips(train.batch_size, least=2)
        batch, few = self._batch(faces), self._batch(self.clips(2, least=2))
        self.network.train()

        def update(batch: Batch) -> None:
            self._use_threads()
            terms = composite(self.network(batch.images), batch, self.network, train.loss)
            total = torch.stack(list(terms.values())).sum()
            chosen.zero_grad()
            total.backward()
            total.item()
            chosen.step()
            self._wait()

        def from_the_first() -> float:
            update(few)
            took = seconds(lambda: update(batch))
            chosen.zero_grad()
            chosen.buffers.clear()
            return took

        return Training(lambda: update(batch), from_the_first, faces)

    def _batch(self, faces: int) -> Batch:
        images = random_images(faces, self.entry.size, self.device)
        landmarks = torch.rand(faces, *self.network.mean_shape.shape, device=self.device)
        classes = self.entry.model.fer.classes if self.entry.model.fer else 1
        labels = torch.arange(faces, device=self.device) % classes
        return Batch([], images, 2 * landmarks - 1, labels)

    def _use_threads(self) -> None:
        if torch.get_num_threads() != self.entry.threads:
            torch.set_num_threads(self.entry.threads)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


@cache
def random_images(count: int, size: int, device: torch.device) -> Tensor:
    """(count, 3, size, size) in [0, 1], the same for all that ask."""
    return torch.rand(count, 3, size, size, device=device)


@cache
def device_name(device: torch.device) -> str:
    """What the report calls it: the model of the GPU or CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        information = ""
    named = re.search(r"^model name\s*:\s*(.+)$", information, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def devices(wanted: str) -> list[torch.device]:
    """Those to measure on.

    Raises:
        TrainingError: a GPU is asked for and absent.
    """
    if wanted != "all":
        return [choose_device(wanted)]
    gpu = [torch.device("cuda")] if torch.cuda.is_available() else []
    return [torch.device("cpu"), *gpu]


def measure(entries: Sequence[Entry], budget: float) -> list[Row]:
    """All values of all architectures.

    Args:
        budget: seconds for the repeats of one architecture on one device, all stages together.
            Each stage makes a first run besides, and one more for memory on a GPU.
    """
    repeatable(0, entries[0].threads)
    subjects = [Subject(entry, device) for entry in entries for device in devices(entry.device)]
    for subject in subjects:
        subject.count()
    _measure_inference(subjects, budget / STAGES)
    _measure_training(subjects, budget / STAGES)
    return [row for subject in subjects for row in subject.rows]


def _measure_inference(subjects: list[Subject], budget: float) -> None:
    for batch in (1, 32):
        runs = [subject.inference(subject.clips(batch)) for subject in subjects]
        firsts = []
        for subject, run in zip(subjects, runs, strict=True):
            if batch == 1:
                memory, first = peak(partial(seconds, run), subject.device)
                subject.found("inference_memory_mib", memory / MIB)
            else:
                first = seconds(run)
            firsts.append(first)
        all_times = interleaved(runs, firsts, budget)
        for subject, times in zip(subjects, all_times, strict=True):
            if batch == 1:
                subject.timed("latency_ms_batch1", times, milliseconds)
            subject.timed(f"fps_batch{batch}", times, partial(truediv, subject.clips(batch)))


def _measure_training(subjects: list[Subject], budget: float) -> None:
    trainings = [subject.training() for subject in subjects]
    firsts = []
    for subject, training in zip(subjects, trainings, strict=True):
        memory, first = peak(training.from_the_first, subject.device)
        subject.found("train_batch", training.faces)
        subject.found("train_memory_mib", memory / MIB)
        firsts.append(first)
    all_times = interleaved([training.update for training in trainings], firsts, budget)
    for subject, training, times in zip(subjects, trainings, all_times, strict=True):
        subject.timed("train_step_ms", times, milliseconds)
        subject.timed("images_per_second_training", times, partial(truediv, training.faces))


def read_spec(spec: Any) -> list[Entry]:
    """One entry or several.

    Raises:
        ValueError: something is missing, unknown or wrong in it.
    """
    entries = TypeAdapter(list[Entry]).validate_python(spec if isinstance(spec, list) else [spec])
    if not entries:
        raise ValueError("--spec: names no architecture to measure")
    return entries


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--spec", type=job.json_argument, required=True)
    parser.add_argument(
        "--seconds", type=float, default=1.5, help="for the repeats of an architecture on a device"
    )
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        entries = read_spec(options.spec)
        wants_gpu = any(entry.device != "cpu" for entry in entries)
        with claim("auto" if wants_gpu else "cpu"):
            rows = measure(entries, options.seconds)
        write_csv(options.out, Row._fields, rows, digits=9)
        return f"{len(entries)} architectures, {len(rows)} values"

    return job.main(run, parser.parse_args(arguments), TrainingError, ValueError)


if __name__ == "__main__":
    sys.exit(main())
