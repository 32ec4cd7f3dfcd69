"""Faces found in some frames of a video → the box of each in every frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import linear_sum_assignment

from cadnet.faces import Array
from cadnet.predictor.detect import Box

_SAME = 0.2  # overlap (intersection over union) from which two boxes may be of one face
_PATIENCE = 3  # looks that a face may be missed and still be the same


@dataclass
class Track:
    """One face: when it was seen, and where."""

    seen: list[int] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def every_frame(self) -> tuple[int, Array]:
        """The first frame, and the boxes (N, 4) from there on: smoothed, since detectors jump, and
        linear between two looks."""
        boxes = np.array(self.boxes, dtype=np.float64)
        calm = gaussian_filter1d(boxes, 1.0, axis=0, mode="nearest")
        frames = np.arange(self.seen[0], self.seen[-1] + 1)
        filled = np.stack([np.interp(frames, self.seen, column) for column in calm.T], axis=1)
        return self.seen[0], filled


def overlap(a: Array, b: Array) -> Array:
    """Intersection over union of boxes (N, 4) and (M, 4): (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
    common = np.clip(high - low, 0, None).prod(axis=-1)
    shared: Array = common / (a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1) - common)
    return shared


def follow(looks: list[tuple[int, list[Box]]]) -> list[Track]:
    """Tracks from what was found at each look (frame, boxes), in the order of their beginnings.

    Boxes of consecutive looks are matched for the largest overlap in all.
    """
    tracks: list[Track] = []
    open_: list[tuple[Track, int]] = []  # with the number of the look that saw it last
    for number, (frame, boxes) in enumerate(looks):
        open_ = [(track, last) for track, last in open_ if number - last <= _PATIENCE]
        found = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        before = np.array([track.boxes[-1] for track, _ in open_]).reshape(-1, 4)
        shared = overlap(before, found)
        new = set(range(len(boxes)))
        rows, columns = linear_sum_assignment(-shared)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if shared[row, column] >= _SAME:
                track = open_[row][0]
                track.seen.append(frame)
                track.boxes.append(boxes[column])
                open_[row] = (track, number)
                new.discard(column)
        for box in (boxes[column] for column in sorted(new)):
            track = Track([frame], [box])
            tracks.append(track)
            open_.append((track, number))
    return tracks
