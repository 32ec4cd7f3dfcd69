"""300W: AFW, HELEN, LFPW and iBUG with 68 landmarks (Sagonas et al. 2013).

Layout: ``afw/ helen/{trainset,testset}/ lfpw/{trainset,testset}/ ibug/``, each picture beside a
``.pts``. An ``occlusion.csv`` at the top (``key`` and a column a landmark, 1 = occluded) is an
extension of ours: 300W has no occlusion labels, and table 5 needs them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.ibug import open_picture, pictures_with_points, read_pts
from cadnet.faces import Face, tight_box

POINTS = 68


@lru_cache(maxsize=4)
def _occlusion(path: Path) -> dict[str, NDArray[np.bool_]]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows, None)
        labels = {}
        for number, row in enumerate(rows, start=2):
            if len(row) != POINTS + 1 or not set(row[1:]) <= {"0", "1"}:
                raise DataError(f"{path}: line {number} is not a key and {POINTS} flags of 0 or 1")
            labels[row[0]] = np.array(row[1:]) == "1"
    return labels


def photograph(stem: str) -> str:
    """The photograph that a file shows a face of: ``134212_2`` is the second face of 134212, and
    ``image_092 _01`` one of image_092; ``image_0001`` of LFPW holds a single face."""
    several = re.fullmatch(r"(image_\d+|\d+) ?_\d+", stem)
    return several[1] if several else stem


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The faces of one folder of 300W; see ``Source.read``."""
    folder = root / part.name
    if not folder.is_dir():
        return
    occlusion = _occlusion(root / "occlusion.csv")
    pairs, problems = pictures_with_points(folder)
    yield from problems
    for picture, points in pairs:
        key = f"{part.name}/{picture.stem}"
        try:
            landmarks = read_pts(points, POINTS)
        except DataError as error:
            yield error
            continue
        occluded = occlusion.get(key)
        yield Face(
            key=key,
            image=picture,
            landmarks=landmarks,
            box=tight_box(landmarks),
            split=part.split,
            subset=part.subset,
            visible=None if occluded is None else ~occluded,
            group=f"{part.name}/{photograph(picture.stem)}",
        )


SOURCE = Source(
    name="300w",
    scheme="ibug68",
    parts=(
        Part("afw", 337, "train", "train"),
        Part("helen/trainset", 2000, "train", "train"),
        Part("lfpw/trainset", 811, "train", "train"),
        Part("helen/testset", 330, "test", "common"),
        Part("lfpw/testset", 224, "test", "common"),
        Part("ibug", 135, "test", "challenging"),
    ),
    unions={"full": ("common", "challenging")},
    read=read,
    open=open_picture,
)
