"""JAFFE: seven posed expressions of ten Japanese women (Lyons et al. 1998), all for testing.

213 grey TIFF files of 256 × 256 px, at the top or in ``jaffe/`` or ``jaffedbase/``, whose names say
all: ``KA.AN1.39.tiff`` is subject KA, anger, her first picture of it, number 39. There are neither
landmarks nor boxes: because the portraits are framed alike, one fixed region is taken for the face
(unverified: no real file was available).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.ibug import open_picture
from cadnet.faces import EXPRESSIONS, Face

BOX = (48.0, 56.0, 160.0, 176.0)  # x, y, width, height, px of the 256 × 256
_CODES = {
    "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happy",
    "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
_NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(_CODES)})\d+\.\d+")


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".tiff", ".tif") and not path.name.startswith(".")
    )


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """All pictures, in the order of their names; see ``Source.read``."""
    folders = (root, root / "jaffe", root / "jaffedbase")
    for picture in next(filter(None, map(_pictures, folders)), []):
        name = _NAME.fullmatch(picture.stem)
        if name is None:
            yield DataError(
                f"{picture}: is not named like KA.AN1.39.tiff, with one of {', '.join(_CODES)}; "
                "give it its official name, or remove it"
            )
            continue
        subject, code = name.groups()
        yield Face(
            key=picture.stem,
            image=picture,
            landmarks=None,
            box=BOX,
            split=part.split,
            subset=part.subset,
            group=subject,
            expression=EXPRESSIONS.index(_CODES[code]),
            subject=subject,
        )


SOURCE = Source(
    name="jaffe",
    scheme="ibug68",
    parts=(Part("images", 213, "test", "test"),),
    unions={},
    read=read,
    open=open_picture,
)
