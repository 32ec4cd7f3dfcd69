"""What a trained model says of the faces of a store."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from cadnet.data.batches import to_float, to_pixels
from cadnet.data.clips import windows
from cadnet.data.store import Store
from cadnet.evaluation.masks import coverage, withheld, zeros
from cadnet.evaluation.metrics import mean_distance
from cadnet.faces import SCHEMES, Array
from cadnet.models import FaceModel
from cadnet.models.dropout import Masks
from cadnet.training import ACCURACY, VALIDATION

Rows = NDArray[np.int64]


class Faces(Protocol):
    """Crops to look at: a ``Store``, or faces cut out of any picture."""

    @property
    def size(self) -> int: ...
    @property
    def box(self) -> Array: ...
    @property
    def video(self) -> NDArray[np.object_]: ...
    def images(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.uint8]: ...


class Predictions(NamedTuple):
    """Of some faces, in their order; None where the model has no head for it."""

    landmarks: NDArray[np.float32] | None
    """(N, L, 2) px of the crop."""
    expression: NDArray[np.float32] | None
    """(N, K) logits."""
    masks: NDArray[np.float32] | None = None
    """(N, 3) of the dropout block's masks, in %: zeros of P′, what P″ withholds, coverage of the
    face's box (``cadnet.evaluation.masks``)."""


def predict(
    model: FaceModel, store: Faces, rows: Rows, device: torch.device, batch: int = 256
) -> Predictions:
    """Predictions for some rows of a store; those of one video are adjacent and in order.

    A model of clips sees every frame among its neighbours.
    """
    model.eval()
    clips = windows(store.video[rows], model.frames).reshape(-1)
    step = max(1, batch // model.frames) * model.frames
    landmarks, expression, masks = [], [], []
    with torch.inference_mode():
        for start in range(0, len(clips), step):
            output = model(to_float(store.images(rows[clips[start : start + step]]), device))
            if output.landmarks is not None:
                landmarks.append(to_pixels(output.landmarks, store.size).cpu().numpy())
            if output.expression is not None:
                expression.append(output.expression.float().cpu().numpy())
            if output.masks is not None:
                shown = rows[clips[start : start + step]]
                masks.append(_mask_statistics(output.masks, store.box[shown], store.size))
    # Where two clips share a frame, the later one counts.
    place = np.zeros(len(rows), dtype=np.int64)
    place[clips] = np.arange(len(clips))
    return Predictions(
        np.concatenate(landmarks)[place] if landmarks else None,
        np.concatenate(expression)[place] if expression else None,
        np.concatenate(masks)[place] if masks else None,
    )


def _mask_statistics(masks: Masks, boxes: Array, size: int) -> NDArray[np.float32]:
    drop, final = (mask.float().cpu().numpy() for mask in (masks.drop, masks.final))
    columns = [zeros(drop), withheld(final), coverage(drop, boxes, size)]
    return np.stack(columns, axis=1).astype(np.float32)


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of the faces with one of the K labels whose expression is the most likely one, in %."""
    known = (labels >= 0) & (labels < logits.shape[1])
    return float(100 * np.mean(logits[known].argmax(axis=1) == labels[known]))


def validate(model: FaceModel, store: Store, rows: Rows, device: torch.device) -> dict[str, float]:
    """Metrics on faces held out: the mean distance over the inter-ocular distance, mean over faces,
    and the accuracy; both in percent."""
    said, metrics = predict(model, store, rows, device), {}
    if said.landmarks is not None:
        truth = store.landmarks[rows]
        distance = mean_distance(said.landmarks, truth)
        relative = distance / SCHEMES[store.scheme].interocular(truth)
        metrics[VALIDATION] = float(100 * np.mean(relative))
    if said.expression is not None and (store.expression[rows] >= 0).any():
        metrics[ACCURACY] = accuracy(said.expression, store.expression[rows])
    return metrics
