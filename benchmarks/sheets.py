"""What a person can judge by eye: docs/expressions.jpg and docs/occluders.jpg.

python benchmarks/sheets.py [--out docs] [--size 128]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from cadnet.data.synthetic.expressions import EMOTIONS, emotion
from cadnet.data.synthetic.faces import draw
from cadnet.data.synthetic.occluders import OCCLUDERS
from cadnet.data.synthetic.scene import Style, scene
from cadnet.data.synthetic.styles import generator
from cadnet.provenance import PACKAGE_ROOT

SUBJECTS = 8
YAWS = (0, 30, 60)
QUIET = Style(
    yaw=0, pitch=0, roll=0, expressions={"neutral": 1}, occluded=0, light=0.7, grey=0,
    background=0.4, blur=0, noise=3,
)  # fmt: skip
_STRIP = 16  # px of a label


def labelled(rows: list[list[np.ndarray]], down: list[str], across: list[str]) -> np.ndarray:
    """Pictures (S, S, 3) as one, with a text beside each row and above each column."""
    sheet = np.vstack([np.hstack(row) for row in rows])
    size = rows[0][0].shape[0]

    def strip(texts: list[str], length: int) -> np.ndarray:
        paper = np.full((_STRIP, length, 3), 255, np.uint8)
        for i, text in enumerate(texts):
            at = (i * size + 3, _STRIP - 5)
            cv2.putText(paper, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
        return paper

    beside = cv2.rotate(strip(down[::-1], sheet.shape[0]), cv2.ROTATE_90_COUNTERCLOCKWISE)
    above = strip(across, sheet.shape[1])
    corner = np.full((_STRIP, _STRIP, 3), 255, np.uint8)
    return np.vstack([np.hstack([corner, above]), np.hstack([beside, sheet])])


def expressions(size: int) -> np.ndarray:
    """A row an emotion at full strength, a column a person."""
    rows = []
    for name in EMOTIONS:
        row = []
        for i in range(SUBJECTS):
            base = scene(generator(2, "expressions", i), QUIET)
            units = emotion(name, generator(3, name, i), strength=1.0)
            row.append(draw(replace(base, expression=name, units=units), size).image)
        rows.append(row)
    return labelled(rows, list(EMOTIONS), [f"subject {i + 1}" for i in range(SUBJECTS)])


def occluders(size: int) -> np.ndarray:
    """A row a pose, a column an occluder."""
    rows = []
    for yaw in YAWS:
        row = []
        for i, name in enumerate(OCCLUDERS):
            base = scene(generator(8, "occluders", i), QUIET)
            turned = replace(base, pose=(float(yaw), 0.0, 0.0), occluders=((name, i),))
            row.append(draw(turned, size).image)
        rows.append(row)
    return labelled(rows, [f"yaw {yaw}" for yaw in YAWS], [n.replace("_", " ") for n in OCCLUDERS])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PACKAGE_ROOT / "docs")
    parser.add_argument("--size", type=int, default=128)
    options = parser.parse_args()
    for make in (expressions, occluders):
        path = options.out / f"{make.__name__}.jpg"
        picture = cv2.cvtColor(make(options.size), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
        print(f"{path} {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
