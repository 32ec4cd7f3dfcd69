"""ISED: spontaneous expressions of 50 people of India in 428 clips (Happy et al. 2015), for tests.

How its owners lay it out is not published. The layout here is ours, one picture a clip, the frame
of the strongest expression: ``<emotion>/<subject>_<clip>.jpg`` (or .png), where ``<emotion>`` is
``happiness``, ``sadness``, ``surprise`` or ``disgust``. There are no landmarks: cut the
pictures to the face, with a little around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.ibug import PICTURES, box_of_cut_picture, open_picture
from cadnet.faces import EXPRESSIONS, Face

_FOLDERS = {"disgust": "disgust", "happiness": "happy", "sadness": "sad", "surprise": "surprise"}


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """All pictures, folder by folder, in the order of their names; see ``Source.read``."""
    for folder in sorted(root.glob("*")):
        if folder.name.startswith(".") or not folder.is_dir():
            continue
        if folder.name not in _FOLDERS:
            yield DataError(f"{folder}: is none of {', '.join(_FOLDERS)}; rename or remove it")
            continue
        for picture in sorted(folder.iterdir()):
            if picture.name.startswith(".") or picture.suffix.lower() not in PICTURES:
                continue
            subject, _, clip = picture.stem.partition("_")
            if not subject or not clip:
                yield DataError(f"{picture}: is not named <subject>_<clip>; rename or remove it")
                continue
            try:
                box = box_of_cut_picture(picture)
            except DataError as error:
                yield error
                continue
            yield Face(
                key=f"{folder.name}/{picture.stem}",
                image=picture,
                landmarks=None,
                box=box,
                split=part.split,
                subset=part.subset,
                group=subject,
                expression=EXPRESSIONS.index(_FOLDERS[folder.name]),
                subject=subject,
            )


SOURCE = Source(
    name="ised",
    scheme="ibug68",
    parts=(Part("images", 428, "test", "test"),),
    unions={},
    read=read,
    open=open_picture,
)
