"""How many pictures the datasets hold."""

from __future__ import annotations

from typing import NamedTuple

from cadnet.data.sources import source
from cadnet.params import Params

FRAMES_300VW = 218595 / 114
"""Annotated frames of a video of 300VW, the mean: Shen et al. 2015 give the total alone."""


class Pictures(NamedTuple):
    """Of a dataset, by what they are for."""

    train: int
    validation: int
    test: int

    @property
    def all(self) -> int:
        return sum(self)

    @property
    def predicted(self) -> int:
        """Those that models are tried on."""
        return self.validation + self.test


def pictures(params: Params, dataset: str, *, official: bool) -> Pictures:
    """A dataset's pictures: as its owners give it out, or as the parameters have it drawn."""
    found = source(dataset)
    drawn = {} if official else params.data.builtin.counts(dataset)
    a_video = FRAMES_300VW if official else params.data.builtin.frames
    of = {"train": 0.0, "test": 0.0}
    for part in found.parts:
        count = part.expected if official else drawn[part.name]
        of[part.split] += count * (a_video if found.counted == "videos" else 1)
    held_out = round(of["train"] * params.data.validation)
    return Pictures(round(of["train"]) - held_out, held_out, round(of["test"]))
