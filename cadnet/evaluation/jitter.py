"""Temporal jitter of landmarks in videos (section 5.3.4): pure functions of arrays.

Crops follow the face, so that in them a moving head stands still and a frame's own crop adds
movement: bring landmarks back to the video's pixels (``to_frames``) first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cadnet.faces import SCHEMES, Array


@dataclass(frozen=True)
class Jitter:
    """Of one video: means over its pairs of consecutive frames and over points, in % of the
    inter-ocular distance.

    Attributes:
        predicted: how far predictions move from frame to frame: the paper's indicator.
        truth: how far the annotated points do; heads move.
        excess: how far predictions move relative to the truth: the displacement of their error,
            ‖(p′ − p) − (g′ − g)‖. Neither a moving head nor a constant error adds to it.
        pairs: how many pairs of frames there are.
    """

    predicted: float
    truth: float
    excess: float
    pairs: int


def to_frames(landmarks: Array, regions: Array, size: int) -> Array:
    """Landmarks (N, L, 2) in px of crops → px of their frames; the inverse of ``align.to_crop``.

    Args:
        regions: (N, 3) left, top, side: px of the frame that each crop shows.
    """
    scale = regions[:, 2, None, None] / size
    framed: Array = (landmarks.astype(np.float64) + 0.5) * scale - 0.5 + regions[:, None, :2]
    return framed


def jitter(
    predicted: Array, truth: Array, videos: NDArray[np.object_], *, scheme: str = "ibug68"
) -> dict[str, Jitter]:
    """The jitter of each video by its name, in the order in which they begin.

    A pair is measured by the mean of its two annotated inter-ocular distances, so that a video
    played backwards has the same jitter. A video of one frame has no pairs and is left out.

    Args:
        predicted, truth: (N, L, 2) px, in one scheme.
        videos: (N,) names; the frames of one video come in their order, without gaps.

    Raises:
        ValueError: the arrays do not fit one another.
    """
    if predicted.shape != truth.shape or len(videos) != len(truth):
        raise ValueError(
            f"jitter of predictions {predicted.shape}, truth {truth.shape} and "
            f"{len(videos)} names of videos: must be of the same frames and points"
        )
    result = {}
    for name in dict.fromkeys(videos.tolist()):
        rows = np.flatnonzero(videos == name)
        if len(rows) < 2:
            continue
        said, true = predicted[rows].astype(np.float64), truth[rows].astype(np.float64)
        distance = SCHEMES[scheme].interocular(true)
        unit = (distance[1:] + distance[:-1]) / 2
        moved, moved_truly = np.diff(said, axis=0), np.diff(true, axis=0)
        result[str(name)] = Jitter(
            predicted=_mean_length(moved, unit),
            truth=_mean_length(moved_truly, unit),
            excess=_mean_length(moved - moved_truly, unit),
            pairs=len(unit),
        )
    return result


def _mean_length(steps: Array, unit: Array) -> float:
    """Of steps (N, L, 2), in percent of units (N,)."""
    return float(100 * np.mean(np.linalg.norm(steps, axis=-1).mean(axis=-1) / unit))
