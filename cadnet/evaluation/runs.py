"""Whose predictions are scored, and on which faces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cadnet.data.store import Store
from cadnet.faces import SCHEMES, Array
from cadnet.integrity import verified

Record = dict[str, Any]  # a run.json


@dataclass(frozen=True)
class Run:
    """Whose predictions are scored."""

    experiment: str
    seed: int
    train_on: str


def normaliser(store: Store, rows: NDArray[np.int64]) -> Array:
    """(len(rows),) px of the crop: what the dataset's protocol divides by."""
    if store.about["normaliser"] == "box_width":
        width: Array = store.box[rows, 2]
        return width
    return SCHEMES[store.scheme].interocular(store.landmarks[rows].astype(np.float64))


def read_predictions(path: Path) -> pa.Table:
    """What ``cadnet.training.predict`` wrote.

    Raises:
        ValueError: the file is cut off.
    """
    try:
        return pq.read_table(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); delete it and run again") from error


def test_rows(store: Store) -> NDArray[np.int64]:
    """The faces that predictions are made for."""
    return np.flatnonzero(store.split != "train")


def measurable(store: Store) -> bool:
    """Whether a dataset's faces to be tested have landmarks."""
    return bool(np.isfinite(store.landmarks[test_rows(store)]).any())


def run_results(
    path: Path, record: Record, stores: dict[str, Store]
) -> Iterator[tuple[Store, pa.Table, Run, str]]:
    """Predictions of one run, a table a test set, with the run and its landmark scheme.

    Raises:
        ValueError: its predictions are cut off, or of other faces than the stores hold.
    """
    file = verified(path.parent / "predictions.parquet")
    predictions = read_predictions(file)
    scheme = predictions.schema.metadata[b"scheme"].decode()
    run = Run(record["experiment"], record["seed"], record["train_on"])
    for dataset in record["parameters"]["test_on"]:
        store = stores[dataset]
        table = predictions.filter(pc.equal(predictions["dataset"], dataset)).combine_chunks()
        if table["key"].to_pylist() != store.keys[test_rows(store)].tolist():
            raise ValueError(f"{file}: is of other faces than {dataset} holds; delete it")
        yield store, table, run, scheme


def values(table: pa.Table, column: str) -> NDArray[np.float32] | None:
    """A column of lists as (N, …); None where the model says nothing of the kind."""
    found = table[column].combine_chunks()
    if not len(found) or found.null_count:
        return None
    numbers: NDArray[np.float32] = found.flatten().to_numpy()
    return numbers.reshape(len(found), -1)
