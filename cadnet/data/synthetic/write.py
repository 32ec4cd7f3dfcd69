"""Built-in faces in the official layouts of 300W and COFW.

Face i of a part depends on seed, dataset, part and i alone: a larger count keeps the faces it had.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import h5py
import numpy as np

from cadnet.data.synthetic.expressions import EMOTIONS
from cadnet.data.synthetic.faces import Style, SyntheticFace, render
from cadnet.faces import Array, comparable_points, tight_box

MILD = Style()
HARD = Style(
    yaw=22.0,
    pitch=10.0,
    roll=14.0,
    expressions={"casual": 0.3, **dict.fromkeys(EMOTIONS, 0.1)},
    strength=(0.5, 1.2),
    occluded=0.6,
    light=1.3,
    blur=1.2,
    noise=9.0,
)
OCCLUDED = Style(yaw=16.0, pitch=8.0, roll=11.0, strength=(0.3, 1.1), occluded=0.75)

_W300 = {
    "afw": MILD,
    "helen/trainset": MILD,
    "lfpw/trainset": MILD,
    "helen/testset": MILD,
    "lfpw/testset": MILD,
    "ibug": HARD,
}
# A share of hard faces among the mild: 300W's training pictures hold some, and a model that never
# saw an occluder says nothing about occlusion.
_HARD_SHARE = 0.3


def _rng(seed: int, *names: str | int) -> np.random.Generator:
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def _encode(image: np.ndarray, suffix: str) -> bytes:
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix == ".jpg" else []
    ok, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    assert ok
    return data.tobytes()


def pts(landmarks: Array) -> str:
    """0-based landmarks as the text of a .pts file, which counts from 1."""
    lines = "\n".join(f"{x + 1:.6f} {y + 1:.6f}" for x, y in landmarks)
    return f"version: 1\nn_points:  {len(landmarks)}\n{{\n{lines}\n}}\n"


def _name_300w(part: str, i: int) -> str:
    if part == "ibug":  # some of the real names hold a space
        return f"image_{i + 1:03d} _01" if i % 10 == 9 else f"image_{i + 1:03d}"
    if part.startswith("lfpw"):
        return f"image_{i + 1:04d}"
    return f"{1_000_000 + i}_1"


def face_300w(seed: int, part: str, i: int, size: int) -> SyntheticFace:
    """Face i of a part of the built-in 300W."""
    rng = _rng(seed, "300w", part, i)
    hard = _W300[part] is MILD and rng.random() < _HARD_SHARE
    return render(rng, HARD if hard else _W300[part], size)


def write_300w(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """The six folders of 300W, and ``occlusion.csv`` with the truth that 300W itself lacks.

    Args:
        counts: faces a folder, by its official name.
        size: side of the pictures in px.
    """
    labels = ["key," + ",".join(map(str, range(68)))]
    for part, count in counts.items():
        (root / part).mkdir(parents=True)
        suffix = ".png" if part.startswith("lfpw") else ".jpg"
        for i in range(count):
            face, name = face_300w(seed, part, i, size), _name_300w(part, i)
            (root / part / f"{name}{suffix}").write_bytes(_encode(face.image, suffix))
            (root / part / f"{name}.pts").write_text(pts(face.landmarks), encoding="ascii")
            labels.append(f"{part}/{name}," + ",".join("01"[not seen] for seen in face.visible))
    (root / "occlusion.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")


# --- COFW -----------------------------------------------------------------------------------------

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
    return render(_rng(seed, "cofw", part, i), OCCLUDED, size)


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
            boxes[:, i] = _detected(face, _rng(seed, "cofw-box", part, i))
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
