"""COFW: faces under heavy occlusion (Burgos-Artizzu et al. 2013), two MATLAB 7.3 files.

``COFW_{train,test}_color.mat`` hold pictures, 29 landmarks with their occlusion, and a face
detector's boxes. A model of 68 points is tested on the 27 points that the two schemes share.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np

from cadnet.data.sources import DataError, Image, Part, Source
from cadnet.faces import Face

POINTS = 29
_FILES = {"train": ("COFW_train_color.mat", "Tr"), "test": ("COFW_test_color.mat", "T")}


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The faces of the training or the test file; see ``Source.read``."""
    name, suffix = _FILES[part.name]
    path = root / name
    if not path.is_file():
        return
    try:
        with h5py.File(path) as file:
            annotations = np.asarray(file[f"phis{suffix}"], dtype=np.float64)
            boxes = np.asarray(file[f"bboxes{suffix}"], dtype=np.float64)
            pictures = file[f"Is{suffix}"].size
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        yield DataError(f"{path}: is not COFW's MATLAB 7.3 file ({error}); download it again")
        return
    if annotations.shape != (3 * POINTS, pictures) or boxes.shape != (4, pictures):
        yield DataError(
            f"{path}: phis{suffix} is {annotations.shape}, bboxes{suffix} {boxes.shape} for "
            f"{pictures} pictures; expected ({3 * POINTS}, {pictures}) and (4, {pictures})"
        )
        return
    for i in range(pictures):
        x, y, occluded = annotations[:, i].reshape(3, POINTS)
        landmarks = np.stack([x, y], axis=1) - 1
        key = f"{part.name}/{i + 1:04d}"
        if not np.isfinite(landmarks).all():
            yield DataError(f"{path}: face {i + 1} has landmarks that are not finite")
            continue
        left, top, width, height = boxes[:, i]
        yield Face(
            key=key,
            image=path,
            landmarks=landmarks,
            box=(left - 1, top - 1, width, height),
            split=part.split,
            subset=part.subset,
            scheme="cofw29",
            visible=occluded == 0,
            group=key,
            index=i,
        )


@lru_cache(maxsize=2)
def _container(path: Path) -> h5py.File:
    return h5py.File(path)


def open_picture(face: Face) -> Image:
    """The face's picture, (H, W, 3) uint8 RGB; grey ones are repeated over the channels."""
    assert face.index is not None
    file = _container(face.image)
    suffix = _FILES[face.split][1]
    pixels = None
    # The container's chunk may be cut off even where its tables are whole.
    with contextlib.suppress(OSError, KeyError, ValueError):
        pixels = np.asarray(file[file[f"Is{suffix}"][()].reshape(-1)[face.index]])
    if pixels is None or pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise DataError(f"{face.image}: picture {face.index + 1} cannot be read; download it again")
    if pixels.ndim == 2:  # MATLAB's H × W lies transposed in HDF5
        return np.repeat(pixels.T[..., None], 3, axis=2)
    return np.ascontiguousarray(pixels.transpose(2, 1, 0))


SOURCE = Source(
    name="cofw",
    scheme="cofw29",
    parts=(Part("train", 1345, "train", "train"), Part("test", 507, "test", "test")),
    unions={},
    read=read,
    open=open_picture,
)
