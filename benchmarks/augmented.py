"""What training sees: docs/augmented.jpg, built-in faces augmented as in the paper preset.

python benchmarks/augmented.py [--out docs/augmented.jpg] [--size 112]

A row a face: as it is in the store, then seven times augmented, landmarks by the same matrix;
the eye on the left of a picture is red, the other blue, mirrored or not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from cadnet.data.align import align
from cadnet.data.augment import draw, occlude, recolour, warp
from cadnet.data.batches import to_float, to_pixels, to_units
from cadnet.data.store import Store
from cadnet.data.synthetic.write import write_300w
from cadnet.faces import SCHEMES
from cadnet.params import load
from cadnet.provenance import PACKAGE_ROOT

FACES, TIMES, SCALE = 5, 7, 2  # drawn at twice the size, so that points are round


def marked(image: torch.Tensor, landmarks: torch.Tensor) -> NDArray[np.uint8]:
    """A picture (3, S, S) with its landmarks (68, 2) in px, as RGB."""
    pixels = (image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    large = cv2.resize(pixels, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    for index, (x, y) in enumerate(landmarks.tolist()):
        colour = (80, 255, 80)
        if 36 <= index < 48:
            colour = (255, 60, 60) if index < 42 else (80, 140, 255)
        centre = (round((x + 0.5) * SCALE), round((y + 0.5) * SCALE))
        cv2.circle(large, centre, 2, colour, -1, cv2.LINE_AA)
    return np.asarray(large, dtype=np.uint8)


def sheet(store: Store) -> NDArray[np.uint8]:
    """Rows of faces."""
    augment = load(PACKAGE_ROOT / "params.yaml", {"preset": "paper"}).train.augment
    rows = store.rows(split="train")[:FACES]
    columns = []
    for column in range(TIMES + 1):
        images = to_float(store.images(rows), torch.device("cpu"))
        points = to_units(torch.from_numpy(store.landmarks[rows]), store.size)
        if column:
            drawn = draw(len(rows), augment, torch.Generator().manual_seed(column))
            images, points = warp(images, points, drawn.matrices, SCHEMES[store.scheme].flip)
            images = recolour(occlude(images, drawn), drawn)
        moved = to_pixels(points, store.size)
        columns.append(np.vstack([marked(*face) for face in zip(images, moved, strict=True)]))
    return np.hstack(columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PACKAGE_ROOT / "docs/augmented.jpg")
    parser.add_argument("--size", type=int, default=112)
    options = parser.parse_args()
    counts = {
        "afw": 2, "helen/trainset": 6, "lfpw/trainset": 4,
        "helen/testset": 1, "lfpw/testset": 1, "ibug": 1,
    }  # fmt: skip
    spec = {
        "dataset": "300w", "origin": "builtin", "digest": "0" * 64, "expected": counts,
        "partial": "refuse", "validation": 0.1, "size": options.size, "margin": 1.25,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "faces")
        write_300w(root, counts=counts, seed=4, size=2 * options.size)
        align(root, Path(folder, "faces.arrow"), spec)
        picture = sheet(Store(Path(folder, "faces.arrow")))
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(options.out), bgr, [cv2.IMWRITE_JPEG_QUALITY, 72])


if __name__ == "__main__":
    main()
