"""Menpo 2D: semi-frontal faces with 68 landmarks, profiles with 39 (Zafeiriou et al. 2017).

Layout: pictures, each beside a ``.pts`` that says how many points it has, in any folders: those of
the release are unverified. Folders without any ``.pts`` are not read: the test pictures came so.

Both datasets are read from the same folder, each leaving the other's faces out. A profile has one
eye: its errors are divided by the width of the box around its points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.ibug import open_picture, pictures_with_points, read_pts
from cadnet.faces import SCHEMES, Face, tight_box

_POINTS = {scheme: SCHEMES[scheme].points for scheme in ("ibug68", "menpo39")}


def _declared(path: Path) -> int | None:
    """How many points a ``.pts`` says it has; None where it does not say."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            found = re.search(r"n_points:\s*(\d+)", file.read(200))
    except OSError:  # read_pts says why
        return None
    return int(found[1]) if found else None


def read(scheme: str, root: Path, part: Part) -> Iterator[Face | DataError]:
    """The faces of one scheme; see ``Source.read``. What is of neither is a problem of both."""
    others = {points for name, points in _POINTS.items() if name != scheme}
    folders = {path.parent for path in root.rglob("*") if path.suffix.lower() == ".pts"}
    for folder in sorted(folders):
        pairs, problems = pictures_with_points(folder)
        yield from problems
        for picture, points in pairs:
            if _declared(points) in others:
                continue
            try:
                landmarks = read_pts(points, _POINTS[scheme])
            except DataError as error:
                yield error
                continue
            key = picture.relative_to(root).with_suffix("").as_posix()
            yield Face(
                key=key,
                image=picture,
                landmarks=landmarks,
                box=tight_box(landmarks),
                split=part.split,
                subset=part.subset,
                scheme=scheme,
                group=key,
            )


SOURCE = Source(
    name="menpo",
    scheme="ibug68",
    parts=(Part("train", 5658, "train", "train"),),
    unions={},
    read=partial(read, "ibug68"),
    open=open_picture,
)
PROFILE = Source(
    name="menpo_profile",
    scheme="menpo39",
    parts=(Part("train", 1906, "train", "train"),),
    unions={},
    read=partial(read, "menpo39"),
    open=open_picture,
    normaliser="box_width",
)
