"""Models of one experiment, ready to look at pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cadnet.data.align import crop, crop_region
from cadnet.data.framing import Box, Framing
from cadnet.data.sources import Image
from cadnet.evaluation import reliability
from cadnet.evaluation.jitter import to_frames
from cadnet.faces import EXPRESSIONS, Array
from cadnet.models import FaceModel
from cadnet.predictor.detect import Detector, dlib_detector
from cadnet.predictor.pictures import PredictionError, open_picture
from cadnet.training import TrainingError, checkpoint
from cadnet.training.device import choose_device
from cadnet.training.inference import predict

_MUST_AGREE = ("scheme", "size", "margin", "framing", "model")


@dataclass(frozen=True)
class FacePrediction:
    """What the models say of one face; None where they have no head for it.

    Attributes:
        box: x, y, width, height, px of the picture: where the face was looked for.
        landmarks: (L, 2) px of the picture, mean over the models.
        reliability: (L,) probability that a point is within 10 % of the inter-ocular distance of
            where it belongs (``cadnet.evaluation.reliability``); None for a single model.
        expressions: each expression's probability, mean over the models.
    """

    box: Box
    landmarks: Array | None
    reliability: Array | None = None
    expressions: dict[str, float] | None = None

    @property
    def expression(self) -> str | None:
        """The most probable expression."""
        return max(self.expressions, key=self.expressions.__getitem__) if self.expressions else None


@dataclass(frozen=True)
class Crops:
    """Faces cut out, as models take them; see ``Store`` for the fields."""

    pictures: NDArray[np.uint8]
    box: Array
    region: Array
    video: NDArray[np.object_]

    @property
    def size(self) -> int:
        """Side of the crops in px."""
        return int(self.pictures.shape[1])

    def images(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """The crops of some rows."""
        return self.pictures[rows]

    @staticmethod
    def together(parts: Sequence[Crops]) -> Crops:
        """All faces of some crops."""
        fields = ("pictures", "box", "region", "video")
        return Crops(*(np.concatenate([getattr(part, f) for part in parts]) for f in fields))


class Predictor:
    """One model, or those of several seeds, whose answers are averaged."""

    def __init__(
        self,
        files: Sequence[Path],
        *,
        device: str = "auto",
        calibration: reliability.Calibration | None = None,
        detector: Detector | None = None,
    ) -> None:
        """Loads the models.

        Args:
            files: checkpoints of one experiment, one a seed.
            calibration: turns their disagreement into reliability.
            detector: finds faces where no boxes are given; dlib's by default.

        Raises:
            PredictionError: a file is no checkpoint, or they are of different experiments.
        """
        try:
            self.device = choose_device(device)
            loaded = [checkpoint.load(file, self.device) for file in files]
        except (ValueError, TrainingError) as error:
            raise PredictionError(str(error)) from error
        self.files, self.about = list(files), loaded[0][1]
        self.models: list[FaceModel] = [model for model, _ in loaded]
        for file, (_, about) in zip(files, loaded, strict=True):
            if unlike := [key for key in _MUST_AGREE if about.get(key) != self.about.get(key)]:
                raise PredictionError(
                    f"{file}: differs from {files[0]} in its {', '.join(unlike)}; "
                    "give models of one experiment"
                )
        if not {"margin", "framing"} <= self.about.keys():
            raise PredictionError(f"{files[0]}: does not say how faces are cut out; train it again")
        self.scheme: str = self.about["scheme"]
        self.size: int = self.about["size"]
        self.margin: float = self.about["margin"]
        self.framing = Framing(**self.about["framing"])
        self.frames: int = self.models[0].frames
        self.seeds: list[int] = [about["seed"] for _, about in loaded]
        self.calibration = calibration
        self._given = detector

    @cached_property
    def detect(self) -> Detector:
        """Finds the faces of a picture."""
        return self._given or dlib_detector()

    def predict(
        self, picture: str | Path | Image, boxes: Sequence[Box] | None = None
    ) -> list[FacePrediction]:
        """The faces of a picture, those of ``boxes`` or all that are found.

        Raises:
            PredictionError: the picture cannot be read.
        """
        pixels = picture if isinstance(picture, np.ndarray) else open_picture(picture)
        where = self.detect(pixels) if boxes is None else boxes
        return self.predict_crops(self.crops(pixels, where))

    def predict_many(
        self, pictures: Sequence[Crops], batch: int = 32
    ) -> list[list[FacePrediction]]:
        """The faces of several pictures, cut out by ``crops``; ``batch`` faces at once, of
        whichever picture."""
        if not pictures:
            return []
        found = iter(self.predict_crops(Crops.together(pictures), batch))
        return [[next(found) for _ in crops.video] for crops in pictures]

    def crops(self, picture: Image, boxes: Sequence[Box], video: str = "") -> Crops:
        """Faces of a picture, cut out as in training; ``boxes`` are tight around their landmarks.

        Raises:
            PredictionError: a box is empty.
        """
        pixels = np.empty((len(boxes), self.size, self.size, 3), dtype=np.uint8)
        regions = np.empty((len(boxes), 3))
        for row, box in enumerate(boxes):
            if not (np.isfinite(box).all() and box[2] > 1 and box[3] > 1):
                raise PredictionError(f"box {tuple(box)}: is not x, y, width, height in px")
            region = crop_region(self.framing.box(box), self.margin)
            pixels[row], regions[row] = crop(picture, region, self.size), region
        names = np.full(len(boxes), video, dtype=object)
        return Crops(pixels, np.array(boxes, dtype=np.float64).reshape(-1, 4), regions, names)

    def predict_crops(self, crops: Crops, batch: int = 32) -> list[FacePrediction]:
        """What the models say of faces cut out; those of one video adjacent and in order."""
        rows = np.arange(len(crops.video))
        if not len(rows):
            return []
        said = [predict(model, crops, rows, self.device, batch) for model in self.models]
        landmarks, trust = None, None
        if all(one.landmarks is not None for one in said):
            every = np.stack([one.landmarks for one in said if one.landmarks is not None])
            agreed = reliability.consensus(every, self.scheme)
            landmarks = to_frames(agreed.landmarks, crops.region, self.size)
            trust = self.calibration(agreed.disagreement) if self.calibration else None
        logits = [one.expression for one in said if one.expression is not None]
        chances = np.mean([_softmax(one) for one in logits], axis=0) if logits else None
        return [
            FacePrediction(
                box=tuple(crops.box[row].tolist()),
                landmarks=None if landmarks is None else landmarks[row],
                reliability=None if trust is None else trust[row],
                expressions=None if chances is None else _named(chances[row]),
            )
            for row in rows
        ]


def _softmax(logits: NDArray[np.float32]) -> Array:
    chances: Array = torch.from_numpy(logits).double().softmax(dim=1).numpy()
    return chances


def _named(chances: Array) -> dict[str, float]:
    return dict(zip(EXPRESSIONS, map(float, chances), strict=False))


def load(path: str | Path, *, device: str = "auto", detector: Detector | None = None) -> Predictor:
    """The models of an experiment (``results/cadnet``: all seeds), or one (``…/seed0``, a file).

    Raises:
        PredictionError: there is no model, or it is of another version.
    """
    path = Path(path)
    calibrated: Path | None = None
    if path.is_file():
        files = [path]
    elif (path / "model.safetensors").is_file():
        files = [path / "model.safetensors"]
    else:
        files = sorted(path.glob("seed*/model.safetensors"))
        if not files:
            raise PredictionError(
                f"{path}: holds no model.safetensors and no seed*/model.safetensors; give the "
                "folder of an experiment (results/cadnet) or of one of its seeds"
            )
        if (path / "reliability.json").is_file() and len(files) > 1:
            calibrated = path / "reliability.json"
    found = Predictor(files, device=device, detector=detector)
    if calibrated:
        found.calibration = reliability.read(calibrated, found.seeds)
    return found
