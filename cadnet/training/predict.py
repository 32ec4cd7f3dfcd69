"""One prediction job: a trained model on the test faces of its test sets.

    python -m cadnet.training.predict --model results/cadnet/seed0/model.safetensors \\
        --data data/aligned/300w.arrow data/aligned/cofw.arrow \\
        --out results/cadnet/seed0/predictions.parquet

Writes a parquet file with ``dataset``, ``key``, ``split``, ``subset`` and ``landmarks`` (px of the
crop, x and y in turn) and ``expression`` (logits); null where the model has no head for it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cadnet import job
from cadnet.data.store import Store
from cadnet.gpu import claim
from cadnet.provenance import atomic_path
from cadnet.training import TrainingError, checkpoint
from cadnet.training.device import choose_device, repeatable
from cadnet.training.inference import Predictions, Rows, predict


def _lists(values: NDArray[np.float32] | None, count: int) -> pa.Array:
    """(N, …) as lists of numbers; without values, ``count`` nulls."""
    rows = [None] * count if values is None else list(values.reshape(count, -1))
    return pa.array(rows, type=pa.list_(pa.float32()))


def predictions_of(
    about: dict[str, Any], data: list[Path], said: Callable[[Store, Rows], Predictions]
) -> pa.Table:
    """What a model says of the test and validation faces of some stores.

    Args:
        about: what its checkpoint says of it.
        said: the model.

    Raises:
        ValueError: the model was trained on crops of another size.
    """
    tables = []
    for path in data:
        store = Store(path)
        if about["size"] != store.size:
            raise ValueError(
                f"the model was trained on crops of {about['size']} px, "
                f"{path} holds {store.size} px"
            )
        rows = np.flatnonzero(store.split != "train")
        found = said(store, rows)
        columns = {
            "dataset": [store.about["dataset"]] * len(rows),
            "key": store.keys[rows].tolist(),
            "split": store.split[rows].tolist(),
            "subset": store.subset[rows].tolist(),
            "landmarks": _lists(found.landmarks, len(rows)),
            "expression": _lists(found.expression, len(rows)),
            "masks": _lists(found.masks, len(rows)),
        }
        tables.append(pa.table(columns))
    about_these = {"scheme": about["scheme"], "seed": str(about["seed"])}
    return pa.concat_tables(tables).replace_schema_metadata(about_these)


def predict_sets(model_path: Path, data: list[Path], *, device: str, threads: int) -> pa.Table:
    """The landmarks and expressions that a checkpoint gives on some stores.

    Raises:
        ValueError: the model was trained on crops of another size.
    """
    where = choose_device(device)
    repeatable(0, threads)
    model, about = checkpoint.load(model_path, where)
    return predictions_of(about, data, lambda store, rows: predict(model, store, rows, where))


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)

    def run(options: argparse.Namespace) -> str:
        with claim(options.device):
            table = predict_sets(
                options.model, options.data, device=options.device, threads=options.threads
            )
        with atomic_path(options.out) as temporary:
            pq.write_table(table, temporary)
        return f"{table.num_rows} faces"

    return job.main(run, parser.parse_args(arguments), TrainingError, ValueError)


if __name__ == "__main__":
    job.without("pandas")
    sys.exit(main())
