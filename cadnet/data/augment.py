"""Augmentation of a batch on the device (section 3): one affine warp for pictures and landmarks,
occluders, colour.

What is random is drawn on the CPU, for a whole batch at once (``draw``): it depends on a generator
alone, neither on the device nor on how many processes share the batch.

Landmarks are in units of the crop here: −1 at its left or upper edge, 1 at its right or lower.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cadnet.schema import Augment

PLAIN, BLOTCHES, PIECE = range(3)
"""What an occluder shows: one colour, 4 × 4 random colours that run into each other, or another
piece of the same picture, upside down: like a hand before the face it has the face's colours."""


class Draw(NamedTuple):
    """What is random about N pictures, or N clips whose frames share it."""

    matrices: Tensor
    """(N, 2, 3): units of the crop → units of the augmented crop."""
    occluded: Tensor
    """(N,) whether there is an occluder."""
    kind: Tensor
    """(N,) one of ``PLAIN``, ``BLOTCHES``, ``PIECE``."""
    place: Tensor
    """(N, 6): an occluder's centre and half its sides, and where its piece is from; shares of the
    crop's side."""
    texture: Tensor
    """(N, 3, 4, 4): an occluder's colours in [0, 1]."""
    colour: Tensor
    """(N, 2): contrast and brightness."""

    def of(self, pictures: slice, frames: int = 1) -> Draw:
        """What concerns some of the pictures, where each of these N stands for some frames."""
        return Draw(*(values.repeat_interleave(frames, 0)[pictures] for values in self))


def draw(count: int, augment: Augment, generator: torch.Generator) -> Draw:
    """Random numbers for ``count`` pictures or clips."""
    matrices = draw_matrices(count, augment, generator)
    numbers = torch.rand(count, 58, generator=generator)
    chosen, kind, place, colour, texture = numbers.split([1, 1, 6, 2, 48], dim=1)
    half_sides = torch.tensor([0.0, 0.0, 0.05, 0.05, 0.0, 0.0])
    return Draw(
        matrices=matrices,
        occluded=chosen[:, 0] < augment.occlusion,
        kind=(3 * kind[:, 0]).long(),
        place=place * torch.tensor([1.0, 1.0, 0.2, 0.2, 1.0, 1.0]) + half_sides,
        texture=texture.reshape(count, 3, 4, 4),
        colour=augment.colour * (2 * colour - 1),
    )


def draw_matrices(count: int, augment: Augment, generator: torch.Generator) -> Tensor:
    """Random (count, 2, 3): units of the crop → units of the augmented crop."""

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
    grid = sampling_grid(back, images.shape[-1])
    warped = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return warped, moved


def sampling_grid(matrices: Tensor, size: int) -> Tensor:
    """The centres of a crop's pixels moved by matrices (B, 2, 3): (B, size, size, 2).

    Torch's ``affine_grid`` with twenty times fewer operations: what x adds is the same in each
    row, what y adds in each column.
    """
    steps = (torch.arange(size, device=matrices.device) + 0.5) * (2 / size) - 1
    along_x = matrices[:, :, 0, None] * steps
    along_y = matrices[:, :, 1, None] * steps + matrices[:, :, 2, None]
    return along_x.mT[:, None] + along_y.mT[:, :, None]


def occlude(images: Tensor, drawn: Draw) -> Tensor:
    """Pictures (B, 3, S, S) with the drawn occluders, rectangles; in place."""
    size = images.shape[-1]
    place = (size * drawn.place).tolist()
    kinds = drawn.kind.tolist()
    for i in drawn.occluded.nonzero().flatten().tolist():  # few and small: each is made alone
        x, y, half_x, half_y, from_x, from_y = place[i]
        left, right = max(0, round(x - half_x)), min(size, round(x + half_x))
        top, bottom = max(0, round(y - half_y)), min(size, round(y + half_y))
        height, width = bottom - top, right - left
        if height <= 0 or width <= 0:
            continue
        if kinds[i] == PIECE:
            row = round(from_y / size * (size - height))
            column = round(from_x / size * (size - width))
            # Copied by flip: the piece may overlap the place where it goes.
            shown = images[i, :, row : row + height, column : column + width].flip(1)
        else:
            colours = drawn.texture[i].to(images.device)
            if kinds[i] == PLAIN:
                shown = colours[:, :1, :1]
            else:
                shown = functional.interpolate(colours[None], (height, width), mode="bilinear")[0]
        images[i, :, top:bottom, left:right] = shown
    return images


def recolour(images: Tensor, drawn: Draw) -> Tensor:
    """Pictures in [0, 1] with the drawn contrast and brightness; in place."""
    contrast, brightness = drawn.colour.to(images.device).T[:, :, None, None, None]
    mean = images.mean((1, 2, 3), keepdim=True)
    # (image − mean)(1 + contrast) + mean + brightness
    return images.mul_(1 + contrast).add_(brightness - mean * contrast).clamp_(0, 1)
