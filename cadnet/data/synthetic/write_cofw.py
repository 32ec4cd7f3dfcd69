"""Built-in faces in the official layouts of COFW and COFW68."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np

from cadnet.data.synthetic.faces import SyntheticFace, render
from cadnet.data.synthetic.styles import OCCLUDED, generator
from cadnet.data.synthetic.write import save_mat
from cadnet.faces import Array, comparable_points, tight_box

# MATLAB reads these 128 bytes; the rest of the block is HDF5's to skip.
_MATLAB = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, written by cadnet (built-in faces)"


def cofw29(face: SyntheticFace) -> tuple[Array, np.ndarray]:
    """COFW's 29 landmarks (29, 2) and their occlusion (29,) of a face."""
    to_common, targets = comparable_points("ibug68", "cofw29")
    landmarks, occluded = np.zeros((29, 2)), np.zeros(29)
    where = targets.argmax(axis=1)
    landmarks[where] = to_common @ face.landmarks
    occluded[where] = (to_common @ ~face.visible) > 0.5
    landmarks[[5, 7]] = face.brow_lower
    occluded[[5, 7]] = occluded[[4, 6]]
    return landmarks, occluded


def face_cofw(seed: int, part: str, i: int, size: int) -> SyntheticFace:
    """Face i of a part of the built-in COFW."""
    return render(generator(seed, "cofw", part, i), OCCLUDED, size)


def _write_cofw_part(path: Path, part: str, suffix: str, count: int, seed: int, size: int) -> None:
    annotations, boxes = np.zeros((87, count)), np.zeros((4, count))
    with h5py.File(path, "w", userblock_size=512) as file:
        references = file.create_dataset(f"Is{suffix}", (1, count), dtype=h5py.ref_dtype)
        for i in range(count):
            face = face_cofw(seed, part, i, size)
            # MATLAB's H × W × 3 lies transposed in HDF5. A few of COFW's pictures are grey.
            pixels = face.image.transpose(2, 1, 0) if i % 16 != 7 else _grey(face.image).T
            stored = file.create_dataset(f"#refs#/{i:05d}", data=pixels)
            stored.attrs["MATLAB_class"] = np.bytes_("uint8")
            references[0, i] = stored.ref
            landmarks, occluded = cofw29(face)
            annotations[:, i] = np.concatenate([landmarks.T.reshape(-1) + 1, occluded])
            boxes[:, i] = _detected(face, generator(seed, "cofw-box", part, i))
        references.attrs["MATLAB_class"] = np.bytes_("cell")
        file[f"phis{suffix}"], file[f"bboxes{suffix}"] = annotations, boxes
        for name in (f"phis{suffix}", f"bboxes{suffix}"):
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
    with path.open("r+b") as raw:
        raw.write(_MATLAB.ljust(124) + b"\x00\x02IM")


def _grey(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _detected(face: SyntheticFace, rng: np.random.Generator) -> Array:
    """A box (x, y, width, height), counted from 1, as a detector gives it: a little off."""
    x, y, width, height = tight_box(face.landmarks)
    side = max(width, height)
    off = np.clip(rng.normal(0, 0.02, 4), -0.05, 0.05) * side
    box: Array = np.array([x + 1, y + 1, width, height]) + off
    return box


def write_cofw(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """COFW's two MATLAB 7.3 files; ``counts`` has ``train`` and ``test``."""
    for part, suffix in (("train", "Tr"), ("test", "T")):
        path = root / f"COFW_{part}_color.mat"
        _write_cofw_part(path, part, suffix, counts[part], seed, size)


def write_cofw68(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """The faces of COFW's test file with 68 landmarks; ``counts`` has ``test``."""
    folder = root / "COFW68_Data" / "test_annotations"
    folder.mkdir(parents=True)
    _write_cofw_part(root / "COFW_test_color.mat", "test", "T", counts["test"], seed, size)
    boxes = []
    for i in range(counts["test"]):
        face = face_cofw(seed, "test", i, size)
        table = {"Points": face.landmarks + 1, "Occ": ~face.visible[None]}
        save_mat(folder / f"{i + 1}_points.mat", table)
        boxes.append(np.round(np.array(tight_box(face.landmarks)) + (1, 1, 0, 0)).astype(np.int16))
    save_mat(folder.parent / "cofw68_test_bboxes.mat", {"bboxes": np.array(boxes)})
