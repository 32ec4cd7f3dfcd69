"""Batches for training: uint8 crops from the store, augmented on the device.

One affine warp a batch moves pictures and landmarks by the same matrix. What is random depends on
seed and epoch alone.

Landmarks are in units of the crop here: −1 at its left or upper edge, 1 at its right or lower.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

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


def to_float(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Pictures (B, S, S, 3) uint8 → (B, 3, S, S) in [0, 1] on the device, moved as bytes."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).to(torch.float32).div_(255)


@dataclass(frozen=True)
class Batch:
    """Faces to train on."""

    keys: list[str]
    images: Tensor
    """(B, 3, S, S) in [0, 1]."""
    landmarks: Tensor
    """(B, L, 2) in units of the crop."""
    expression: Tensor
    """(B,) int64 indices into ``faces.EXPRESSIONS``, −1 where unknown."""


def draw_matrices(count: int, augment: Augment, generator: torch.Generator) -> Tensor:
    """Random (count, 2, 3): units of the crop → units of the augmented crop (section 3)."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    angle = torch.deg2rad(uniform(-augment.rotation, augment.rotation))
    scale = uniform(*augment.scale)
    shift = 2 * augment.translation / 224  # px of a 224 px crop → units
    mirror = torch.where(torch.rand(count, generator=generator) < augment.flip, -1.0, 1.0)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    return torch.stack(
        [
            torch.stack([cosine * mirror, -sine, uniform(-shift, shift)], dim=-1),
            torch.stack([sine * mirror, cosine, uniform(-shift, shift)], dim=-1),
        ],
        dim=1,
    )


def warp(
    images: Tensor, landmarks: Tensor, matrices: Tensor, flip: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    """Pictures (B, 3, S, S) and landmarks (B, L, 2) moved by matrices (B, 2, 3).

    A matrix that mirrors (negative determinant) also swaps paired points, as ``flip`` says.
    """
    linear, offset = matrices[:, :, :2], matrices[:, :, 2]
    moved = landmarks @ linear.mT + offset[:, None]
    (a, b), (c, d) = linear.permute(1, 2, 0)
    determinant = a * d - b * c
    mirrored = determinant < 0
    moved = torch.where(mirrored[:, None, None], moved[:, torch.from_numpy(flip)], moved)
    adjugate = torch.stack([torch.stack([d, -b], -1), torch.stack([-c, a], -1)], 1)
    inverse = adjugate / determinant[:, None, None]
    back = torch.cat([inverse, -(inverse @ offset[:, :, None])], dim=2)
    grid = functional.affine_grid(back, list(images.shape), align_corners=False)
    warped = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return warped, moved


def occlude(
    images: Tensor, probability: float, generator: torch.Generator, frames: int = 1
) -> Tensor:
    """Pictures (B, 3, S, S), each clip of some frames with the given probability behind a plain
    rectangle; in place."""
    count, _, height, width = images.shape
    drawn = torch.rand(count // frames, 8, generator=generator).repeat_interleave(frames, 0)
    chosen = (drawn[:, 0] < probability).nonzero().flatten().tolist()
    x, y, half_x, half_y = (drawn[:, 1:5] * torch.tensor([1, 1, 0.2, 0.2])).mT.tolist()
    for i in chosen:  # few and small: each is filled alone
        left, right = (round(width * (x[i] + s * (0.05 + half_x[i]))) for s in (-1, 1))
        top, bottom = (round(height * (y[i] + s * (0.05 + half_y[i]))) for s in (-1, 1))
        colour = drawn[i, 5:8, None, None].to(images.device)
        images[i, :, max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = colour
    return images


def recolour(
    images: Tensor, strength: float, generator: torch.Generator, frames: int = 1
) -> Tensor:
    """Pictures in [0, 1] with brightness and contrast changed by up to ± strength, alike for the
    frames of a clip; in place."""
    drawn = (2 * torch.rand(2, len(images) // frames, 1, 1, 1, generator=generator) - 1) * strength
    contrast, brightness = drawn.repeat_interleave(frames, 1).to(images.device)
    mean = images.mean((1, 2, 3), keepdim=True)
    # (image − mean)(1 + contrast) + mean + brightness
    return images.mul_(1 + contrast).add_(brightness - mean * contrast).clamp_(0, 1)


def _generator(*numbers: int) -> torch.Generator:
    """Random numbers that depend on all of the numbers."""
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> 1))


class Batches:
    """The training faces of a store, shuffled and augmented anew each epoch.

    With ``frames`` above 1 they come in clips of so many frames of a video, in turn, which share
    one augmentation. ``batch_size`` counts faces, and a batch holds as many whole clips as fit, but
    two at least, for batch normalisation.
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
    ) -> None:
        self.store, self.augment = store, augment
        self.seed, self.device, self.frames = seed, device, frames
        self.clips = rows[windows(store.video[rows], frames)] if frames > 1 else rows[:, None]
        self._clips_a_batch = min(max(2, batch_size // frames), len(self.clips))
        self.batch_size = self._clips_a_batch * frames
        self.flip = SCHEMES[store.scheme].flip

    def __len__(self) -> int:
        return len(self.clips) // self._clips_a_batch

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The epoch's batches from ``start`` on, each full: the few faces left over come in another
        epoch. A batch depends on seed, epoch and its own number alone."""
        order = torch.randperm(len(self.clips), generator=_generator(self.seed, epoch)).numpy()
        for index in range(start, len(self)):
            generator = _generator(self.seed, epoch, index)
            first = index * self._clips_a_batch
            rows = self.clips[order[first : first + self._clips_a_batch]].reshape(-1)
            images = to_float(self.store.images(rows), self.device)
            landmarks = to_units(torch.from_numpy(self.store.landmarks[rows]), self.store.size)
            matrices = draw_matrices(len(rows) // self.frames, self.augment, generator)
            matrices = matrices.repeat_interleave(self.frames, 0)
            images, landmarks = warp(
                images, landmarks.to(self.device), matrices.to(self.device), self.flip
            )
            images = occlude(images, self.augment.occlusion, generator, self.frames)
            images = recolour(images, self.augment.colour, generator, self.frames)
            expression = torch.from_numpy(self.store.expression[rows]).to(self.device)
            yield Batch(list(self.store.keys[rows]), images, landmarks, expression)
