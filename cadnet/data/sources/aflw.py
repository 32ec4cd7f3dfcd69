"""AFLW with 19 landmarks: pictures of Köstinger et al. 2011, split and points of Zhu et al. 2016.

Layout: ``AFLWinfo_release.mat`` (MATLAB 5) at the top, pictures in ``data/flickr/{0,2,3}/``,
``aflw/data/flickr/{0,2,3}/`` or ``{0,2,3}/``. Hidden points have guesses, marked as not visible.
Read as counting pixels from 1, as MATLAB does: unverified, no publication says it.

``aflw.sqlite`` of the original distribution knows neither a split nor where hidden points are (NaN
here); read as counting from 0, as its authors' tools in C++ do (unverified). Without the .mat all
its faces are training faces: a test split of ours would give numbers that compare with none.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.cofw68 import read_mat
from cadnet.data.sources.ibug import open_picture
from cadnet.faces import Array, Face

POINTS = 19
# The first 20000 of the permutation ``ra`` are the training faces, the rest are for tests. As a
# share, so that a smaller file of the same layout has both.
TRAIN, ALL = 20_000, 24_386
_MAT, _KEYS = "AFLWinfo_release.mat", ("nameList", "bbox", "data", "mask_new", "ra")
_SQLITE = ("aflw.sqlite", "data/aflw.sqlite", "aflw/data/aflw.sqlite")
_PICTURES = ("data/flickr", "aflw/data/flickr", ".")
# The 21 features of the original without the ears, 13 and 17.
_FEATURES = {feature: i for i, feature in enumerate((*range(1, 13), 14, 15, 16, *range(18, 22)))}

# Number, picture, (x, y, width, height) px, landmarks (19, 2) px, which are visible (19,).
Record = tuple[int, str, tuple[float, float, float, float], Array, NDArray[np.bool_]]


def read_sqlite(path: Path) -> Iterator[Record]:
    """The faces of the original database that have a rectangle, in the order of their ids.

    Raises:
        DataError: the file is cut off or no such database.
    """
    points: dict[int, Array] = defaultdict(lambda: np.full((POINTS, 2), np.nan))
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            for face, feature, x, y in database.execute(
                "SELECT face_id, feature_id, x, y FROM FeatureCoords"
            ):
                if feature in _FEATURES:
                    points[face][_FEATURES[feature]] = x, y
            rows = database.execute(
                "SELECT Faces.face_id, filepath, x, y, w, h FROM Faces"
                " JOIN FaceImages USING (file_id) JOIN FaceRect USING (face_id)"
                " ORDER BY Faces.face_id"
            ).fetchall()
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise DataError(f"{path}: is not AFLW's database ({error}); unpack it again") from error
    for face, name, *box in rows:
        x, y, width, height = (np.nan if value is None else float(value) for value in box)
        visible = np.asarray(np.isfinite(points[face]).all(axis=1))
        yield face, str(name), (x, y, width, height), points[face], visible


def read_release(path: Path, part: str) -> Iterator[Record]:
    """The faces of a part of ``AFLWinfo_release.mat``, by their rows, counted from 1.

    Raises:
        DataError: the file is cut off or not as published.
    """
    cells, *arrays = read_mat(path, *_KEYS)
    try:
        names = [str(cell.item()) for cell in cells.reshape(-1)]
        boxes, data, mask, order = (np.asarray(array, dtype=np.float64) for array in arrays)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: {', '.join(_KEYS)} are not as published ({error})") from error
    count, shapes = len(names), [boxes.shape, data.shape, mask.shape, order.shape]
    if shapes != [(count, 4), (count, 2 * POINTS), (count, POINTS), (1, count)]:
        raise DataError(
            f"{path}: bbox, data, mask_new, ra are {shapes} for {count} names; expected N × 4, "
            f"N × {2 * POINTS}, N × {POINTS}, 1 × N; download it again"
        )
    if not np.array_equal(np.sort(order[0]), np.arange(1, count + 1)):
        raise DataError(f"{path}: ra is no permutation of 1 … {count}; download it again")
    rows = order[0].astype(np.int64) - 1
    frontal, tested = (mask[rows] == 1).all(axis=1), np.arange(count) >= round(count * TRAIN / ALL)
    chosen = {"train": ~tested, "frontal": tested & frontal, "profile": tested & ~frontal}[part]
    for row in np.sort(rows[chosen]).tolist():
        left, right, top, bottom = boxes[row].tolist()
        box = (left - 1, top - 1, right - left, bottom - top)
        landmarks = data[row].reshape(2, POINTS).T - 1
        yield row + 1, names[row], box, landmarks, mask[row] == 1


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The training faces, or the test faces with all points visible or not; see ``Source.read``."""
    path = root / _MAT
    original = next((root / sub for sub in _SQLITE if (root / sub).is_file()), None)
    if path.is_file():
        records = read_release(path, part.name)
    elif original is not None and part.name == "train":
        yield DataError(
            f"{path}: is missing; without it there are no test faces. Download it from "
            "http://mmlab.ie.cuhk.edu.hk/projects/compositional.html"
        )
        path, records = original, read_sqlite(original)
    else:
        return
    try:
        for number, name, box, landmarks, visible in records:
            where = f"{path}: face {number} ({name})"
            image = next((p for sub in _PICTURES if (p := root / sub / name).is_file()), None)
            inside = (landmarks >= box[:2]) & (landmarks <= np.add(box[:2], box[2:]))
            if image is None:
                missing = root / _PICTURES[0] / name
                yield DataError(f"{missing}: is missing; unpack it from aflw-images-*.tar.gz")
            elif not (np.isfinite(box).all() and min(box[2:]) > 0):
                yield DataError(f"{where}: the box {box} has no size; correct or remove the face")
            elif not np.isfinite(landmarks[visible]).all():
                yield DataError(f"{where}: landmarks are not finite; correct or remove the face")
            elif visible.any() and not inside.all(axis=1).any():
                yield DataError(f"{where}: no landmark lies in the box {box}; correct the face")
            else:
                yield Face(
                    key=f"{part.split}/{number:05d}",
                    image=image,
                    landmarks=landmarks,
                    box=box,
                    split=part.split,
                    subset=part.subset,
                    scheme="aflw19",
                    visible=visible,
                    group=name,
                )
    except DataError as error:
        yield error


SOURCE = Source(
    name="aflw",
    scheme="aflw19",
    parts=(
        Part("train", TRAIN, "train", "train"),
        Part("frontal", 1314, "test", "frontal"),
        Part("profile", 3072, "test", "profile"),
    ),
    unions={"full": ("frontal", "profile")},
    read=read,
    open=open_picture,
    normaliser="box_width",
)
