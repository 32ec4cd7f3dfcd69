"""The training loop: one model, one store, one seed."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cadnet.data.batches import Batch, Batches, to_units
from cadnet.data.store import Store
from cadnet.models import MODELS, FaceModel
from cadnet.provenance import OutputError
from cadnet.schema import Experiment, Train
from cadnet.training import TrainingError, progress
from cadnet.training.device import choose_device, repeatable
from cadnet.training.inference import validate
from cadnet.training.losses import composite
from cadnet.training.optimiser import optimiser, set_learning_rate
from cadnet.training.progress import Epoch, Progress

SAVE_EVERY = 30.0  # seconds: what a run that is killed loses at most


def _step(
    model: FaceModel, chosen: torch.optim.Optimizer, batch: Batch, train: Train
) -> dict[str, float]:
    """One update; returns the loss and its terms by name."""
    terms = composite(model(batch.images), batch, model, train.loss)
    total = torch.stack(list(terms.values())).sum()
    chosen.zero_grad(set_to_none=True)
    total.backward()
    values = torch.stack([total, *terms.values()]).detach().tolist()  # waits for the device once
    if all(map(math.isfinite, values)):
        chosen.step()
    return dict(zip(["loss", *(f"loss_{name}" for name in terms)], values, strict=True))


def build(store: Store, experiment: Experiment) -> FaceModel:
    """The experiment's model, with random weights and the training faces' mean shape."""
    shape = to_units(torch.from_numpy(store.landmarks[store.rows(split="train")]), store.size)
    return MODELS[experiment.model.name](experiment.model, mean_shape=shape.mean(0))


def start_from(model: FaceModel, tensors: dict[str, Tensor]) -> list[str]:
    """Takes over another experiment's weights; returns the names of those that stay as they were.

    The mean shape stays the training data's own, and with it what does not fit: a head for other
    landmarks, blocks that the other experiment has not.

    Raises:
        TrainingError: the backbones differ.
    """
    own = model.state_dict()
    fits = {
        name: tensor
        for name, tensor in tensors.items()
        if name in own and own[name].shape == tensor.shape and name != "mean_shape"
    }
    other = [name for name in own if name.startswith("backbone.") and name not in fits]
    if other:
        raise TrainingError(
            f"the model to start from has another backbone: {len(other)} tensors do not fit, the "
            f"first is {other[0]}"
        )
    model.load_state_dict(fits, strict=False)
    return [name for name in own if name not in fits and name != "mean_shape"]


def check_training_faces(store: Store, experiment: Experiment) -> None:
    """Raises ``TrainingError`` where a store cannot teach a model what it is to say."""
    name, rows = store.about["dataset"], store.rows(split="train")
    if len(rows) < 2:
        raise TrainingError(f"{name}: {len(rows)} training faces; needs 2 or more")
    if experiment.model.landmarks and (
        unknown := int((~np.isfinite(store.landmarks[rows]).all(axis=(1, 2))).sum())
    ):
        raise TrainingError(
            f"{name}: {unknown} of {len(rows)} training faces have landmarks that their annotation "
            "does not give; train on a dataset that gives all of them"
        )
    if experiment.model.fer:
        labels = store.expression[rows]
        known = np.unique(labels[(labels >= 0) & (labels < experiment.model.fer.classes)])
        if len(known) < 2:
            raise TrainingError(
                f"{name}: its training faces show {len(known)} different expressions; a model "
                "that is to tell expressions apart needs 2 or more (model.fer: null is without)"
            )


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM sets: a step is finished and the state saved before the job ends."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


def train(
    store: Store,
    experiment: Experiment,
    *,
    seed: int,
    weights: dict[str, Tensor] | None = None,
    start: dict[str, Tensor] | None = None,
    state: Path | None = None,
    identity: str = "",
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_step: Callable[[float], None] = lambda loss: None,
) -> tuple[FaceModel, list[Epoch]]:
    """Train on the store's training faces; the model of the last epoch is the result.

    Validation faces are looked at once an epoch and decide nothing.

    Args:
        weights: the backbone's.
        start: another experiment's model.
        state: a file in which the run's state is kept now and then, and from which a run of the
            same ``identity`` goes on, to the same bits. The caller removes it in the end.

    Raises:
        TrainingError: no training faces; a loss that is not finite, with the batch's faces.
        SystemExit: 143 after SIGTERM; the state is saved.
    """
    spec = experiment.train
    device = choose_device(spec.device)
    check_training_faces(store, experiment)
    repeatable(seed, spec.threads)
    held_out = store.rows(split="validation")
    model = build(store, experiment)
    if weights is not None:
        model.backbone.load_state_dict(weights)
    if start is not None and (anew := start_from(model, start)):
        print(f"learned from scratch, since they do not fit: {', '.join(anew)}")
    model.to(device)
    chosen = optimiser(model, spec)
    batches = Batches(
        store,
        store.rows(split="train"),
        batch_size=spec.batch_size,
        augment=spec.augment,
        seed=seed,
        device=device,
        frames=model.frames,
    )
    at = (progress.load(state, model, chosen, identity) if state else None) or Progress()
    for epoch in at.epochs:
        on_epoch(epoch)
    saved = time.monotonic()
    with _asked_to_stop() as asked:

        def keep() -> None:
            nonlocal saved
            if state and (asked.is_set() or time.monotonic() - saved > SAVE_EVERY):
                progress.save(state, at, model, chosen, identity)
                saved = time.monotonic()
            if asked.is_set():
                raise SystemExit(128 + signal.SIGTERM)

        while at.epoch <= spec.epochs:
            started = time.perf_counter() - at.seconds
            model.train()
            sums = Counter(at.sums)
            for batch in batches.epoch(at.epoch, start=at.batch):
                position = at.epoch - 1 + at.batch / len(batches)
                rate = set_learning_rate(chosen, spec, position)
                terms = _step(model, chosen, batch, spec)
                if not all(map(math.isfinite, terms.values())):
                    raise _not_finite(at, terms, batch, model, chosen, identity, state)
                sums.update(terms)
                at.batch, at.sums = at.batch + 1, dict(sums)
                at.seconds = time.perf_counter() - started
                on_step(terms["loss"])
                if at.batch < len(batches):
                    keep()
            metrics = {name: total / len(batches) for name, total in at.sums.items()}
            metrics["learning_rate"] = rate
            if len(held_out):
                metrics |= validate(model, store, held_out, device)
            seconds = time.perf_counter() - started
            speed = len(batches) * batches.batch_size / seconds
            at.epochs.append(Epoch(at.epoch, metrics, seconds, speed))
            at.epoch, at.batch, at.sums, at.seconds = at.epoch + 1, 0, {}, 0.0
            on_epoch(at.epochs[-1])
            keep()
    return model.eval(), at.epochs


def _not_finite(
    at: Progress,
    terms: dict[str, float],
    batch: Batch,
    model: FaceModel,
    chosen: torch.optim.Optimizer,
    identity: str,
    state: Path | None,
) -> TrainingError:
    """The error that names the batch; the model before it is kept."""
    kept = ""
    if state:
        last = state.with_name("last_finite.safetensors")
        try:
            progress.save(last, at, model, chosen, identity)
            kept = f" The model before this batch is in {last}."
        except OutputError as error:
            kept = f" The model before this batch could not be kept: {error}."
    return TrainingError(
        f"the loss is not finite in epoch {at.epoch}, batch {at.batch + 1} ({terms}); its faces: "
        f"{', '.join(batch.keys)}. Lower train.learning_rate, or look at these faces.{kept}"
    )
