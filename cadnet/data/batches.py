"""Batches for training: uint8 crops from the store, augmented on the device.

A batch depends on seed, epoch and its number alone. While one is trained on, a thread reads and
augments the next; on a GPU in a stream of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cadnet.data.augment import draw, occlude, recolour, warp
from cadnet.data.clips import windows
from cadnet.data.store import Store
from cadnet.faces import SCHEMES
from cadnet.schema import Augment


def to_units(landmarks: Tensor, size: int) -> Tensor:
    """Landmarks in px of a crop → units of the crop."""
    return (landmarks + 0.5) * (2 / size) - 1


def to_pixels(landmarks: Tensor, size: int) -> Tensor:
    """Landmarks in units of the crop → px of the crop."""
    return (landmarks + 1) * (size / 2) - 0.5


def to_float(images: NDArray[np.uint8] | Tensor, device: torch.device) -> Tensor:
    """Pictures (B, S, S, 3) uint8 → (B, 3, S, S) in [0, 1] on the device, moved as bytes."""
    there = torch.as_tensor(images).to(device, non_blocking=True)
    return there.permute(0, 3, 1, 2).to(torch.float32).div_(255)


@dataclass(frozen=True)
class Batch:
    """Faces to train on; of several processes each has a share of the batch."""

    keys: list[str]
    """Of the whole batch."""
    images: Tensor
    """(B, 3, S, S) in [0, 1]."""
    landmarks: Tensor
    """(B, L, 2) in units of the crop."""
    expression: Tensor
    """(B,) int64 indices into ``faces.EXPRESSIONS``, −1 where unknown."""
    everyones: Tensor | None = None
    """The expressions of the whole batch, where this is a share of it."""


def _generator(*numbers: int) -> torch.Generator:
    """Random numbers that depend on all of the numbers."""
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> 1))


def _hand_over(batch: Batch, stream: torch.cuda.Stream) -> None:
    """To the current stream from the one that made the batch: it waits, and owns the memory."""
    ours = torch.cuda.current_stream(stream.device)
    ours.wait_stream(stream)
    for tensor in (batch.images, batch.landmarks, batch.expression, batch.everyones):
        if tensor is not None:
            tensor.record_stream(ours)


class Batches:
    """The training faces of a store, shuffled and augmented anew each epoch.

    With ``frames`` above 1 they come in clips of so many frames of a video, in turn, which share
    one augmentation. ``batch_size`` counts faces, and a batch holds as many whole clips as fit, but
    two at least, for batch normalisation.

    Of several processes, each makes only its own rows of every batch, and these are what one
    process would make.

    Attributes:
        batch_size: faces of a whole batch.
        waited: seconds in which training waited for a batch that was not ready.
    """

    def __init__(
        self,
        store: Store,
        rows: NDArray[np.int64],
        *,
        batch_size: int,
        augment: Augment,
        seed: int,
        device: torch.device,
        frames: int = 1,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """Raises ``ValueError`` where a batch cannot be split evenly over the processes."""
        self.store, self.augment = store, augment
        self.seed, self.device, self.frames = seed, device, frames
        self.clips = rows[windows(store.video[rows], frames)] if frames > 1 else rows[:, None]
        self._clips_a_batch = min(max(2, batch_size // frames), len(self.clips))
        self.batch_size = self._clips_a_batch * frames
        if self._clips_a_batch % ranks:
            what = f"{self._clips_a_batch} faces" if frames == 1 else f"{self._clips_a_batch} clips"
            raise ValueError(
                f"train.batch_size: {what} a batch cannot be split evenly over {ranks} processes"
            )
        share = self.batch_size // ranks
        self._own, self._whole = slice(rank * share, (rank + 1) * share), ranks == 1
        self.flip = SCHEMES[store.scheme].flip
        self.waited = 0.0

    def __len__(self) -> int:
        return len(self.clips) // self._clips_a_batch

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The epoch's batches from ``start`` on, each full: the few faces left over come in another
        epoch."""
        if start >= len(self):
            return
        order = torch.randperm(len(self.clips), generator=_generator(self.seed, epoch)).numpy()
        stream = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        with ThreadPoolExecutor(1, "batches") as ahead:

            def prepare(index: int) -> Batch:
                first = index * self._clips_a_batch
                rows = self.clips[order[first : first + self._clips_a_batch]].reshape(-1)
                pictures = self._read(rows[self._own])
                with torch.cuda.stream(stream):  # without a stream it does nothing
                    return self._augmented(rows, pictures, _generator(self.seed, epoch, index))

            coming = ahead.submit(prepare, start)
            for index in range(start, len(self)):
                before = time.perf_counter()
                batch = coming.result()
                self.waited += time.perf_counter() - before
                if stream is not None:
                    _hand_over(batch, stream)
                if index + 1 < len(self):
                    coming = ahead.submit(prepare, index + 1)
                yield batch

    def _read(self, rows: NDArray[np.int64]) -> Tensor:
        """Pictures (len(rows), S, S, 3) uint8, where a GPU can fetch them while others work."""
        pictures = torch.from_numpy(self.store.images(rows))
        return pictures.pin_memory() if self.device.type == "cuda" else pictures

    def _augmented(
        self, rows: NDArray[np.int64], pictures: Tensor, generator: torch.Generator
    ) -> Batch:
        """The batch of some rows, of which ``pictures`` are this process's own."""
        own = rows[self._own]
        drawn = draw(len(rows) // self.frames, self.augment, generator).of(self._own, self.frames)
        points = to_units(torch.from_numpy(self.store.landmarks[own]), self.store.size)
        images, landmarks = warp(
            to_float(pictures, self.device),
            points.to(self.device),
            drawn.matrices.to(self.device),
            self.flip,
        )
        images = recolour(occlude(images, drawn), drawn)
        everyones = torch.from_numpy(self.store.expression[rows]).to(self.device)
        return Batch(
            list(self.store.keys[rows]),
            images,
            landmarks,
            everyones[self._own],
            None if self._whole else everyones,
        )
