"""What smoothing and the model of clips do to jitter and lag, on the test videos of 300VW.

    python benchmarks/jitter.py --results results --data data/aligned/300vw.arrow

Jitter is the excess movement from frame to frame beside the annotated points', in % of the
inter-ocular distance (``cadnet.evaluation.jitter``). Lag, in frames, is the shift at which the
annotated movement, with noise added to have the jitter of the first model, fits the smoothed one
best: the models' own errors, larger than the movement, would drown it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from cadnet.data.store import Store
from cadnet.evaluation.jitter import jitter, to_frames
from cadnet.evaluation.runs import read_predictions, test_rows, values
from cadnet.faces import SCHEMES, Array
from cadnet.predictor.smooth import both_ways, causal

EXPERIMENTS = ("cadnet_2d_300vw", "cadnet_300vw")
SECONDS = 1 / 25
SETTINGS = ((0.5, 4.0), (1.0, 4.0), (2.0, 4.0), (2.0, 8.0), (4.0, 8.0))
Smooth = Callable[[Array], Array]


class Videos:
    """The test videos: truth, and what the models say, in px of the frames."""

    def __init__(self, store: Store) -> None:
        self.store, self.rows = store, test_rows(store)
        self.tested = store.subset[self.rows] != "validation"
        self.names = store.video[self.rows][self.tested]
        self.truth = self.framed(store.landmarks[self.rows])
        self.parts = [self.names == name for name in dict.fromkeys(self.names)]

    def framed(self, landmarks: Array) -> Array:
        """Landmarks of all rows, px of crops → of the test rows, px of frames."""
        return to_frames(landmarks, self.store.region[self.rows], self.store.size)[self.tested]

    def said(self, file: Path) -> Array:
        """A run's predictions."""
        table = read_predictions(file)
        table = table.filter(pc.equal(table["dataset"], "300vw")).combine_chunks()
        landmarks = values(table, "landmarks")
        assert landmarks is not None
        return self.framed(landmarks.reshape(len(landmarks), -1, 2))

    def each(self, smooth: Smooth, points: Array) -> Array:
        """Every video smoothed by itself."""
        return np.concatenate([smooth(points[part]) for part in self.parts])

    def excess(self, points: Array) -> float:
        """Mean over videos."""
        return float(np.mean([v.excess for v in jitter(points, self.truth, self.names).values()]))

    def noisy(self, excess: float) -> Array:
        """The truth, trembling as much."""
        unit = SCHEMES["ibug68"].interocular(self.truth)[:, None, None]
        noise = np.random.default_rng(0).normal(size=self.truth.shape) * unit
        return self.truth + noise * (excess / self.excess(self.truth + noise))

    def lag(self, points: Array) -> float:
        """The shift of the truth, in frames, at which it fits best; ends of videos left out."""
        shifts = np.arange(-2, 6, 0.05)
        misfit = np.zeros(len(shifts))
        for part in self.parts:
            times = np.arange(part.sum())
            said = points[part] - points[part].mean(axis=0)
            for k, shift in enumerate(shifts):
                at = np.clip(times - shift, 0, times[-1])
                low = np.floor(at).astype(int)
                high, weight = np.minimum(low + 1, times[-1]), (at - low)[:, None, None]
                truth = self.truth[part]
                moved = truth[low] * (1 - weight) + truth[high] * weight
                misfit[k] += np.square(said - moved + moved.mean(axis=0))[5:-5].sum()
        return float(shifts[misfit.argmin()])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--data", type=Path, default=Path("data/aligned/300vw.arrow"))
    options = parser.parse_args()
    videos = Videos(Store(options.data))
    said = {
        name: [videos.said(f) for f in sorted((options.results / name).glob("seed*/*.parquet"))]
        for name in EXPERIMENTS
    }
    raw = np.mean([videos.excess(points) for points in said[EXPERIMENTS[0]]])
    trembling = videos.noisy(float(raw))
    ways: dict[str, Smooth] = {"as predicted": lambda points: points}
    for cutoff, slope in SETTINGS:
        for name, way in {"one way": causal, "both ways": both_ways}.items():
            ways[f"{name}, {cutoff:g} Hz, slope {slope:g}"] = lambda p, w=way, c=cutoff, s=slope: w(
                p, SECONDS, cutoff=c, slope=s
            )
    print(f"{'':<28}" + "".join(f"{name:>24}" for name in EXPERIMENTS) + f"{'lag':>8}")
    for name, way in ways.items():
        cells = []
        for experiment in EXPERIMENTS:
            found = [videos.excess(videos.each(way, points)) for points in said[experiment]]
            cells.append(f"{np.mean(found):.2f} ± {np.std(found, ddof=len(found) > 1):.2f}")
        lag = videos.lag(videos.each(way, trembling))
        print(f"{name:<28}" + "".join(f"{cell:>24}" for cell in cells) + f"{lag:>8.2f}")


if __name__ == "__main__":
    main()
