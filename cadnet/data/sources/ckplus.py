"""CK+: posed expressions, filmed from neutral to their peak (Lucey et al. 2010).

Layout: ``cohn-kanade-images/S005/001/S005_001_00000011.png``, a folder a sequence;
``Emotion/S005/001/S005_001_00000011_emotion.txt``, the label of the sequence, named after its last
frame; ``Landmarks/S005/001/S005_001_00000011_landmarks.txt``, 68 lines "x y", one file a frame. 327
of the 593 sequences have a label, which is taken to hold for their last three frames: 981 pictures,
all for testing. Landmarks are px, taken as 0-based (unverified: the layout is that of CK+'s own
readme; no real file was available).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cadnet.data.sources import DataError, Part, Source
from cadnet.data.sources.ibug import open_picture
from cadnet.faces import EXPRESSIONS, Array, Face, tight_box

POINTS = 68
FRAMES = 3
# CK+'s codes are positions in this list.
_CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")


def _numbers(path: Path) -> list[list[float]]:
    """The numbers of a text file, line by line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [[float(word) for word in line.split()] for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); restore it from the archive") from error


def _expression(path: Path) -> int:
    numbers = _numbers(path)
    if [len(line) for line in numbers] != [1] or numbers[0][0] not in range(len(_CODES)):
        raise DataError(f"{path}: {numbers} is not one code of 0-7; restore it from the archive")
    return EXPRESSIONS.index(_CODES[int(numbers[0][0])])


def _landmarks(path: Path) -> Array:
    numbers = _numbers(path)
    if [len(line) for line in numbers] != [2] * POINTS or not np.isfinite(numbers).all():
        raise DataError(
            f"{path}: is not {POINTS} points of two finite numbers ({len(numbers)} lines); "
            "restore it from the archive"
        )
    return np.array(numbers)


def _frames(folder: Path, label: Path) -> list[Path]:
    """The frames that a label holds for, in their order."""
    frames = sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))
    last = label.name.removesuffix("_emotion.txt")
    if len(frames) < FRAMES or last not in {path.stem for path in frames}:
        raise DataError(
            f"{folder}: holds {len(frames)} frames, expected {FRAMES} or more with {last}.png, "
            f"which {label.name} is for; restore the folder from the archive"
        )
    return frames[-FRAMES:]


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The last three frames of each sequence that has a label; see ``Source.read``."""
    images, labels = root / part.name, root / "Emotion"
    if not images.is_dir():
        return
    if not labels.is_dir():
        yield DataError(f"{labels}: is missing; unpack Emotion_labels.zip beside {part.name}/")
        return
    for label in sorted(labels.glob("*/*/*_emotion.txt")):
        if label.name.startswith("."):
            continue
        subject, sequence = label.parts[-3:-1]
        video = f"{subject}/{sequence}"
        try:
            expression = _expression(label)
            frames = _frames(images / video, label)
        except DataError as error:
            yield error
            continue
        for frame in frames:
            try:
                landmarks = _landmarks(root / "Landmarks" / video / f"{frame.stem}_landmarks.txt")
            except DataError as error:
                yield error
                continue
            yield Face(
                key=f"{video}/{frame.stem}",
                image=frame,
                landmarks=landmarks,
                box=tight_box(landmarks),
                split=part.split,
                subset=part.subset,
                group=subject,
                expression=expression,
                subject=subject,
                video=video,
            )


SOURCE = Source(
    name="ckplus",
    scheme="ibug68",
    parts=(Part("cohn-kanade-images", 981, "test", "test"),),
    unions={},
    read=read,
    open=open_picture,
)
