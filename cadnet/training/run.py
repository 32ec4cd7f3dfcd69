"""One training job: an experiment and a seed, from the aligned store to weights and a record.

    python -m cadnet.training.run --spec "$(cadnet spec cadnet)" --experiment cadnet \\
        --seed 0 --data data/aligned/300w.arrow --out results/cadnet/seed0

Leaves ``model.safetensors``, ``history.csv`` (an epoch a row; the same bits in each run of a seed),
``run.json`` (parameters, digests, commit, times), and ``journal.jsonl``, which the forwarder of
``cadnet.tracking`` brings to MLflow. While it runs, ``state.safetensors`` keeps where it stands: a
job that was killed goes on from there, to the same bits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadnet import job, provenance
from cadnet.gpu import claim
from cadnet.schema import Experiment
from cadnet.tracking.journal import journal
from cadnet.training import ACCURACY, VALIDATION, TrainingError
from cadnet.training.search import tuned

if TYPE_CHECKING:
    from torch import Tensor

    from cadnet.training.progress import Epoch


STATE = "state.safetensors"


def read_weights(path: Path | None) -> tuple[dict[str, Tensor] | None, str]:
    """Backbone weights that ``cadnet.models.weights`` left, and how the report names them."""
    if path is None:
        return None, "from scratch"
    from safetensors.torch import load_file

    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
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


def write_history(path: Path, epochs: list[Epoch]) -> None:
    """Epochs as csv: numbers to nine digits, which float32 needs."""
    names = list(epochs[0].metrics)
    lines = [",".join(["epoch", *names])]
    for epoch in epochs:
        lines.append(",".join([str(epoch.number), *(f"{epoch.metrics[n]:.9g}" for n in names)]))
    with provenance.atomic_path(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(
    spec: dict[str, Any],
    *,
    name: str,
    seed: int,
    data: Path,
    out: Path,
    weights: Path | None = None,
    start: Path | None = None,
) -> dict[str, Any]:
    """Train, save and record; returns the record."""
    started = time.perf_counter()
    experiment = Experiment.model_validate(spec)
    commit, digest = provenance.commit(), provenance.digest(spec)
    about = json.loads(data.with_suffix(".json").read_text(encoding="utf-8"))
    dataset = {
        "name": about["dataset"],
        "digest": about["digest"],
        "origin": about["origin"],
        "n": sum(about["subsets"].values()),
    }
    with (
        journal(
            out,
            experiment=name,
            seed=seed,
            parameters=spec,
            digest=digest,
            commit=commit,
            dataset=dataset,
        ) as record_of_run,
        claim(experiment.train.device),
    ):
        from cadnet.data.store import Store
        from cadnet.training import checkpoint, engine

        store = Store(data)
        backbone, initialisation = read_weights(weights)
        if experiment.start_from:
            initialisation = f"from {experiment.start_from}"
        files = [provenance.file_digest(path) for path in (weights, start) if path]
        code = provenance.code_digest("cadnet.training.run")
        steps = experiment.train.epochs * max(
            1, len(store.rows(split="train")) // experiment.train.batch_size
        )
        ready = time.perf_counter()
        with job.bar(total=steps, desc=f"{name} seed {seed}", unit="batch") as bar:

            def on_step(loss: float) -> None:
                bar.update()

            def on_epoch(epoch: Epoch) -> None:
                record_of_run.epoch(
                    epoch.number,
                    {
                        **epoch.metrics,
                        "seconds_per_epoch": epoch.seconds,
                        "images_per_second": epoch.images_per_second,
                    },
                )
                error = epoch.metrics.get(VALIDATION, float("nan"))
                bar.set_postfix(nrmse=f"{error:.2f} %", images=f"{epoch.images_per_second:.0f}/s")
                print(
                    f"epoch {epoch.number}/{experiment.train.epochs}  "
                    f"loss {epoch.metrics['loss']:.4f}  validation NRMSE {error:.2f} %  "
                    f"{epoch.images_per_second:.0f} images/s",
                    flush=True,
                )

            model, epochs = engine.train(
                store,
                experiment,
                seed=seed,
                weights=backbone,
                start=read_start(start),
                state=out / STATE,
                identity=provenance.digest([spec, seed, about["digest"], code, files]),
                on_step=on_step,
                on_epoch=on_epoch,
            )
        trained = time.perf_counter()
        record = {
            "experiment": name,
            "seed": seed,
            "train_on": experiment.train_on,
            "title": experiment.title,
            "parameters": spec,
            "digest": digest,
            "data_digest": about["digest"],
            "commit": commit,
            "initialisation": initialisation,
            "epochs": experiment.train.epochs,
            "validation_nrmse": epochs[-1].metrics.get(VALIDATION),
            "validation_accuracy": epochs[-1].metrics.get(ACCURACY),
            "trainable_parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "device": str(next(model.parameters()).device),
        }
        checkpoint.save(
            out / "model.safetensors",
            model,
            {"model": spec["model"], "scheme": store.scheme, "size": store.size, "seed": seed},
        )
        write_history(out / "history.csv", epochs)
        (out / STATE).unlink(missing_ok=True)
    record["seconds"] = round(trained - ready, 3)
    record["overhead_seconds"] = round(time.perf_counter() - started - record["seconds"], 3)
    provenance.write_json(out / "run.json", record)
    return record


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

    def train(options: argparse.Namespace) -> str:
        spec = options.spec
        if options.tuned:
            spec = tuned(spec, json.loads(options.tuned.read_text(encoding="utf-8")))
        record = run(
            spec,
            name=options.experiment,
            seed=options.seed,
            data=options.data,
            out=options.out,
            weights=options.weights,
            start=options.start,
        )
        quality = "no validation faces"
        if record["validation_accuracy"] is not None:
            quality = f"validation accuracy {record['validation_accuracy']:.1f} %"
        if record["validation_nrmse"] is not None:
            quality = f"validation NRMSE {record['validation_nrmse']:.2f} %"
        return (
            f"{quality}, {record['epochs']} epochs in "
            f"{record['seconds']:.1f} s, {record['overhead_seconds']:.1f} s around them"
        )

    return job.main(train, parser.parse_args(arguments), TrainingError, ValueError)


if __name__ == "__main__":
    sys.exit(main())
