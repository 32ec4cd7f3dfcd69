"""How fast built-in faces are drawn, one core, occluders included, and where the time goes.

python benchmarks/faces.py [--size 128] [--count 200]
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time

import cv2
import numpy as np

from cadnet.data.synthetic.faces import render
from cadnet.data.synthetic.styles import HARD


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--count", type=int, default=200)
    options = parser.parse_args()
    cv2.setNumThreads(1)

    def draw() -> None:
        for i in range(options.count):
            render(np.random.default_rng(i), HARD, options.size)

    render(np.random.default_rng(0), HARD, options.size)  # compiles, and makes the mean head
    started = time.perf_counter()
    draw()
    seconds = time.perf_counter() - started
    print(f"{options.count / seconds:.1f} faces/s of {options.size} px (style HARD, 1 thread)")
    with cProfile.Profile() as profile:
        draw()
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(14)


if __name__ == "__main__":
    main()
