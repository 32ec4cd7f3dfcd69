"""How dlib's squares lie to boxes tight around the landmarks: the constants of predictor/detect.py.

python benchmarks/boxes.py FOLDER     # pictures beside their .pts, 68 points: 300W's afw/
"""

from __future__ import annotations

import sys
from pathlib import Path

import dlib
import numpy as np

from cadnet.data.sources.ibug import read_pts
from cadnet.faces import tight_box
from cadnet.predictor import open_picture


def main() -> None:
    find, found, files = (
        dlib.get_frontal_face_detector(),
        [],
        sorted(Path(sys.argv[1]).glob("*.jpg")),
    )
    for file in files:
        x, y, width, height = tight_box(read_pts(file.with_suffix(".pts"), 68))
        centre, longer = np.array([x + width / 2, y + height / 2]), max(width, height)
        for square in find(open_picture(file), 1):
            side = square.width()
            away = (centre - (square.left() + side / 2, square.top() + side / 2)) / side
            if np.abs(away).max() < 0.5:  # the annotated face, not another
                found.append((*away, longer / side))
                break
    measured = np.array(found)
    print(f"{len(found)} of {len(files)} faces found; in sides of dlib's square:")
    for name, column in zip(("right", "down", "longer side"), measured.T, strict=True):
        print(f"{name:<12} mean {column.mean():.3f}  median {np.median(column):.3f}  "
              f"std {column.std():.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
