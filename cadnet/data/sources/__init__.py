"""One file a dataset: what its official layout holds, and how it becomes ``Face`` records.

A new dataset is a new module with ``SOURCE`` in it and a line in ``SOURCE_MODULES``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cadnet.faces import Face

# Where each dataset is read; by name, so that one reader's job neither loads nor depends on others.
SOURCE_MODULES = {
    "300w": "cadnet.data.sources.w300",
    "menpo": "cadnet.data.sources.menpo",
    "menpo_profile": "cadnet.data.sources.menpo",
    "cofw": "cadnet.data.sources.cofw",
    "cofw68": "cadnet.data.sources.cofw68",
    "aflw": "cadnet.data.sources.aflw",
    "300vw": "cadnet.data.sources.vw300",
    "affectnet": "cadnet.data.sources.affectnet",
    "ckplus": "cadnet.data.sources.ckplus",
    "jaffe": "cadnet.data.sources.jaffe",
    "ised": "cadnet.data.sources.ised",
}
# Two kinds of faces in one folder of the user's are two datasets.
FOLDERS = {"menpo_profile": "menpo"}
MANIFEST = "SHA256SUMS"  # lists what was generated; `sha256sum --check` reads it too
Image = NDArray[np.uint8]


class DataError(Exception):
    """A dataset's file or folder is not as its format says; names it and what to do."""


@dataclass(frozen=True)
class Part:
    """A folder or container of a dataset, as its authors split it."""

    name: str
    expected: int
    split: str
    subset: str


@dataclass(frozen=True)
class Source:
    """How a dataset is read.

    Attributes:
        name: the folder's name under ``data/raw``.
        scheme: landmark scheme of its annotations.
        parts: its official parts and how many faces each holds.
        unions: subsets that are unions of others, e.g. ``full``.
        read: (root, part) → the part's faces in a fixed order. What cannot be read comes as the
            ``DataError`` that says why, in its place, so that the caller decides whether to go on.
        open: a face → its picture, (H, W, 3) uint8 RGB.
        normaliser: what errors are divided by: the distance of the outer eye corners, or the
            width of the face's box.
        counted: what a part's ``expected`` counts: faces, or videos.
    """

    name: str
    scheme: str
    parts: tuple[Part, ...]
    unions: Mapping[str, tuple[str, ...]]
    read: Callable[[Path, Part], Iterator[Face | DataError]]
    open: Callable[[Face], Image]
    normaliser: Literal["interocular", "box_width"] = "interocular"
    counted: Literal["faces", "videos"] = "faces"


def source(name: str) -> Source:
    """The dataset's source; its module, and what that imports, loads only now."""
    module = importlib.import_module(SOURCE_MODULES[name])
    found: Source = module.PROFILE if name == "menpo_profile" else module.SOURCE
    return found
