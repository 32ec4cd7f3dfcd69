"""AffectNet: faces of the web with an expression and 68 landmarks (Mollahosseini et al. 2017).

Two layouts are given out. Old: ``training.csv`` and ``validation.csv``, at the top or in
``Manually_Annotated_file_lists/``, name pictures at the top or in ``Manually_Annotated_Images/``;
rows without one of the eight expressions, or without a box, are no faces of the protocol. New:
``{train,val}_set/images/N.jpg``, pictures cut to the face, beside ``annotations/N_{exp,lnd}.npy``.
Valence and arousal are not read. Landmarks and boxes are px, taken as 0-based (unverified: the
layouts are those of the publication and of public code; no real file was available).

287,651 faces for training and 4,000 for validation; without contempt 283,901 and 3,500: a filter
of whoever uses the faces.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.ibug import PICTURES, box_of_cut_picture, open_picture
from cadnet.faces import EXPRESSIONS, Array, Face

POINTS = 68
_BOX = ("face_x", "face_y", "face_width", "face_height")
_COLUMNS = (
    "subDirectory_filePath", *_BOX, "facial_landmarks", "expression", "valence", "arousal",
)  # fmt: skip
_NO_EXPRESSION = (8, 9, 10)  # none, uncertain, no face
_PARTS = {"train": ("training.csv", "train_set"), "validation": ("validation.csv", "val_set")}


def _face(
    part: Part,
    name: str,
    picture: Path,
    box: tuple[float, ...],
    points: Array,
    code: float,
    at: str,
) -> Face:
    """One face; ``at`` is the place that a problem is reported for."""
    if code not in range(len(EXPRESSIONS)):
        raise DataError(f"{at}: expression {code:g} is none of 0-7; correct or remove the face")
    if points.size != 2 * POINTS or not np.isfinite(points).all():
        raise DataError(
            f"{at}: landmarks are {points.size} numbers, {np.isfinite(points).sum()} of them "
            f"finite, expected {2 * POINTS}; correct or remove the face"
        )
    x, y, width, height = box
    key = f"{part.name}/{name}"
    return Face(
        key=key,
        image=picture,
        landmarks=points.reshape(POINTS, 2),
        box=(x, y, width, height),
        split=part.split,
        subset=part.subset,
        group=key,
        expression=int(code),
    )


def _listed_face(part: Part, pictures: Path, row: dict[Any, Any], at: str) -> Face | None:
    if None in row or None in row.values():
        raise DataError(f"{at}: has more or fewer values than columns; correct or remove it")
    name, texts = row["subDirectory_filePath"], [row[column] for column in _BOX]
    try:
        code = int(row["expression"])
        # A row of the official file is said to hold NULL; faces not found have a width of -1.
        if code in _NO_EXPRESSION or "NULL" in texts:
            return None
        box = tuple(float(text) for text in texts)
        if not np.isfinite(box).all():
            raise ValueError(f"box {texts}")
        if min(box[2:]) <= 0:
            return None
        points = np.array([float(text) for text in row["facial_landmarks"].split(";")])
    except ValueError as error:
        raise DataError(f"{at}: holds what is no number ({error}); correct or remove it") from error
    if not (pictures / name).is_file():
        raise DataError(f"{at}: {pictures / name} is missing; restore it from the archive")
    return _face(part, name, pictures / name, box, points, code, at)


def _listed(root: Path, part: Part, table: Path) -> Iterator[Face | DataError]:
    pictures = root / "Manually_Annotated_Images"
    pictures = pictures if pictures.is_dir() else root
    try:
        with table.open(newline="", encoding="utf-8") as file:
            first = next(csv.reader(file), [])
            # validation.csv is around with and without a line of column names.
            bare = len(first) == len(_COLUMNS) and not set(first) & set(_COLUMNS)
            file.seek(0)
            rows = csv.DictReader(file, _COLUMNS if bare else None)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                yield DataError(f"{table}: has no column {', '.join(missing)}; download it again")
                return
            for row in rows:
                try:
                    face = _listed_face(part, pictures, row, f"{table}: line {rows.line_num}")
                except DataError as error:
                    yield error
                    continue
                if face is not None:
                    yield face
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        yield DataError(f"{table}: cannot be read to its end ({error}); download it again")


def _numbers(path: Path) -> Array:
    try:
        with path.open("rb") as file:
            # Only .npy, never a pickle. _exp.npy may hold its number as text.
            stored = np.lib.format.read_array(file, allow_pickle=False)
        return stored.astype(np.float64).reshape(-1)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); restore it from the archive") from error


def _in_folder(folder: Path, part: Part) -> Iterator[Face | DataError]:
    images, annotations = folder / "images", folder / "annotations"
    if not images.is_dir():
        yield DataError(f"{folder}: has no images/; restore it from the archive")
        return
    for name in sorted(path.name for path in images.iterdir()):
        picture = images / name
        if name.startswith(".") or picture.suffix.lower() not in PICTURES:
            continue
        label = annotations / f"{picture.stem}_exp.npy"
        try:
            code = _numbers(label)
            if code.size != 1:
                raise DataError(f"{label}: holds {code.size} numbers, expected 1; restore it")
            points = _numbers(annotations / f"{picture.stem}_lnd.npy")
            box = box_of_cut_picture(picture)
            face = _face(part, picture.stem, picture, box, points, float(code[0]), f"{picture}")
        except DataError as error:
            yield error
            continue
        yield face


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The faces of one part, in the order of the list, or of the names; see ``Source.read``."""
    table, folder = (root / name for name in _PARTS[part.name])
    if not table.is_file():
        table = root / "Manually_Annotated_file_lists" / table.name
    if table.is_file() and folder.is_dir():
        yield DataError(f"{root}: holds {table.name} and {folder.name}/, the same faces; keep one")
    elif table.is_file():
        yield from _listed(root, part, table)
    elif folder.is_dir():
        yield from _in_folder(folder, part)


SOURCE = Source(
    name="affectnet",
    scheme="ibug68",
    parts=(Part("train", 287651, "train", "train"), Part("validation", 4000, "test", "test")),
    unions={},
    read=read,
    open=open_picture,
)
