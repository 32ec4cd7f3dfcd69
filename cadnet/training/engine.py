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
from typing import NamedTuple

from torch import Tensor

from cadnet.data.batches import Batch, Batches
from cadnet.data.store import Store
from cadnet.models import FaceModel
from cadnet.models.compress import compress
from cadnet.provenance import OutputError
from cadnet.schema import Experiment
from cadnet.training import TrainingError, progress
from cadnet.training.device import choose_device, memory, out_of_memory, repeatable
from cadnet.training.distributed import joined, ranks
from cadnet.training.inference import validate
from cadnet.training.progress import Epoch, Progress
from cadnet.training.start import build, check_training_faces, start_from
from cadnet.training.step import Step

SAVE_EVERY = 30.0  # seconds: what a run that is killed loses at most


class Trained(NamedTuple):
    """What a run leaves."""

    model: FaceModel
    """After the last epoch."""
    epochs: list[Epoch]
    best: dict[str, Tensor]
    """The model after the best epoch on the held-out faces; empty where there are none."""


class Keeper:
    """Saves where a run stands: now and then, when it is asked to stop, before a bad step."""

    def __init__(
        self, state: Path | None, at: Progress, step: Step, identity: str, every: float
    ) -> None:
        self.state, self.at, self.step, self.identity = state, at, step, identity
        self.every, self.saved = every, time.monotonic()
        self.asked = threading.Event()

    def save(self, path: Path) -> None:
        """Of several processes, which stand at the same place, the first one writes."""
        if self.step.ours.rank == 0:
            progress.save(path, self.at, self.step.model, self.step.optimiser, self.identity)

    def between_steps(self) -> None:
        """Raises ``SystemExit`` (143) after SIGTERM, when the state is saved."""
        stop = self.step.ours.any(self.asked.is_set(), self.step.device)
        if self.state and (stop or time.monotonic() - self.saved > self.every):
            self.save(self.state)
            self.saved = time.monotonic()
        if stop:
            raise SystemExit(128 + signal.SIGTERM)

    def not_finite(self, terms: dict[str, float], batch: Batch) -> TrainingError:
        """The error that names the batch; the model before it is kept."""
        kept = ""
        if self.state:
            last = self.state.with_name("last_finite.safetensors")
            try:
                self.save(last)
                kept = f" The model before this batch is in {last}."
            except OutputError as error:
                kept = f" The model before this batch could not be kept: {error}."
        return TrainingError(
            f"the loss or its gradient is not finite in epoch {self.at.epoch}, batch "
            f"{self.at.batch + 1} ({terms}); its faces: {', '.join(batch.keys)}. Lower "
            f"train.learning_rate, or look at these faces.{kept}"
        )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """SIGTERM lets a step end and the state be saved before the job ends."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, lambda number, frame: self.asked.set())
        try:
            yield
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
    save_every: float | None = None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_step: Callable[[float, int, int], None] = lambda loss, seen, of: None,
) -> Trained:
    """Train on the store's training faces.

    Validation faces are looked at once an epoch; they decide nothing but which epoch was best.

    Args:
        weights: the backbone's.
        start: another experiment's model.
        state: a file in which the run's state is kept now and then, and from which a run of the
            same ``identity`` goes on, to the same bits. The caller removes it in the end.
        save_every: seconds between two saves; ``SAVE_EVERY`` if not given.
        on_epoch: hears of each epoch, after a kill also of those that were done before.
        on_step: hears the loss of each step, how many images the run has seen and of how many.

    Raises:
        TrainingError: no training faces; a loss that is not finite, with the batch's faces; no
            memory left, with the batch size to try.
        SystemExit: 143 after SIGTERM; the state is saved.
    """
    spec, ours = experiment.train, ranks()
    device = choose_device(spec.device)
    check_training_faces(store, experiment)
    repeatable(seed, spec.threads)
    model = build(store, experiment)
    if weights is not None:
        model.backbone.load_state_dict(weights)
    if start is not None and (anew := start_from(model, start)):
        print(f"learned from scratch, since they do not fit: {', '.join(anew)}")
    if experiment.compress:
        compress(model, experiment.compress, store.size)
    batches = Batches(
        store,
        store.rows(split="train"),
        batch_size=spec.batch_size,
        augment=spec.augment,
        seed=seed,
        device=device,
        frames=model.frames,
        rank=ours.rank,
        ranks=ours.count,
    )
    with joined(ours, device), _fits_memory(batches.batch_size):
        step = Step(model, spec, device, ours)
        at = (
            progress.load(state, model, step.optimiser, identity) if state else None
        ) or Progress()
        ours.agree(float(at.epoch + at.batch / len(batches)), device)
        for epoch in at.epochs:
            on_epoch(epoch)
        every = SAVE_EVERY if save_every is None else save_every
        keeper = Keeper(state, at, step, identity, every)
        held_out = store.rows(split="validation")
        with keeper.listening():
            while at.epoch <= spec.epochs:
                seconds = _steps(at, batches, step, keeper, on_step)
                metrics = {name: total / len(batches) for name, total in at.sums.items()}
                metrics["learning_rate"] = step.learning_rate
                before = time.perf_counter()
                if len(held_out):
                    metrics |= validate(model, store, held_out, device)
                machine = {
                    "seconds_per_epoch": seconds + time.perf_counter() - before,
                    "images_per_second": len(batches) * batches.batch_size / seconds,
                    "seconds_waiting": at.waited,
                    **memory(device),
                }
                at.finish(Epoch(at.epoch, metrics, machine), model)
                on_epoch(at.epochs[-1])
                keeper.between_steps()
    return Trained(model.eval(), at.epochs, at.best)


def _steps(
    at: Progress,
    batches: Batches,
    step: Step,
    keeper: Keeper,
    on_step: Callable[[float, int, int], None],
) -> float:
    """The rest of an epoch's steps; returns the seconds that all of them took."""
    started, waited = time.perf_counter() - at.seconds, batches.waited - at.waited
    step.model.train()
    sums, of = Counter(at.sums), step.train.epochs * len(batches) * batches.batch_size
    for batch in batches.epoch(at.epoch, start=at.batch):
        done = (at.epoch - 1) * len(batches) + at.batch
        terms = step(batch, done / len(batches))
        if not all(map(math.isfinite, terms.values())):
            raise keeper.not_finite(terms, batch)
        sums.update(terms)
        at.batch, at.sums = at.batch + 1, dict(sums)
        at.seconds, at.waited = time.perf_counter() - started, batches.waited - waited
        on_step(terms["loss"], (done + 1) * batches.batch_size, of)
        if at.batch < len(batches):
            keeper.between_steps()
    return at.seconds


@contextmanager
def _fits_memory(batch_size: int) -> Iterator[None]:
    """Memory that runs out is said in words."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        smaller = max(2, batch_size // 2)
        raise TrainingError(
            f"out of memory with {batch_size} faces a batch: try train.batch_size {smaller} "
            f"({str(error).splitlines()[0][:200]})"
        ) from error
