"""``cadnet predict``: pictures, folders and videos → landmarks and expressions as files."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections import Counter
from itertools import chain
from pathlib import Path

from tqdm import tqdm

from cadnet import job
from cadnet.data.framing import Box
from cadnet.data.sources import Image
from cadnet.predictor import output
from cadnet.predictor.draw import draw
from cadnet.predictor.model import FacePrediction, Predictor, load
from cadnet.predictor.pictures import PICTURES, PredictionError, open_picture
from cadnet.predictor.video import VIDEOS, predict_video
from cadnet.provenance import OutputError, atomic_path

_AT_ONCE = 16  # pictures that wait for one another to share a batch


def inputs(paths: list[Path], out: Path) -> list[tuple[Path, Path]]:
    """The files to look at, each with the folder that it lies below; of folders all pictures and
    videos, in order, but for those that were written to ``out``."""
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURES + VIDEOS)
            ours = out.resolve() if path.resolve() in out.resolve().parents else None
            found += [(p, path) for p in inside if ours not in p.resolve().parents]
        else:
            found.append((path, path.parent))
    return list(dict.fromkeys(found))


class Work:
    """One call of the command: what is written where, and what went wrong."""

    def __init__(self, options: argparse.Namespace, predictor: Predictor) -> None:
        self.options, self.predictor = options, predictor
        self.files = inputs(options.inputs, options.out)
        self.places = output.names(self.files)
        for file, place in self.places.items():
            if (options.out / place).parent.resolve() == file.parent.resolve():
                raise PredictionError(
                    f"{options.out}: {file} lies there, and files of its name would be written "
                    "over; give another folder as --out"
                )
        self.boxes = output.read_boxes(options.boxes) if options.boxes else None
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.table: output.Table | None = None

    def fail(self, problem: Exception) -> None:
        """Remember a bad input, say so, and go on."""
        self.problems.append(str(problem))
        tqdm.write(f"error: {problem}", file=sys.stderr)

    def _given(self, file: Path, below: Path) -> list[Box] | None:
        if self.boxes is None:
            return None
        for name in (str(file), file.relative_to(below).as_posix(), file.name):
            if name in self.boxes:
                return self.boxes[name]
        return []

    def pictures(self, files: list[tuple[Path, Path]]) -> None:
        """All pictures, some at a time, whose faces share batches."""
        with job.bar(total=len(files), desc="predict", unit="image") as bar:
            for start in range(0, len(files), _AT_ONCE):
                ready, opened = [], []
                for file, below in files[start : start + _AT_ONCE]:
                    try:
                        pixels, given = open_picture(file), self._given(file, below)
                        found = self.predictor.detect(pixels) if given is None else given
                        ready.append(self.predictor.crops(pixels, found))
                        opened.append((file, pixels if self.options.overlay else None))
                    except PredictionError as error:
                        self.fail(error if str(file) in str(error) else _named(file, error))
                for (file, shown), faces in zip(
                    opened, self.predictor.predict_many(ready), strict=True
                ):
                    self.write(file, [dict(enumerate(faces))])
                    if shown is not None:
                        self._overlay(file, shown, faces)
                bar.update(len(files[start : start + _AT_ONCE]))

    def _overlay(self, file: Path, pixels: Image, faces: list[FacePrediction]) -> None:
        with atomic_path(self.options.out / f"{self.places[file]}.png") as temporary:
            draw(pixels, faces).save(temporary)

    def video(self, file: Path) -> None:
        """One video, frame by frame."""
        overlay = self.options.out / f"{self.places[file]}.mp4" if self.options.overlay else None
        try:
            if self.boxes is not None:
                raise PredictionError(f"{file}: boxes are of pictures; give it without --boxes")
            frames = predict_video(
                self.predictor, file, smooth=not self.options.raw, overlay=overlay
            )
        except PredictionError as error:
            self.fail(error)
            return
        self.write(file, frames)
        self.counts["frames"] += len(frames)

    def write(self, file: Path, frames: output.Frames) -> None:
        """One input's predictions, in the formats wanted."""
        place = self.options.out / self.places[file]
        if "json" in self.options.formats:
            output.write_document(
                place.with_name(f"{place.name}.json"), file, self.predictor, frames
            )
        if "pts" in self.options.formats:
            output.write_pts(place, frames)
        if self.table is not None:
            self.table.add(file, frames)
        self.counts["inputs"] += 1
        self.counts["faces"] += len(set(chain.from_iterable(frames)))
        self.counts["empty"] += not any(frames)

    def summary(self) -> str:
        """What was done, in one line."""
        counts = self.counts
        parts = [f"{counts['inputs']} files", f"{counts['faces']} faces"]
        if counts["frames"]:
            parts.append(f"{counts['frames']} frames of videos")
        if counts["empty"]:
            parts.append(f"{counts['empty']} without a face")
        if self.problems:
            parts.append(f"{len(self.problems)} failed")
        return f"{', '.join(parts)}; written to {self.options.out}"


def _named(file: Path, error: Exception) -> PredictionError:
    return PredictionError(f"{file}: {error}")


def run(options: argparse.Namespace) -> str:
    """The command; returns its last line.

    Raises:
        PredictionError: an input failed, after all others are done; there is nothing to look at;
            the model or the boxes cannot be read.
        OutputError: the folder cannot be written.
    """
    import torch

    torch.set_num_threads(options.threads)
    predictor = load(options.model, device=options.device)
    try:
        work = Work(options, predictor)
    except (OSError, ValueError) as error:
        raise PredictionError(str(error)) from error
    if not work.files:
        raise PredictionError(f"no picture and no video in {', '.join(map(str, options.inputs))}")
    _check_writable(options.out)
    with contextlib.ExitStack() as stack:
        if "csv" in options.formats:
            work.table = stack.enter_context(output.table(options.out / "faces.csv", predictor))
        videos = [file for file, _ in work.files if file.suffix.lower() in VIDEOS]
        work.pictures([pair for pair in work.files if pair[0] not in videos])
        for file in videos:
            work.video(file)
    if work.problems:
        raise PredictionError(work.summary())
    return work.summary()


def _check_writable(folder: Path) -> None:
    """Before any work, rather than after it."""
    probe = folder / "probe"
    try:
        with atomic_path(probe) as temporary:
            temporary.write_text("")
        probe.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error}") from error
