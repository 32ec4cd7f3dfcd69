"""What smaller models cost on this machine's CPU, in PyTorch and in onnxruntime.

    python -m cadnet.export.costs --models results/cadnet*/seed0/model.safetensors \\
        --int8 results/cadnet_int8/seed0/model.onnx --seconds 0.6 --out results/compression.csv

One value a row, in the columns of ``cadnet.evaluation.measure``; ``architecture`` is the name of
the model's experiment. Pictures go in as bytes and landmarks come out, on one thread, all models in
turn:

* file_mib: of the model as ONNX. parameters, multiply_adds: those of the model before it was
  quantised, which changes their kind alone.
* latency_ms_torch, latency_ms_onnx: of one picture. fps_onnx_batch32: pictures in a second.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from operator import truediv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from cadnet import job
from cadnet.evaluation.efficiency import multiply_adds
from cadnet.evaluation.measure import MIB, Row, device_name, milliseconds, timed_values
from cadnet.evaluation.timing import Run, interleaved, seconds
from cadnet.export.formats import run_onnx, write_onnx
from cadnet.export.graph import Exported
from cadnet.integrity import verified
from cadnet.provenance import write_csv
from cadnet.training import checkpoint
from cadnet.training.device import repeatable

_CPU = torch.device("cpu")


class Smaller(NamedTuple):
    """A model to measure, as an ONNX file; in PyTorch too, where it is not quantised."""

    name: str
    file: Path
    graph: Exported
    in_torch: bool

    def rows(self, metric: str, values: tuple[float, float | None, float | None, int]) -> Row:
        """A line of the table: value, quartiles, repeats."""
        return Row(self.name, "cpu", device_name(_CPU), 1, self.graph.size, metric, *values)

    def counted(self) -> list[Row]:
        """What needs no run."""
        model = self.graph.model
        pictures = torch.zeros(model.frames, 3, self.graph.size, self.graph.size)
        found = {
            "file_mib": self.file.stat().st_size / MIB,
            "parameters": sum(p.numel() for p in model.parameters()),
            "multiply_adds": multiply_adds(model, pictures)["Global"],
        }
        return [self.rows(name, (value, None, None, 0)) for name, value in found.items()]

    def runs(self) -> dict[str, Run]:
        """What is timed, by the metric's name."""
        one, many = self.graph.example(1), self.graph.example(32)
        session = run_onnx(self.file, threads=1)
        made: dict[str, Run] = {
            "latency_ms_onnx": partial(session, one.numpy()),
            "fps_onnx_batch32": partial(session, many.numpy()),
        }
        if self.in_torch:
            made["latency_ms_torch"] = torch.inference_mode()(partial(self.graph, one))
        return made


def measure(models: list[Smaller], budget: float) -> list[Row]:
    """All values of all models. ``budget``: seconds for the repeats of each of the runs."""
    repeatable(0, threads=1)
    rows = [row for model in models for row in model.counted()]
    named = [(model, metric, run) for model in models for metric, run in model.runs().items()]
    runs = [run for _, _, run in named]
    times = interleaved(runs, [seconds(run) for run in runs], budget)
    for (model, metric, _), found in zip(named, times, strict=True):
        of = partial(truediv, 32) if metric.startswith("fps") else milliseconds
        rows.append(model.rows(metric, timed_values(found, of)))
    return rows


def run(options: argparse.Namespace) -> str:
    """The job; returns its summary."""
    graphs: dict[str, Exported] = {}
    models: list[Smaller] = []
    with TemporaryDirectory() as folder:
        for path in options.models:
            network, about = checkpoint.load(path)
            name, graph = path.parents[1].name, Exported(network, about["size"])
            file = Path(folder, f"{len(graphs)}.onnx")
            write_onnx(graph, file, {})
            graphs[name] = graph
            models.append(Smaller(name, file, graph, in_torch=True))
        for path in options.int8:
            record = verified(path.with_name("run.json")).read_text(encoding="utf-8")
            of = json.loads(record)["quantised"]
            models.append(Smaller(path.parents[1].name, path, graphs[of], in_torch=False))
        rows = measure(models, options.seconds)
    write_csv(options.out, Row._fields, rows, digits=9)
    return f"{len(models)} models, {len(rows)} values"


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--int8", type=Path, nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=0.6, help="for the repeats of each run")
    parser.add_argument("--out", type=Path, required=True)
    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
