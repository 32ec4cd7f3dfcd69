"""Calm landmarks in videos: the One-Euro filter (Casiez, Roussel and Vogel, CHI 2012).

A low-pass filter whose cut-off rises with speed: still faces stop trembling, fast ones are followed
at once.
"""

from __future__ import annotations

import math

import numpy as np

from cadnet.faces import Array


class OneEuro:
    """Filters values (any shape) that come one after another."""

    def __init__(self, *, cutoff: float, slope: float, speed_cutoff: float = 1.0) -> None:
        """
        Args:
            cutoff: Hz, for what stands still: lower is calmer.
            slope: Hz per unit a second: higher follows faster.
            speed_cutoff: Hz, of the speed itself.
        """
        self.cutoff, self.slope, self.speed_cutoff = cutoff, slope, speed_cutoff
        self._last: Array | None = None
        self._speed: Array | None = None

    def __call__(self, value: Array, seconds: float) -> Array:
        """The filtered value, ``seconds`` after the one before."""
        if self._last is None or self._speed is None:
            self._last, self._speed = value.astype(np.float64), np.zeros(value.shape)
            return self._last
        speed = (value - self._last) / seconds
        share = _share(np.array(self.speed_cutoff), seconds)
        self._speed = share * speed + (1 - share) * self._speed
        cutoff: Array = self.cutoff + self.slope * np.abs(self._speed)
        share = _share(cutoff, seconds)
        calm: Array = share * value + (1 - share) * self._last
        self._last = calm
        return calm


def _share(cutoff: Array, seconds: float) -> Array:
    """How much of a new value a low-pass filter of first order takes."""
    share: Array = 1 / (1 + 1 / (2 * math.pi * cutoff * seconds))
    return share


CUTOFF, SLOPE = 1.0, 4.0
"""Hz, and Hz per face size a second: benchmarks/jitter.py compares others."""


def causal(
    landmarks: Array, seconds: float, *, cutoff: float = CUTOFF, slope: float = SLOPE
) -> Array:
    """Landmarks (N, L, 2) of one face, frame by frame, each smoothed by those before: lags.

    Speeds are measured in sizes of the face, so that neither its distance to the camera nor the
    resolution matter.
    """
    unit = max(1.0, float(np.ptp(landmarks[0], axis=0).max()))
    smooth = OneEuro(cutoff=cutoff, slope=slope)
    return np.stack([smooth(frame / unit, seconds) for frame in landmarks]) * unit


def both_ways(
    landmarks: Array, seconds: float, *, cutoff: float = CUTOFF, slope: float = SLOPE
) -> Array:
    """The same, smoothed forwards and backwards, and the mean of both: what lags in one leads in
    the other."""
    filters = {"cutoff": cutoff, "slope": slope}
    forwards = causal(landmarks, seconds, **filters)
    backwards = causal(landmarks[::-1], seconds, **filters)[::-1]
    smoothed: Array = (forwards + backwards) / 2
    return smoothed
