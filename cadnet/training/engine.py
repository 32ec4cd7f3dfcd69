"""The training loop: one model, one store, one seed."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cadnet.data.batches import Batch, Batches, to_float, to_pixels, to_units
from cadnet.data.store import Store
from cadnet.evaluation.metrics import mean_distance
from cadnet.faces import SCHEMES
from cadnet.models import MODELS, FaceModel
from cadnet.models.lowrank import LowRankHead
from cadnet.models.occlusion import Recovery
from cadnet.schema import Experiment, Train
from cadnet.training import VALIDATION, TrainingError
from cadnet.training.losses import composite


@dataclass
class Epoch:
    """What one epoch left behind; ``metrics`` repeat to the bit, the rest is the machine's."""

    number: int
    metrics: dict[str, float]
    seconds: float
    images_per_second: float


@dataclass
class History:
    """All epochs of a run."""

    epochs: list[Epoch] = field(default_factory=list)


def choose_device(wanted: str) -> torch.device:
    """``auto`` takes a GPU where there is one.

    Raises:
        TrainingError: a GPU is asked for and absent.
    """
    present = torch.cuda.is_available()
    if wanted == "cuda" and not present:
        raise TrainingError("train.device is cuda, but torch sees no GPU here; use auto or cpu")
    return torch.device("cuda" if present and wanted != "cpu" else "cpu")


def repeatable(seed: int, threads: int) -> None:
    """Makes two runs of one seed on one machine the same bits."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def learning_rate(train: Train, epoch: float) -> float:
    """Factor on the initial learning rate at a (fractional) epoch."""
    if epoch < train.warmup_epochs:
        return (epoch + 0.01) / train.warmup_epochs
    if train.schedule == "step":
        return float(0.1 ** (epoch // train.step_epochs))
    past = (epoch - train.warmup_epochs) / max(1e-9, train.epochs - train.warmup_epochs)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, past)))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Eq. 24 as the optimiser's weight decay, on the weights that it names.

    Convolutions and fully connected layers decay; normalisation and biases do not, nor do factors
    of a low-rank matrix, which have a penalty of their own (U and V: eq. 22).
    """
    factors = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, LowRankHead | Recovery)
        for parameter in module.parameters()
    }
    decays = [p for p in model.parameters() if p.ndim > 1 and id(p) not in factors]
    chosen = {id(p) for p in decays}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [
        {"params": decays, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def predict(
    model: FaceModel, store: Store, rows: NDArray[np.int64], device: torch.device, batch: int = 256
) -> NDArray[np.float32]:
    """Landmarks (len(rows), L, 2), px of the crop."""
    model.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            images = to_float(store.images(rows[start : start + batch]), device)
            parts.append(to_pixels(model(images).landmarks, store.size).cpu().numpy())
    shape = (0, *model.mean_shape.shape)
    return np.concatenate(parts) if parts else np.empty(shape, dtype=np.float32)


def validation_error(
    model: FaceModel, store: Store, rows: NDArray[np.int64], device: torch.device
) -> float:
    """Mean distance over the inter-ocular distance, mean over faces, in percent."""
    truth = store.landmarks[rows]
    distance = mean_distance(predict(model, store, rows, device), truth)
    return float(100 * np.mean(distance / SCHEMES[store.scheme].interocular(truth)))


def _step(
    model: FaceModel, optimiser: torch.optim.Optimizer, batch: Batch, train: Train
) -> dict[str, float]:
    """One update; returns the loss and its terms by name."""
    terms = composite(model(batch.images), batch, model, train.loss)
    total = torch.stack(list(terms.values())).sum()
    optimiser.zero_grad(set_to_none=True)
    total.backward()
    optimiser.step()
    values = torch.stack([total, *terms.values()]).detach().tolist()  # waits for the device once
    return dict(zip(["loss", *(f"loss_{name}" for name in terms)], values, strict=True))


def build(
    store: Store, experiment: Experiment, weights: dict[str, Tensor] | None, device: torch.device
) -> FaceModel:
    """The experiment's model, from random or from the given backbone weights."""
    shape = to_units(torch.from_numpy(store.landmarks[store.rows(split="train")]), store.size)
    model = MODELS[experiment.model.name](experiment.model, mean_shape=shape.mean(0))
    if weights is not None:
        model.backbone.load_state_dict(weights)
    return model.to(device)


def train(
    store: Store,
    experiment: Experiment,
    *,
    seed: int,
    weights: dict[str, Tensor] | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_step: Callable[[float], None] = lambda loss: None,
) -> tuple[FaceModel, History]:
    """Train on the store's training faces; the model of the last epoch is the result.

    Validation faces are looked at once an epoch and decide nothing.

    Raises:
        TrainingError: no training faces; a loss that is not finite, with the batch's faces.
    """
    spec = experiment.train
    device = choose_device(spec.device)
    repeatable(seed, spec.threads)
    rows = store.rows(split="train")
    if len(rows) < 2:
        raise TrainingError(
            f"{store.about['dataset']}: {len(rows)} training faces; needs 2 or more"
        )
    if unknown := int((~np.isfinite(store.landmarks[rows]).all(axis=(1, 2))).sum()):
        raise TrainingError(
            f"{store.about['dataset']}: {unknown} of {len(rows)} training faces have landmarks "
            "that their annotation does not give; train on a dataset that gives all of them"
        )
    held_out = store.rows(split="validation")
    model = build(store, experiment, weights, device)
    optimiser = torch.optim.SGD(
        parameter_groups(model, spec.weight_decay),
        lr=spec.learning_rate,
        momentum=spec.momentum,
    )
    batches = Batches(
        store,
        rows,
        batch_size=spec.batch_size,
        augment=spec.augment,
        seed=seed,
        device=device,
    )
    history = History()
    for number in range(1, spec.epochs + 1):
        started = time.perf_counter()
        model.train()
        sums: Counter[str] = Counter()
        for index, batch in enumerate(batches.epoch(number)):
            rate = learning_rate(spec, number - 1 + index / len(batches))
            for group in optimiser.param_groups:
                group["lr"] = spec.learning_rate * rate
            terms = _step(model, optimiser, batch, spec)
            if not all(map(math.isfinite, terms.values())):
                raise TrainingError(
                    f"the loss is not finite in epoch {number}, batch {index + 1} "
                    f"({terms}); its faces: "
                    f"{', '.join(batch.keys)}. Lower train.learning_rate, or look at these faces"
                )
            sums.update(terms)
            on_step(terms["loss"])
        metrics = {name: total / len(batches) for name, total in sums.items()}
        metrics["learning_rate"] = spec.learning_rate * rate
        if len(held_out):
            metrics[VALIDATION] = validation_error(model, store, held_out, device)
        seconds = time.perf_counter() - started
        speed = len(batches) * batches.batch_size / seconds
        epoch = Epoch(number, metrics, seconds, speed)
        history.epochs.append(epoch)
        on_epoch(epoch)
    return model.eval(), history
