"""Built-in faces in the official layouts of 300W, Menpo and AFLW.

Face i of a part depends on seed, dataset, part and i alone: a larger count keeps the faces it had.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import scipy.io

from cadnet.data.sources.ibug import pts_text
from cadnet.data.synthetic.faces import SyntheticFace, render
from cadnet.data.synthetic.styles import HARD, MILD, WIDE, generator
from cadnet.faces import conversion, tight_box

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


def encode(image: np.ndarray, suffix: str) -> bytes:
    """An RGB picture as a file of that type."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix == ".jpg" else []
    ok, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
    assert ok
    return data.tobytes()


def save_mat(path: Path, table: dict[str, np.ndarray]) -> None:
    """Variables as a MATLAB 5 file, without the time of day that its header would hold."""
    scipy.io.savemat(path, table)
    with path.open("r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file, written by cadnet (built-in faces)".ljust(116))


def _name_300w(part: str, i: int) -> str:
    if part == "ibug":  # some of the real names hold a space
        return f"image_{i + 1:03d} _01" if i % 10 == 9 else f"image_{i + 1:03d}"
    if part.startswith("lfpw"):
        return f"image_{i + 1:04d}"
    return f"{1_000_000 + i}_1"


def face_300w(seed: int, part: str, i: int, size: int) -> SyntheticFace:
    """Face i of a part of the built-in 300W."""
    rng = generator(seed, "300w", part, i)
    hard = _W300[part] is MILD and rng.random() < _HARD_SHARE
    return render(rng, HARD if hard else _W300[part], size)


def write_300w(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """The six folders of 300W, and ``occlusion.csv`` with the truth that 300W itself lacks.

    Args:
        counts: faces a folder, by its official name.
        size: side of the pictures in px.
    """
    labels = ["key," + ",".join(map(str, range(68)))]
    for part in _W300:
        (root / part).mkdir(parents=True)
        suffix = ".png" if part.startswith("lfpw") else ".jpg"
        for i in range(counts[part]):
            face, name = face_300w(seed, part, i, size), _name_300w(part, i)
            (root / part / f"{name}{suffix}").write_bytes(encode(face.image, suffix))
            (root / part / f"{name}.pts").write_text(pts_text(face.landmarks), encoding="ascii")
            labels.append(f"{part}/{name}," + ",".join("01"[not seen] for seen in face.visible))
    (root / "occlusion.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")


def write_menpo(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """Menpo's semi-frontal faces, each beside its 68 points; ``counts`` has ``train``."""
    folder = root / "semifrontal"
    folder.mkdir(parents=True)
    for i in range(counts["train"]):
        face = render(generator(seed, "menpo", i), WIDE if i % 3 == 0 else HARD, size)
        (folder / f"aflw__face_{i:05d}.jpg").write_bytes(encode(face.image, ".jpg"))
        (folder / f"aflw__face_{i:05d}.pts").write_text(pts_text(face.landmarks), encoding="ascii")


def _aflw_faces(seed: int, part: str, size: int) -> Iterator[SyntheticFace]:
    """Faces of a part without end: all points of frontal ones are seen, of profile ones not all."""
    to19, _ = conversion("ibug68", "aflw19")
    for i in itertools.count():
        face = render(generator(seed, "aflw", part, i), WIDE, size)
        frontal = bool((to19 @ ~face.visible < 0.5).all())
        if part == "train" or frontal == (part == "frontal"):
            yield face


def write_aflw(root: Path, *, counts: dict[str, int], seed: int, size: int) -> None:
    """AFLW's pictures and ``AFLWinfo_release.mat``; ``counts`` has train, frontal and profile."""
    to19, _ = conversion("ibug68", "aflw19")
    folder = root / "data" / "flickr" / "0"
    folder.mkdir(parents=True)
    names: list[str] = []
    boxes, data, masks = [], [], []
    for part in ("train", "frontal", "profile"):  # training faces come first in ``ra``
        for face in itertools.islice(_aflw_faces(seed, part, size), counts[part]):
            name = f"0/image{len(names):05d}.jpg"
            (folder.parent / name).write_bytes(encode(face.image, ".jpg"))
            x, y, width, height = tight_box(face.landmarks)
            names.append(name)
            boxes.append((x, x + width, y, y + height))
            data.append((to19 @ face.landmarks).T.reshape(-1))
            masks.append(to19 @ ~face.visible < 0.5)
    table = {
        "bbox": np.array(boxes) + 1,
        "data": np.array(data) + 1,
        "mask_new": np.array(masks, dtype=np.float64),
        "nameList": np.array(names, dtype=object)[:, None],
        "ra": np.arange(1, len(names) + 1, dtype=np.float64)[None],
    }
    save_mat(root / "AFLWinfo_release.mat", table)
