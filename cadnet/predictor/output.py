"""Predictions as files: JSON, CSV and .pts."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cadnet.data.sources.ibug import pts_text
from cadnet.faces import EXPRESSIONS
from cadnet.predictor.model import FacePrediction, Predictor
from cadnet.provenance import atomic_path

Frames = list[dict[int, FacePrediction]]
"""A picture is one frame; faces by their number."""


def describe(face: FacePrediction) -> dict[str, Any]:
    """A face as JSON-like values: px with two digits, probabilities with four."""
    said: dict[str, Any] = {"box": [round(value, 2) for value in face.box]}
    if face.landmarks is not None:
        said["landmarks"] = face.landmarks.round(2).tolist()
    if face.reliability is not None:
        said["reliability"] = face.reliability.round(4).tolist()
    if face.expressions:
        said["expression"] = face.expression
        said["probabilities"] = {name: round(p, 4) for name, p in face.expressions.items()}
    return said


def write_document(path: Path, source: Path, predictor: Predictor, frames: Frames) -> None:
    """One JSON document an input: the models, the landmark scheme, the faces of each frame."""
    document = {
        "file": str(source),
        "models": [str(file) for file in predictor.files],
        "scheme": predictor.scheme,
        "reliability": (
            "probability of an error below 10 % of the inter-ocular distance, from the "
            f"disagreement of {len(predictor.models)} models"
            if predictor.calibration
            else None
        ),
        "frames": [
            [{"face": number, **describe(face)} for number, face in faces.items()]
            for faces in frames
        ],
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document) + "\n", encoding="utf-8")


def write_pts(path: Path, frames: Frames) -> None:
    """A .pts file a face (and frame): ``name_0.pts``, of a video ``name_000001_0.pts``."""
    for index, faces in enumerate(frames):
        frame = f"_{index + 1:06d}" if len(frames) > 1 else ""
        for number, face in faces.items():
            if face.landmarks is not None:
                with atomic_path(path.with_name(f"{path.name}{frame}_{number}.pts")) as temporary:
                    temporary.write_text(pts_text(face.landmarks), encoding="ascii")


class Table:
    """``faces.csv``: one row a face, written as they come."""

    def __init__(self, file: Any, predictor: Predictor) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._points = predictor.models[0].mean_shape.shape[0]
        self._trusted = predictor.calibration is not None
        model = predictor.about["model"]
        self._landmarks = bool(model["landmarks"])
        self._expressions = EXPRESSIONS[: model["fer"]["classes"]] if model["fer"] else ()
        self._rows.writerow(self._header())

    def _header(self) -> Iterator[str]:
        yield from ("file", "frame", "face", "x", "y", "width", "height")
        if self._landmarks:
            yield from (f"{axis}{i}" for i in range(self._points) for axis in "xy")
        if self._trusted:
            yield from (f"reliability{i}" for i in range(self._points))
        yield from (("expression", *self._expressions) if self._expressions else ())

    def add(self, source: Path, frames: Iterable[dict[int, FacePrediction]]) -> None:
        """The faces of one input."""
        for index, faces in enumerate(frames):
            for number, face in faces.items():
                said = describe(face)
                row: list[Any] = [source, index, number, *said["box"]]
                row += [value for point in said.get("landmarks", []) for value in point]
                row += said.get("reliability", [])
                if self._expressions:
                    row += [said["expression"], *said["probabilities"].values()]
                self._rows.writerow(row)


@contextmanager
def table(path: Path, predictor: Predictor) -> Iterator[Table]:
    """A table that takes its name when all is written."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield Table(file, predictor)


def read_boxes(path: Path) -> dict[str, list[tuple[float, float, float, float]]]:
    """Boxes by file from a CSV with columns ``file, x, y, width, height``.

    Raises:
        ValueError: a column is missing, or a value is no number; names the line.
    """
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            try:
                box = (float(row["x"]), float(row["y"]), float(row["width"]), float(row["height"]))
                found.setdefault(row["file"], []).append(box)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{path}: line {line} is not file,x,y,width,height with numbers ({error!r})"
                ) from error
    return found


def names(inputs: Sequence[tuple[Path, Path]]) -> dict[Path, Path]:
    """Where each input's files go, without suffix: as they lie below what was named; of those that
    would share a name, the later ones get a number."""
    wanted = {source: source.relative_to(below).with_suffix("") for source, below in inputs}
    taken: set[Path] = set()
    places = {}
    for source, name in wanted.items():
        numbered = (name.with_name(f"{name.name}-{n}") for n in itertools.count(2))
        free = (n for n in numbered if n not in taken and n not in wanted.values())
        places[source] = name if name not in taken else next(free)
        taken.add(places[source])
    return places
