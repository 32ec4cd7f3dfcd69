"""Seconds of a training step and of a prediction, measured by running the real ones for a moment.

    python -m cadnet.planning.steps --params params.yaml --config '{preset: demo}' --out steps.json

On a CPU with one thread it is the time of the processor that counts, that of the thread which
prepares batches included, so that other work on the machine disturbs little. The faces are noise.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict

from cadnet import job
from cadnet.params import ParameterError, Params, load
from cadnet.provenance import PACKAGE_ROOT, digest, write_json
from cadnet.schema import Experiment

_SECONDS = 1.0  # for the repeats of a kind's steps
_SMALL = 96  # px of crops up to which all kinds are measured
_KEPT = ("batch_size", "threads", "device", "precision", "channels_last", "compile")


class Speed(BaseModel):
    """Of one model under one training.

    Attributes:
        step: seconds a picture of a training step, batches from the store included.
        look: seconds a picture of a prediction.
        gmacs: 10⁹ multiply-adds of a picture's way through the model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    step: float
    look: float
    gmacs: float


class Steps(BaseModel):
    """What was measured on a machine: ``speeds`` by ``kind``; ``memory_mib``: the peak."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machine: str
    preset: str
    memory_mib: float
    speeds: dict[str, Speed]


def kind(experiment: Experiment, size: int) -> str:
    """What the time of a step depends on: the same for experiments of one model and training."""
    train = experiment.train.model_dump(mode="json", include=set(_KEPT))
    return digest([experiment.model.model_dump(mode="json"), train, size])[:12]


def gmacs(experiment: Experiment, size: int) -> float:
    """10⁹ multiply-adds of a picture; of a clip's, its share."""
    from cadnet.evaluation.efficiency import cost

    frames = experiment.model.dgb.frames if experiment.model.dgb else 1
    return cost(experiment.model, size).multiply_adds / 1e9 / frames


def _faces(folder: Path, size: int, count: int) -> Path:
    """A store of noise: one video, all expressions."""
    from cadnet.data.store import Row, write_store
    from cadnet.faces import Face

    rng = np.random.default_rng(0)

    def rows() -> Iterator[Row]:
        for index in range(count):
            points = rng.uniform(0.2, 0.8, (68, 2)) * size
            face = Face(
                key=f"{index:06d}", image=Path("none"), landmarks=points, box=(0, 0, size, size),
                split="train", subset="train", expression=index % 8, video="video",
            )  # fmt: skip
            image = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
            box = (0.1 * size, 0.1 * size, 0.8 * size, 0.8 * size)
            yield Row(face, "train", "train", image, points, box, (0.0, 0.0, float(size)))

    path = folder / "noise.arrow"
    write_store(path, rows(), size=size, scheme="ibug68", about={"dataset": "noise"})
    return path


def measure(
    params: Params, seconds: float, names: list[str] | None = None, part: int = 0, of: int = 1
) -> Steps:
    """Every kind of step that the selected experiments (or only some) take, or a part of these.

    Args:
        seconds: for the repeats of one kind's steps, and a quarter of it for its predictions.
    """
    from cadnet.evaluation.measure import device_name
    from cadnet.training.device import choose_device, repeatable

    chosen = {
        kind(e, params.data.size): (n, e)
        for n, e in reversed(params.selected().items())
        if names is None or n in names
    }
    ours = sorted(chosen.items(), key=lambda item: item[1][0])[part::of]
    train = params.train
    device = choose_device(train.device)
    with tempfile.TemporaryDirectory() as folder:
        path = _faces(Path(folder), params.data.size, 8 * train.batch_size)
        speeds = {}
        for key, (name, experiment) in ours:
            repeatable(0, experiment.train.threads)
            speeds[key] = _speed(path, name, experiment, params.data.size, device, seconds)
            print(f"{name}: {1e3 * speeds[key].step:.3f} ms a picture", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Steps(
        machine=device_name(device), preset=params.preset, memory_mib=round(peak, 1), speeds=speeds
    )


def _speed(
    path: Path, name: str, experiment: Experiment, size: int, device: Any, seconds: float
) -> Speed:
    from cadnet.data.batches import Batches
    from cadnet.data.store import Store
    from cadnet.training.inference import predict
    from cadnet.training.start import build
    from cadnet.training.step import Step

    store, spec = Store(path), experiment.train
    model = build(store, experiment)
    step = Step(model, spec, device)
    rows = np.arange(len(store))
    batches = Batches(
        store, rows, batch_size=spec.batch_size, augment=spec.augment, seed=0, device=device,
        frames=model.frames,
    )  # fmt: skip
    clock = _clock(device.type, spec.threads)

    def epochs() -> Iterator[Any]:
        for epoch in range(1, 1_000_000):
            yield from batches.epoch(epoch)

    model.train()
    coming = epochs()
    for _ in range(2):
        step(next(coming), 0.0)
    steps = _repeated(lambda: step(next(coming), 0.0), seconds, clock)
    coming.close()  # type: ignore[attr-defined]
    looked = rows[: 2 * spec.batch_size]
    predict(model, store, looked, device)
    looks = _repeated(lambda: predict(model, store, looked, device), seconds / 4, clock)
    return Speed(
        name=name,
        step=round(steps / batches.batch_size, 8),
        look=round(looks / len(looked), 8),
        gmacs=round(gmacs(experiment, size), 6),
    )


def _clock(device: str, threads: int) -> Callable[[], float]:
    """A step ends with a number from the device, so that real time counts there."""
    return time.process_time if device == "cpu" and threads == 1 else time.perf_counter


def _repeated(run: Callable[[], object], seconds: float, clock: Callable[[], float]) -> float:
    """Mean seconds of a run, over two or more."""
    started, count = clock(), 0
    while (spent := clock() - started) < seconds or count < 2:
        run()
        count += 1
    return spent / count


def read(path: Path) -> Steps:
    """Of a file that ``main`` wrote.

    Raises:
        ParameterError: it is no such file.
    """
    try:
        return Steps.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ParameterError(f"{path}: is no file of measured steps ({error})") from error


def measured(params: Params, path: Path | None, *, cores: int, gpus: int) -> Steps | None:
    """Of a file, or measured here and kept there; None where a GPU's recorded ones are to do.

    Raises:
        ParameterError: the file is no file of steps, or they could not be measured.
    """
    if path and path.exists():
        return read(path)
    if gpus:
        return None
    # Large models take minutes for a few steps: of these one is measured, the others scaled.
    names = None if params.data.size <= _SMALL else ["cadnet"]
    found = _at_once(params, names, 1 if names else cores)
    if path:
        write_json(path, found.model_dump())
    return found


def _at_once(params: Params, names: list[str] | None, processes: int) -> Steps:
    """Measured by several processes, a part each: jobs, too, run beside others, which slow them."""
    tree = params.model_dump(mode="json", by_alias=True)
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "params.yaml")
        spec.write_text(yaml.safe_dump({**tree, "presets": {params.preset: {}}}), encoding="utf-8")
        command = [sys.executable, "-m", "cadnet.planning.steps", "--params", str(spec)]
        command += ["--only", *names] if names else []
        outs = [Path(folder, f"{part}.json") for part in range(processes)]
        started = [
            subprocess.Popen(
                [*command, "--part", str(part), "--of", str(processes), "--out", str(out)],
                stdout=subprocess.DEVNULL,
            )
            for part, out in enumerate(outs)
        ]
        codes = [process.wait() for process in started]
        if any(codes):
            raise ParameterError("steps cannot be measured: see above")
        parts = [read(out) for out in outs]
    return parts[0].model_copy(
        update={
            "memory_mib": max(part.memory_mib for part in parts),
            "speeds": {key: speed for part in parts for key, speed in part.speeds.items()},
        }
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--params", type=Path, default=PACKAGE_ROOT / "params.yaml")
    parser.add_argument("--config", type=yaml.safe_load, default={})
    parser.add_argument("--seconds", type=float, default=_SECONDS)
    parser.add_argument("--only", nargs="+", metavar="EXPERIMENT")
    parser.add_argument("--part", type=int, default=0, help="of --of parts, from 0")
    parser.add_argument("--of", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        params = load(options.params, options.config)
        found = measure(params, options.seconds, options.only, options.part, options.of)
        write_json(options.out, found.model_dump())
        return f"{len(found.speeds)} kinds of steps on {found.machine}"

    return job.main(run, parser.parse_args(arguments), ParameterError)


if __name__ == "__main__":
    sys.exit(main())
