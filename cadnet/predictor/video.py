"""Videos: faces are found every few frames, followed, looked at in every frame, and calmed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from cadnet import job
from cadnet.data.sources import Image
from cadnet.faces import Array
from cadnet.predictor.detect import Box
from cadnet.predictor.draw import paint
from cadnet.predictor.model import Crops, FacePrediction, Predictor
from cadnet.predictor.pictures import PredictionError
from cadnet.predictor.smooth import both_ways
from cadnet.predictor.tracks import follow
from cadnet.provenance import atomic_path

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
_EVERY = 5  # frames from one look for faces to the next
_AT_ONCE = 32  # frames that are held in memory, about


def frames(path: Path) -> Iterator[Image]:
    """The frames of a video, (H, W, 3) uint8 RGB; those that are damaged are left out.

    Raises:
        PredictionError: the file is no video.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise PredictionError(f"{path}: holds no pictures")
            for packet in container.demux(video=0):
                try:
                    decoded = packet.decode()
                except av.error.InvalidDataError:
                    continue
                for frame in decoded:
                    pixels: Image = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                    yield pixels
    except (av.FFmpegError, OSError) as error:
        raise PredictionError(f"{path}: cannot be read as a video ({error})") from error


def _rate(path: Path) -> Fraction:
    """Frames a second."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return Fraction(stream.average_rate or stream.guessed_rate or 25)


def look(predictor: Predictor, path: Path) -> list[tuple[int, list[Box]]]:
    """A first pass: where faces are in every few frames and the last.

    Raises:
        PredictionError: it has no frame that can be read.
    """
    looks, last, index = [], None, -1
    for index, frame in enumerate(job.bar(frames(path), desc=f"look {path.name}", unit="frame")):
        last = frame
        if index % _EVERY == 0:
            looks.append((index, predictor.detect(frame)))
    if last is None:
        raise PredictionError(f"{path}: has no frame that can be read")
    if index % _EVERY:
        looks.append((index, predictor.detect(last)))
    return looks


def predict_video(
    predictor: Predictor, path: Path, *, smooth: bool = True, overlay: Path | None = None
) -> list[dict[int, FacePrediction]]:
    """The faces of each frame, by their number in the video.

    Args:
        smooth: calm the landmarks (``cadnet.predictor.smooth.both_ways``).
        overlay: where to write the video with the faces drawn over it.

    Raises:
        PredictionError: the file is no video, or has no frame.
    """
    tracks = [track.every_frame() for track in follow(look(predictor, path))]
    rate = _rate(path)
    shown: list[dict[int, FacePrediction]] = []
    for first, pictures in _chunks(path, predictor.frames):
        shown += _predict(predictor, first, pictures, tracks)
    if smooth:
        for number in range(len(tracks)):
            _calm(shown, number, float(1 / rate))
    if overlay:
        with _writer(overlay, rate) as write:
            for picture, faces in zip(frames(path), shown, strict=True):
                write(picture, list(faces.values()))
    return shown


def _calm(shown: list[dict[int, FacePrediction]], number: int, seconds: float) -> None:
    """Smooths one face over all its frames, in place."""
    where = [faces for faces in shown if number in faces]
    said = [faces[number].landmarks for faces in where]
    points = [landmarks for landmarks in said if landmarks is not None]
    if points and len(points) == len(where):
        for faces, calm in zip(where, both_ways(np.stack(points), seconds), strict=True):
            faces[number] = replace(faces[number], landmarks=calm)


def _chunks(path: Path, clip: int) -> Iterator[tuple[int, list[Image]]]:
    """Frames in runs of whole clips, each with the number of its first."""
    length, first, pictures = max(1, _AT_ONCE // clip) * clip, 0, []
    for index, frame in enumerate(job.bar(frames(path), desc=path.name, unit="frame")):
        pictures.append(frame)
        if len(pictures) == length:
            yield first, pictures
            first, pictures = index + 1, []
    if pictures:
        yield first, pictures


def _predict(
    predictor: Predictor, first: int, pictures: list[Image], tracks: list[tuple[int, Array]]
) -> list[dict[int, FacePrediction]]:
    """The faces of some frames, by number; one face's frames are looked at together."""
    parts: list[Crops] = []
    whose: list[tuple[int, int]] = []
    for number, (begin, boxes) in enumerate(tracks):
        for offset, picture in enumerate(pictures):
            at = first + offset - begin
            if 0 <= at < len(boxes):
                box = tuple(boxes[at].tolist())
                parts.append(predictor.crops(picture, [box], video=str(number)))
                whose.append((offset, number))
    shown: list[dict[int, FacePrediction]] = [{} for _ in pictures]
    if parts:
        for (offset, number), face in zip(
            whose, predictor.predict_crops(Crops.together(parts)), strict=True
        ):
            shown[offset][number] = face
    return shown


@contextlib.contextmanager
def _writer(out: Path, rate: Fraction) -> Iterator[Callable[[Image, list[FacePrediction]], None]]:
    """Writes frames with their faces into a video (H.264 in MP4, which browsers play)."""
    with atomic_path(out) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream("h264", rate=rate)
        stream.pix_fmt = "yuv420p"

        def write(picture: Image, faces: list[FacePrediction]) -> None:
            if not stream.codec_context.is_open:  # H.264 wants even sides
                stream.height, stream.width = (max(2, n - n % 2) for n in picture.shape[:2])
            painted = paint(picture, faces)[: stream.height, : stream.width]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(painted), format="rgb24")
            container.mux(stream.encode(frame))

        yield write
        container.mux(stream.encode())
