"""What tests share: small datasets in the official layouts, made in a moment, and real ones."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from cadnet.params import Params, load

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def params() -> Params:
    """The smoke preset."""
    return load(ROOT / "params.yaml", {"preset": "smoke"})


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real photographs, where this machine has them."""
    folder = Path(os.environ.get("CADNET_REAL_DATA", ROOT.parent / "shared" / "real"))
    if not folder.is_dir():
        pytest.skip(f"no real photographs at {folder} (CADNET_REAL_DATA names their folder)")
    return folder


def write_pts(path: Path, landmarks: np.ndarray) -> None:
    """0-based landmarks as an official (1-based) .pts file."""
    lines = "\n".join(f"{x + 1:.6f} {y + 1:.6f}" for x, y in landmarks)
    path.write_text(f"version: 1\nn_points:  {len(landmarks)}\n{{\n{lines}\n}}\n")


def shape(rng: np.random.Generator, size: int = 100) -> np.ndarray:
    """68 landmarks that differ from face to face and lie inside a picture of that size."""
    return rng.uniform(0.25, 0.75, (68, 2)) * size


@pytest.fixture
def small_300w(tmp_path: Path) -> tuple[Path, dict[str, int]]:
    """300W with noise for faces: root and how many each part holds."""
    rng = np.random.default_rng(1)
    counts = {
        "afw": 4, "helen/trainset": 8, "lfpw/trainset": 4,
        "helen/testset": 3, "lfpw/testset": 2, "ibug": 3,
    }  # fmt: skip
    root = tmp_path / "300w"
    for part, count in counts.items():
        folder = root / part
        folder.mkdir(parents=True)
        for i in range(count):
            # Two faces a photograph, as in AFW; LFPW has one.
            name = f"{100 + i // 2}_{i % 2 + 1}" if part[0] in "ah" else f"image_{i:04d}"
            picture = rng.integers(0, 256, (100, 120, 3), dtype=np.uint8)
            suffix = ".png" if part.startswith("lfpw") else ".jpg"
            cv2.imwrite(str(folder / f"{name}{suffix}"), picture)
            write_pts(folder / f"{name}.pts", shape(rng))
    return root, counts
