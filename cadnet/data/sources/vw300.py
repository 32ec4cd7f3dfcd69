"""300VW: videos with 68 landmarks in every frame (Shen et al. 2015).

Layout: ``<id>/vid.avi`` and ``<id>/annot/000001.pts`` …: the file's name is the frame, from 1. The
test videos come in three categories: well lit, unconstrained, hard.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cadnet.data.sources import DataError, Image, Part, Source
from cadnet.data.sources.ibug import read_pts
from cadnet.faces import Face, tight_box

if TYPE_CHECKING:
    import av

POINTS = 68
VIDEOS = {
    "train": (
        1, 2, 3, 4, 7, 9, 10, 11, 13, 15, 16, 17, 18, 19, 20, 22, 25, 27, 28, 29, 31, 33, 34, 35,
        37, 39, 41, 43, 44, 46, 47, 48, 49, 53, 57, 59, 112, 113, 115, 119, 120, 123, 138, 143,
        144, 160, 204, 205, 223, 225,
    ),
    "category1": (
        114, 124, 125, 126, 150, 158, 401, 402, 505, 506, 507, 508, 509, 510, 511, 514, 515, 518,
        519, 520, 521, 522, 524, 525, 537, 538, 540, 541, 546, 547, 548,
    ),
    "category2": (
        203, 208, 211, 212, 213, 214, 218, 224, 403, 404, 405, 406, 407, 408, 409, 412, 550, 551,
        553,
    ),
    "category3": (410, 411, 516, 517, 526, 528, 529, 530, 531, 533, 557, 558, 559, 562),
}  # fmt: skip


def read(root: Path, part: Part) -> Iterator[Face | DataError]:
    """The annotated frames of the videos of a part that are there, in their order; see
    ``Source.read``. No video is decoded here."""
    for number in VIDEOS[part.name]:
        folder = root / f"{number:03d}"
        if folder.is_dir():  # how many there are is counted
            yield from _frames(folder, part)


def _frames(folder: Path, part: Part) -> Iterator[Face | DataError]:
    video, annotations = folder / "vid.avi", folder / "annot"
    numbered: list[tuple[int, Path]] = []
    for path in sorted(annotations.glob("[!.]*.pts")):
        if re.fullmatch(r"0*[1-9][0-9]*", path.stem):
            numbered.append((int(path.stem), path))
        else:
            yield DataError(f"{path}: is not named by a frame, from 000001; rename or remove it")
    if not video.is_file():
        yield DataError(f"{video}: is missing; restore it from the archive")
    elif not numbered:
        yield DataError(f"{annotations}: holds no 000001.pts …; restore it from the archive")
    else:
        for number, path in sorted(numbered):
            try:
                landmarks = read_pts(path, POINTS)
            except DataError as error:
                yield error
                continue
            yield Face(
                key=f"{folder.name}/{number:06d}",
                image=video,
                landmarks=landmarks,
                box=tight_box(landmarks),
                split=part.split,
                subset=part.subset,
                group=folder.name,
                index=number - 1,
                video=folder.name,
            )


def _decoded(path: Path) -> Iterator[av.VideoFrame | None]:
    """The frames of an AVI in their order; None for one that is damaged."""
    import av

    with av.open(str(path)) as container:
        # The chunks of an AVI are its frames, and ``dts`` counts them. Frames come out in order,
        # whatever order they were coded in, so the oldest chunk that waits says which one it is.
        waiting: deque[int] = deque()
        position, shown = 0, None
        for packet in container.demux(video=0):
            reordered = container.streams.video[0].codec_context.has_b_frames
            if packet.dts is not None:
                waiting.append(packet.dts)
            found: list[av.VideoFrame | None] = []
            try:
                found += packet.decode()
            except av.FFmpegError:
                if reordered:  # nothing says how many frames are lost: all later ones would shift
                    raise
            if not reordered:  # a damaged chunk gives nothing, with or without an error
                found += [None] * (len(waiting) - len(found))
            for frame in found:
                number = waiting.popleft() if waiting else position
                while position < number:  # an empty chunk: the frame before it stays
                    position += 1
                    yield shown
                position += 1
                shown = None if frame is None or frame.is_corrupt else frame
                yield shown


class _Video:
    """Frames of one video by their index; decodes on from the last one, or again from the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._restart()

    def _restart(self) -> None:
        self._frames, self._index = _decoded(self._path), -1
        self._frame: av.VideoFrame | None = None

    def frame(self, index: int) -> av.VideoFrame | None:
        """Raises ``StopIteration`` after the last one."""
        if index < self._index:
            self._restart()
        while self._index < index:
            self._frame = next(self._frames)
            self._index += 1
        return self._frame


_video = lru_cache(maxsize=1)(_Video)


def open_picture(face: Face) -> Image:
    """The face's frame, (H, W, 3) uint8 RGB. Fast in the order of the frames; an earlier one
    decodes the video from its start.

    Raises:
        DataError: the video cannot be decoded, is shorter, or the frame is damaged.
    """
    import av

    assert face.index is not None
    where = f"{face.image}: frame {face.index + 1}"
    try:
        frame = _video(face.image).frame(face.index)
    except StopIteration as error:
        raise DataError(
            f"{where}: the video ends before it; restore it from the archive, or remove the "
            "annotations of later frames"
        ) from error
    except (av.FFmpegError, OSError, IndexError) as error:
        raise DataError(f"{where}: cannot be decoded ({error}); restore the video") from error
    if frame is None:
        raise DataError(f"{where}: is damaged; restore the video, or remove the frame's .pts")
    return np.asarray(frame.to_ndarray(format="rgb24"))


def clips(faces: Sequence[Face], length: int = 5) -> NDArray[np.int64]:
    """Windows of consecutive frames of one video, none in two windows: positions in ``faces``,
    (windows, length). What is left over before a gap or at an end is in none."""
    windows: list[list[int]] = []
    window: list[int] = []
    for position, face in enumerate(faces):
        before = faces[position - 1]
        follows = (before.video, before.index) == (face.video, (face.index or 0) - 1)
        window = [*window, position] if window and follows else [position]
        if len(window) == length:
            windows.append(window)
            window = []
    return np.array(windows, dtype=np.int64).reshape(-1, length)


SOURCE = Source(
    name="300vw",
    scheme="ibug68",
    parts=(
        Part("train", 50, "train", "train"),
        Part("category1", 31, "test", "category1"),
        Part("category2", 19, "test", "category2"),
        Part("category3", 14, "test", "category3"),
    ),
    unions={},
    read=read,
    open=open_picture,
    counted="videos",
)
