"""A trained model in 8 bits, and what it says of its test sets.

    python -m cadnet.export.int8 --run results/cadnet/seed0/run.json --name cadnet_int8 \\
        --train data/aligned/300w.arrow --data data/aligned/300w.arrow --calibration 256 \\
        --out results/cadnet_int8/seed0

Weights and activations become 8-bit integers (onnxruntime's static quantisation, a scale for each
channel of the weights); nothing is trained. The ranges of activations are those that training faces
give. Writes ``model.onnx``, which carries what its user has to know as the files of ``cadnet
export`` do, ``predictions.parquet`` as ``cadnet.training.predict`` does, and ``run.json``: the
run's own, under the quantised model's name.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cadnet import job
from cadnet.data.store import Store
from cadnet.export.formats import run_onnx, write_onnx
from cadnet.export.graph import Exported
from cadnet.export.run import facts
from cadnet.provenance import atomic_path, write_json
from cadnet.training import checkpoint
from cadnet.training.inference import Predictions, Rows
from cadnet.training.predict import predictions_of

_BATCH = 64
_QUANTISED = ["Conv", "Gemm", "MatMul"]
"""Where the arithmetic is. The rest stays in floating point: attention masks are of −∞, which has
no range, and sums of 8 bits cost more error than they save."""


def calibration_rows(store: Store, count: int) -> Rows:
    """Training faces at even steps through the store."""
    rows = store.rows(split="train")
    return rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)]


def quantise(
    graph: Exported, known: dict[str, Any], pictures: Iterator[NDArray[np.uint8]], path: Path
) -> None:
    """Write a model as ONNX in 8 bits.

    Args:
        pictures: batches of those that activations are measured on.
    """
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(pictures, None)
            return None if batch is None else {"pictures": batch}

    logging.getLogger().setLevel(logging.ERROR)  # it recommends what was just done
    with TemporaryDirectory() as folder:
        plain, prepared = Path(folder, "plain.onnx"), Path(folder, "prepared.onnx")
        write_onnx(graph, plain, known)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            path,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=_QUANTISED,
        )


def predict(file: Path, graph: Exported, store: Store, rows: Rows) -> Predictions:
    """What an ONNX file says of some faces of a store."""
    session = run_onnx(file, threads=1)
    parts = [
        session(store.images(rows[start : start + _BATCH])) for start in range(0, len(rows), _BATCH)
    ]
    said = dict(zip(graph.outputs, map(np.concatenate, zip(*parts, strict=True)), strict=True))
    probabilities = said.get("expressions")
    logits = None if probabilities is None else np.log(np.maximum(probabilities, 1e-12))
    return Predictions(said.get("landmarks"), logits)


def run(options: argparse.Namespace) -> str:
    """The job; returns its summary."""
    record = json.loads(options.run.read_text(encoding="utf-8"))
    network, about = checkpoint.load(options.run.with_name("model.safetensors"))
    graph, store = Exported(network, about["size"]), Store(options.train)
    rows = calibration_rows(store, options.calibration)
    known = facts(about, graph, options.run.parent) | {"quantised": len(rows)}
    batches = (store.images(rows[start : start + _BATCH]) for start in range(0, len(rows), _BATCH))
    file = options.out / "model.onnx"
    with atomic_path(file) as temporary:
        quantise(graph, known, batches, temporary)
    table = predictions_of(about, options.data, lambda data, rows: predict(file, graph, data, rows))
    with atomic_path(options.out / "predictions.parquet") as temporary:
        pq.write_table(table, temporary)
    ours = {
        "experiment": options.name,
        "quantised": record["experiment"],
        "title": f"{record['title']}, 8 bits",
        "calibration": len(rows),
    }
    write_json(options.out / "run.json", record | ours)
    return f"{file.stat().st_size / 2**20:.2f} MiB, calibrated on {len(rows)} faces"


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the quantised model")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--calibration", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
