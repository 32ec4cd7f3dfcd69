"""COFW68: the 68 landmarks for COFW's test pictures (Ghiasi and Fowlkes 2015).

Layout: COFW's own ``COFW_test_color.mat``, and from the cofw68-benchmark repository, beside it or
in ``COFW68_Data/``: ``test_annotations/<n>_points.mat`` (MATLAB 5: ``Points`` 68 × 2 px from 1,
``Occ`` 1 × 68, 1 = occluded) and ``cofw68_test_bboxes.mat`` (``bboxes`` N × 4: left, top, width,
height). n counts the pictures from 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray
from scipy.io.matlab import MatReadError

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.cofw import open_picture
from cadnet.faces import Array, Face

POINTS = 68
_BOXES = "cofw68_test_bboxes.mat"
# What SciPy raises on files that are cut off, changed or in MATLAB's later format.
_BROKEN = (
    OSError, ValueError, TypeError, KeyError, IndexError, EOFError, NotImplementedError,
    MatReadError, zlib.error, struct.error,
)  # fmt: skip


def read_mat(path: Path, *names: str) -> list[NDArray[Any]]:
    """Variables of a MATLAB 5 file.

    Raises:
        DataError: the file is missing, cut off, of another format, or lacks a variable.
    """
    try:
        held = scipy.io.loadmat(path, variable_names=names, appendmat=False)
    except _BROKEN as error:
        raise DataError(f"{path}: is no MATLAB 5 file ({error}); download it again") from error
    absent = [name for name in names if name not in held]
    if absent:
        raise DataError(f"{path}: holds no {', '.join(absent)}; download it again")
    return [held[name] for name in names]


def read_cofw68(folder: Path, number: int) -> tuple[Array, NDArray[np.bool_]]:
    """Landmarks (68, 2), 0-based px, and which are visible (68,), of a picture counted from 1.

    Raises:
        DataError: the file is missing or not as the module says.
    """
    path = folder / f"{number}_points.mat"
    points, occluded = read_mat(path, "Points", "Occ")
    if points.shape != (POINTS, 2) or occluded.shape != (1, POINTS):
        raise DataError(
            f"{path}: Points is {points.shape}, Occ {occluded.shape}; expected ({POINTS}, 2) and "
            f"(1, {POINTS}); download it again"
        )
    if points.dtype.kind not in "fiu" or not np.isfinite(points).all():
        raise DataError(f"{path}: Points are not all finite numbers; download it again")
    return points.astype(np.float64) - 1, occluded[0] == 0


def _boxes(path: Path, pictures: Path) -> Array:
    (boxes,) = read_mat(path, "bboxes")
    try:
        with h5py.File(pictures) as file:
            count = file["IsT"].size
    except (OSError, KeyError, AttributeError) as error:
        raise DataError(
            f"{pictures}: is not COFW's MATLAB 7.3 file ({error}); copy it from the COFW data"
        ) from error
    if boxes.shape != (count, 4) or boxes.dtype.kind not in "fiu":
        raise DataError(
            f"{path}: bboxes is {boxes.shape} {boxes.dtype}, expected ({count}, 4) numbers for the "
            f"pictures of {pictures.name}"
        )
    return boxes.astype(np.float64)


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The test faces; see ``Source.read``."""
    base = root / "COFW68_Data" if (root / "COFW68_Data").is_dir() else root
    folder, pictures = base / "test_annotations", root / "COFW_test_color.mat"
    if not folder.is_dir():
        return
    try:
        boxes = _boxes(base / _BOXES, pictures)
    except DataError as error:
        yield error
        return
    for i, (left, top, width, height) in enumerate(boxes):
        try:
            landmarks, visible = read_cofw68(folder, i + 1)
            if not min(width, height) > 0:
                raise DataError(f"{base / _BOXES}: row {i + 1} has no size; download it again")
        except DataError as error:
            yield error
            continue
        key = f"{part.name}/{i + 1:04d}"
        yield Face(
            key=key,
            image=pictures,
            landmarks=landmarks,
            box=(float(left) - 1, float(top) - 1, float(width), float(height)),
            split=part.split,
            subset=part.subset,
            visible=visible,
            group=key,
            index=i,
        )


SOURCE = Source(
    name="cofw68",
    scheme="ibug68",
    parts=(Part("test", 507, "test", "test"),),
    unions={},
    read=read,
    open=open_picture,
)
