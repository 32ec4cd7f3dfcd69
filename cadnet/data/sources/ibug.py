"""Pictures with a ``.pts`` file beside each: the layout of iBUG's datasets (300W, Menpo, …)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from cadnet.data.sources import DataError, Image
from cadnet.faces import Array, Face

PICTURES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp")


def read_pts(path: Path, points: int) -> Array:
    """Landmarks (points, 2), 0-based px, of a ``.pts`` file (which counts from 1).

    Raises:
        DataError: the file is cut off, holds another number of points, or a number is not finite.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="strict")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); restore it from the archive") from error
    head, brace, rest = text.partition("{")
    body, end, _ = rest.partition("}")
    if not brace or not end:
        raise DataError(f"{path}: no {{ … }} around the points; restore it from the archive")
    header = dict(line.split(":", 1) for line in head.splitlines() if ":" in line)
    declared = header.get("n_points", "").strip()
    if declared != str(points):
        raise DataError(f"{path}: n_points is {declared or 'missing'}, expected {points}")
    try:
        numbers = [
            [float(word) for word in line.split()] for line in body.split("\n") if line.strip()
        ]
        landmarks = np.array(numbers, dtype=np.float64)
    except ValueError as error:
        raise DataError(f"{path}: a line is not two numbers ({error})") from error
    if landmarks.shape != (points, 2):
        raise DataError(f"{path}: holds {len(numbers)} points, expected {points} of two numbers")
    if not np.isfinite(landmarks).all():
        bad = np.flatnonzero(~np.isfinite(landmarks).all(axis=1)).tolist()
        raise DataError(f"{path}: points {bad} (from 0) are not finite; correct or remove the face")
    return landmarks - 1


def pts_text(landmarks: Array) -> str:
    """0-based landmarks as the text of a .pts file, which counts from 1."""
    lines = "\n".join(f"{x + 1:.6f} {y + 1:.6f}" for x, y in landmarks)
    return f"version: 1\nn_points:  {len(landmarks)}\n{{\n{lines}\n}}\n"


def open_picture(face: Face) -> Image:
    """The face's picture, (H, W, 3) uint8 RGB, as stored: EXIF rotation is not applied, because
    the annotations were made on the stored pixels.

    Raises:
        DataError: the file is empty, cut off, or no picture.
    """
    try:
        with PIL.Image.open(face.image) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"{face.image}: is not a picture that can be decoded ({error}); "
            "restore it from the archive, or remove it and its annotation"
        ) from error


def box_of_cut_picture(path: Path) -> tuple[float, float, float, float]:
    """The face's box (x, y, width, height) px in a picture that was cut to it: its middle four
    fifths, so that the usual margin around it gives the picture again. Its header alone is read.

    Raises:
        DataError: the file is no picture.
    """
    try:
        with PIL.Image.open(path) as picture:
            width, height = picture.size
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"{path}: is not a picture ({error}); restore it from the archive, or remove it"
        ) from error
    return 0.1 * width, 0.1 * height, 0.8 * width, 0.8 * height


def pictures_with_points(folder: Path) -> tuple[list[tuple[Path, Path]], list[DataError]]:
    """(picture, .pts) pairs of a folder in the order of their names, and what has no partner."""
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    pictures = {path.stem: path for path in files if path.suffix.lower() in PICTURES}
    points = {path.stem: path for path in files if path.suffix.lower() == ".pts"}
    problems = [
        DataError(f"{pictures[stem]}: no {stem}.pts beside it; add it, or remove the picture")
        for stem in sorted(pictures.keys() - points.keys())
    ] + [
        DataError(f"{points[stem]}: no picture beside it; add it, or remove the .pts")
        for stem in sorted(points.keys() - pictures.keys())
    ]
    pairs = [(pictures[stem], points[stem]) for stem in sorted(pictures.keys() & points.keys())]
    return pairs, problems
