"""One training job: an experiment and a seed, from the aligned store to weights and a record.

    python -m cadnet.training.run --spec "$(cadnet spec cadnet)" --experiment cadnet \\
        --seed 0 --data data/aligned/300w.arrow --out results/cadnet/seed0

Leaves ``model.safetensors``, beside it ``best.safetensors`` (of the epoch that was best on held-out
faces; ``last.safetensors`` where ``train.keep`` makes the best one the model), ``history.csv`` (an
epoch a row; the same bits in each run of a seed), ``run.json`` (parameters, digests, commit,
times), and ``journal.jsonl``, which the forwarder of ``cadnet.tracking`` brings to MLflow. While it
runs, ``state.safetensors`` keeps where it stands: a job that was killed goes on from there, to the
same bits.

On several GPUs: ``python -m torch.distributed.run --nproc-per-node 4 -m cadnet.training.run …``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadnet import integrity, job, provenance
from cadnet.gpu import claim, visible_gpus
from cadnet.schema import Experiment, Train
from cadnet.tracking.journal import journal
from cadnet.training import ACCURACY, VALIDATION, TrainingError
from cadnet.training.search import tuned

if TYPE_CHECKING:
    from torch import Tensor

    from cadnet.training.engine import Trained
    from cadnet.training.progress import Epoch


STATE = "state.safetensors"


def read_weights(path: Path | None) -> tuple[dict[str, Tensor] | None, str]:
    """Backbone weights that ``cadnet.models.weights`` left, and how the report names them."""
    if path is None:
        return None, "from scratch"
    from safetensors.torch import load_file

    beside = integrity.verified(path.with_suffix(".json"))
    about = json.loads(beside.read_text(encoding="utf-8"))
    if about["reason"]:
        return None, f"from scratch (ImageNet weights: {about['reason']})"
    return load_file(path), "ImageNet"


def read_start(path: Path | None) -> dict[str, Tensor] | None:
    """The tensors of the model to start from.

    Raises:
        TrainingError: the file is cut off.
    """
    if path is None:
        return None
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path}: cannot be read ({error}); delete it and run again") from error


def write_history(path: Path, epochs: list[Epoch], best: Epoch | None) -> None:
    """Epochs as csv, numbers to nine digits, which float32 needs; ``best`` is 1 for the best."""
    names = list(epochs[0].metrics)
    lines = [",".join(["epoch", *names, "best"])]
    for epoch in epochs:
        numbers = (f"{epoch.metrics[name]:.9g}" for name in names)
        lines.append(",".join([str(epoch.number), *numbers, str(int(epoch is best))]))
    with provenance.atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Watch:
    """What a person sees of a run: a bar where somebody watches, else a line an epoch."""

    def __init__(self, name: str, train: Train) -> None:
        self.epochs, self.validation = train.epochs, ""
        self.bar = job.bar(desc=name, unit=" images", unit_scale=True)

    def step(self, loss: float, seen: int, of: int) -> None:
        """After each step, with the images that the run has seen so far."""
        if self.bar.disable:
            return
        if self.bar.total is None:
            self.bar.total, self.bar.initial = of, seen  # what was before a kill is no speed
            self.bar.n = seen
        self.bar.set_postfix_str(f"loss {loss:.4f}{self.validation}", refresh=False)
        self.bar.update(seen - self.bar.n)

    def epoch(self, epoch: Epoch) -> None:
        """After each epoch."""
        figures = {VALIDATION: "NRMSE", ACCURACY: "accuracy"}
        said = "".join(
            f"  validation {figure} {epoch.metrics[name]:.2f} %"
            for name, figure in figures.items()
            if name in epoch.metrics
        )
        self.validation = said
        speed = epoch.machine["images_per_second"]
        loss = f"loss {epoch.metrics['loss']:.4f}"
        line = f"epoch {epoch.number}/{self.epochs}  {loss}{said}  {speed:.0f} images/s"
        print(line, flush=True)


@dataclass(frozen=True)
class Job:
    """What is trained, and where its files are."""

    spec: dict[str, Any]
    name: str
    seed: int
    data: Path
    out: Path
    weights: Path | None = None
    start: Path | None = None
    save_every: float | None = None
    """Seconds between two saves of where the run stands; None: the usual."""

    @cached_property
    def experiment(self) -> Experiment:
        """The typed spec."""
        return Experiment.model_validate(self.spec)

    @cached_property
    def dataset(self) -> dict[str, Any]:
        """Facts about the training data."""
        beside = integrity.verified(self.data.with_suffix(".json"))
        about = json.loads(beside.read_text(encoding="utf-8"))
        named = ("digest", "origin", "scheme", "size", "margin", "framing")
        count = sum(about["subsets"].values())
        return {"name": about["dataset"], "n": count, **{key: about[key] for key in named}}

    @cached_property
    def backbone(self) -> tuple[dict[str, Tensor] | None, str]:
        """Its weights, and where the model's weights come from in words."""
        tensors, words = read_weights(self.weights)
        start = self.experiment.start_from
        return tensors, f"from {start}" if start else words

    def arguments(self) -> dict[str, Any]:
        """Of ``engine.train``; reads what it needs."""
        from cadnet.data.store import Store

        files = [provenance.file_digest(path) for path in (self.weights, self.start) if path]
        code = provenance.code_digest("cadnet.training.run")
        return {
            "store": Store(self.data),
            "experiment": self.experiment,
            "seed": self.seed,
            "weights": self.backbone[0],
            "start": read_start(self.start),
            "state": self.out / STATE,
            "identity": provenance.digest(
                [self.spec, self.seed, self.dataset["digest"], code, files]
            ),
            "save_every": self.save_every,
        }


def check_gpus(device: str) -> None:
    """Raises ``TrainingError`` where torchrun starts more processes than there are GPUs: each would
    wait for one of its own."""
    processes, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", 1)), visible_gpus()
    if device != "cpu" and 0 < len(gpus) < processes:
        raise TrainingError(
            f"{processes} processes for {len(gpus)} GPUs: lower --nproc-per-node, one each"
        )


def run(chosen: Job) -> dict[str, Any]:
    """Train, save and record; returns the record."""
    started = time.perf_counter()
    experiment, dataset, out = chosen.experiment, chosen.dataset, chosen.out
    commit, digest = provenance.commit(), provenance.digest(chosen.spec)
    with (
        journal(
            out,
            experiment=chosen.name,
            seed=chosen.seed,
            parameters=chosen.spec,
            digest=digest,
            commit=commit,
            dataset={key: dataset[key] for key in ("name", "digest", "origin", "n")},
        ) as record_of_run,
        claim(experiment.train.device),
    ):
        from cadnet.training import engine

        arguments = chosen.arguments()
        watch = Watch(f"{chosen.name} seed {chosen.seed}", experiment.train)

        def on_epoch(epoch: Epoch) -> None:
            record_of_run.epoch(epoch.number, epoch.metrics | epoch.machine)
            watch.epoch(epoch)

        ready = time.perf_counter()
        with watch.bar:
            trained = engine.train(**arguments, on_step=watch.step, on_epoch=on_epoch)
        seconds = time.perf_counter() - ready
        record = {
            "experiment": chosen.name,
            "seed": chosen.seed,
            "train_on": experiment.train_on,
            "title": experiment.title,
            "parameters": chosen.spec,
            "digest": digest,
            "data_digest": dataset["digest"],
            "origin": dataset["origin"],
            "commit": commit,
            "initialisation": chosen.backbone[1],
            "epochs": experiment.train.epochs,
            **save(chosen, trained),
            "seconds": round(seconds, 3),
        }
    record["overhead_seconds"] = round(time.perf_counter() - started - seconds, 3)
    provenance.write_json(out / "run.json", record)
    integrity.remove(out / STATE)
    return record


def assist(chosen: Job) -> None:
    """What the other processes of torchrun do: the same training, and not a file."""
    with claim(chosen.experiment.train.device):
        from cadnet.training import engine

        engine.train(**chosen.arguments())


def save(chosen: Job, trained: Trained) -> dict[str, Any]:
    """Write the models and the history; returns what the record says of them."""
    from cadnet.training import checkpoint
    from cadnet.training.device import choose_precision
    from cadnet.training.progress import best_epoch

    model, out, train = trained.model, chosen.out, chosen.experiment.train
    best = best_epoch(trained.epochs)
    kept = best if best and train.keep == "best" else trained.epochs[-1]
    device = next(model.parameters()).device
    about = {
        "model": chosen.spec["model"],
        "compressed": chosen.spec["compress"],
        "scheme": chosen.dataset["scheme"],
        "size": chosen.dataset["size"],
        "margin": chosen.dataset["margin"],
        "framing": chosen.dataset["framing"],
        "seed": chosen.seed,
    }
    last_name, best_name = {
        "last": ("model.safetensors", "best.safetensors"),
        "best": ("last.safetensors", "model.safetensors"),
    }[train.keep]
    checkpoint.save(out / last_name, model, about)
    if best:
        model.load_state_dict(trained.best)
        checkpoint.save(out / best_name, model, about)
    write_history(out / "history.csv", trained.epochs, best)
    return {
        "epoch": kept.number,
        "validation_nrmse": kept.metrics.get(VALIDATION),
        "validation_accuracy": kept.metrics.get(ACCURACY),
        "best": {"epoch": best.number, **best.metrics} if best else None,
        "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
        "device": str(device),
        "precision": str(choose_precision(train.precision, device)).removeprefix("torch."),
    }


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--spec", type=job.json_argument, required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="what cadnet.models.weights wrote")
    parser.add_argument("--start", type=Path, help="the model of experiment start_from")
    parser.add_argument("--tuned", type=Path, help="loss weights that the search chose")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--save-every", type=float, metavar="SECONDS", help="lost by a kill at most"
    )

    def train(options: argparse.Namespace) -> str:
        spec = options.spec
        if options.tuned:
            spec = tuned(spec, json.loads(options.tuned.read_text(encoding="utf-8")))
        chosen = Job(
            spec,
            name=options.experiment,
            seed=options.seed,
            data=options.data,
            out=options.out,
            weights=options.weights,
            start=options.start,
            save_every=options.save_every,
        )
        check_gpus(chosen.experiment.train.device)
        if rank > 0:
            assist(chosen)
            return f"process {rank} is done"
        return summary(run(chosen))

    # Of several processes the first one writes: results, journal, log.
    rank, parsed = int(os.environ.get("RANK", 0)), parser.parse_args(arguments)
    parsed.log = None if rank > 0 else parsed.log
    return job.main(train, parsed, TrainingError, ValueError)


def summary(record: dict[str, Any]) -> str:
    """A run's record in a line."""
    quality = "no validation faces"
    if record["validation_accuracy"] is not None:
        quality = f"validation accuracy {record['validation_accuracy']:.1f} %"
    if record["validation_nrmse"] is not None:
        quality = f"validation NRMSE {record['validation_nrmse']:.2f} %"
    return (
        f"{quality}, {record['epochs']} epochs in "
        f"{record['seconds']:.1f} s, {record['overhead_seconds']:.1f} s around them"
    )


if __name__ == "__main__":
    job.without("pandas")
    sys.exit(main())
