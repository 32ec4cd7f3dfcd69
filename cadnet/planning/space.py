"""What a run leaves on the disk, and what its jobs hold in memory at most."""

from __future__ import annotations

from cadnet.evaluation.efficiency import cost
from cadnet.params import Params
from cadnet.planning.counts import Pictures
from cadnet.planning.jobs import Job
from cadnet.schema import Experiment

_ROW = 700  # bytes of a crop's annotations in the store, beside its pixels
_PREDICTION = 620  # 68 points in float32, a key, of models with expressions their logits
_ERROR = 2 * 60  # a prediction's errors by metric: of the experiment, and collected
_REST = 40e6  # report, tables, figures, logs, Snakemake's metadata
_BUILTIN = 0.55  # bytes a pixel of built-in pictures: JPEG, PNG, TIFF, videos, raw in .mat
HELD = 832  # bytes a picture of an opened store in memory (docs/training.md)


def on_disk(
    params: Params, jobs: list[Job], pictures: dict[str, Pictures], *, official: bool
) -> dict[str, float]:
    """Bytes by what they are; the user's own raw datasets not counted."""
    found = dict.fromkeys(("built-in faces", "aligned crops", "models", "predictions", "rest"), 0.0)
    crop = 3 * params.data.size**2 + _ROW
    found["aligned crops"] = crop * sum(known.all for known in pictures.values())
    if not official:
        drawn = sum(known.all for known in pictures.values())
        found["built-in faces"] = _BUILTIN * drawn * params.data.builtin.size**2
    for job in jobs:
        if job.experiment is None:
            continue
        if job.rule in ("train", "trial"):
            # The last model, the best one, and MLflow's copy.
            found["models"] += 3 * 4 * parameters(job.experiment, params.data.size)
        if job.rule == "predict":
            looked = sum(pictures[name].predicted for name in job.experiment.test_on)
            found["predictions"] += (_PREDICTION + _ERROR) * looked
    found["rest"] = _REST
    return found


def parameters(experiment: Experiment, size: int) -> int:
    """Of an experiment's model."""
    return cost(experiment.model, size).parameters


def largest(params: Params) -> tuple[str, Experiment]:
    """The experiment whose step holds most, by multiply-adds of a batch."""
    from cadnet.planning.steps import gmacs

    size = params.data.size
    return max(params.selected().items(), key=lambda item: gmacs(item[1], size))


def step_memory(params: Params) -> tuple[str, float]:
    """The experiment whose training step holds most on the device, and MiB: counted for two
    pictures in float32 on the CPU, and proportional to the batch beyond what weights take."""
    import torch

    from cadnet.evaluation.measure import MIB, Entry, Subject
    from cadnet.evaluation.timing import peak

    name, experiment = largest(params)
    frames = experiment.model.dgb.frames if experiment.model.dgb else 1
    few = max(2, 2 * frames if frames > 1 else 2)
    train = experiment.train.model_copy(update={"batch_size": few})
    entry = Entry(
        name=name, model=experiment.model, size=params.data.size, device="cpu", threads=1,
        train=train,
    )  # fmt: skip
    subject = Subject(entry, torch.device("cpu"))
    highest, _ = peak(subject.training().from_the_first, torch.device("cpu"))
    weights = 4 * parameters(experiment, params.data.size)
    # Gradients and momentum are among what was counted; the weights are not.
    per_picture = max(0.0, highest - 2 * weights) / few
    whole = 3 * weights + per_picture * experiment.train.batch_size
    return name, whole / MIB
