"""Frames of videos in clips of one length."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def windows(video: NDArray[np.object_], frames: int) -> NDArray[np.int64]:
    """Clips that together show every row: (N, frames) positions in ``video``.

    Clips follow one another without overlap; the last of a video ends with it, and shares frames
    with the one before where the video is no multiple of ``frames``. A video shorter than a clip
    repeats its last frame, as does a picture, which is of no video.

    Args:
        video: each row's video, "" for pictures; rows of one video are adjacent and in order.
    """
    count = len(video)
    first = np.r_[True, (video[1:] != video[:-1]) | (video[1:] == "")][:count]
    clips = []
    for start, stop in pairwise([*np.flatnonzero(first).tolist(), count]):
        firsts = [*range(start, stop - frames + 1, frames)]
        if (stop - start) % frames:
            firsts.append(max(start, stop - frames))
        clips += [np.minimum(np.arange(at, at + frames), stop - 1) for at in firsts]
    return np.array(clips, dtype=np.int64).reshape(-1, frames)
