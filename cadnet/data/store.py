"""The aligned store: one Arrow file a dataset, pictures as bytes beside their annotations.

Rows are faces: ``key``, ``split`` (train, validation, test), ``subset``, ``image`` (size × size × 3
uint8 RGB), ``landmarks`` (L × 2 px of the crop), ``occluded`` (L flags), ``box`` (x, y, width,
height: px of the crop), ``region`` (left, top, side: px of the original that the crop shows),
``expression``, ``subject`` and ``video``. What the dataset does not say is null. The file is
memory-mapped: a reader holds only the pictures that it asks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cadnet.faces import SCHEMES, Array, Face
from cadnet.integrity import verified
from cadnet.provenance import atomic_path

_BATCH = 256  # rows a record batch: what a writer holds in memory at once


@dataclass(frozen=True)
class Row:
    """One aligned face: what its dataset says of it, and the crop; units as in the module."""

    face: Face
    split: str
    subset: str
    image: NDArray[np.uint8]
    landmarks: Array | None
    box: tuple[float, float, float, float]
    region: tuple[float, float, float]


def _schema(size: int, points: int) -> pa.Schema:
    return pa.schema(
        [
            ("key", pa.string()),
            ("split", pa.string()),
            ("subset", pa.string()),
            ("image", pa.binary(size * size * 3)),
            ("landmarks", pa.list_(pa.float32(), points * 2)),
            ("occluded", pa.list_(pa.bool_(), points)),
            ("box", pa.list_(pa.float64(), 4)),
            ("region", pa.list_(pa.float64(), 3)),
            ("expression", pa.int8()),
            ("subject", pa.string()),
            ("video", pa.string()),
        ]
    )


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    columns = {
        "key": [row.face.key for row in rows],
        "split": [row.split for row in rows],
        "subset": [row.subset for row in rows],
        "image": [row.image.tobytes() for row in rows],
        "landmarks": [
            None if row.landmarks is None else row.landmarks.astype(np.float32).reshape(-1)
            for row in rows
        ],
        "occluded": [None if row.face.visible is None else ~row.face.visible for row in rows],
        "box": [row.box for row in rows],
        "region": [row.region for row in rows],
        "expression": [row.face.expression for row in rows],
        "subject": [row.face.subject or None for row in rows],
        "video": [row.face.video or None for row in rows],
    }
    return pa.record_batch(
        [pa.array(columns[field.name], type=field.type) for field in schema], schema=schema
    )


def write_store(
    path: Path, rows: Iterable[Row], *, size: int, scheme: str, about: dict[str, Any]
) -> dict[str, Any]:
    """Write a store, atomically, batch by batch.

    Args:
        rows: the faces; they may be made one by one and may add to ``about`` as they come.
        about: facts about the data that every reader gets back; JSON-like.
    """
    schema = _schema(size, SCHEMES[scheme].points)
    with atomic_path(path) as temporary:
        waiting: list[Row] = []
        with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for row in rows:
                waiting.append(row)
                if len(waiting) == _BATCH:
                    writer.write_batch(_batch(waiting, schema))
                    waiting = []
            if waiting:
                writer.write_batch(_batch(waiting, schema))
        # What is known only after the last row goes into a small file beside the rows.
        about = {**about, "size": size, "scheme": scheme}
        with atomic_path(about_path(path)) as beside:
            beside.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return about


def about_path(store: Path) -> Path:
    """The facts file of a store."""
    return store.with_suffix(".json")


def _numbers(column: pa.ChunkedArray, width: int) -> NDArray[np.float32]:
    """A column of lists as (N, width) numbers; NaN where there is none."""
    numbers = np.empty((len(column), width), dtype=np.float32)
    start = 0
    for chunk in column.chunks:
        rows = numbers[start : start + len(chunk)]
        values = chunk.values.cast(pa.float32()).to_numpy(zero_copy_only=False)
        rows[:] = values.reshape(-1, width)[chunk.offset : chunk.offset + len(chunk)]
        rows[chunk.is_null().to_numpy(zero_copy_only=False)] = np.nan
        start += len(chunk)
    return numbers


class Store:
    """A memory-mapped store.

    Attributes:
        about: facts that the aligner wrote: dataset, origin, digest, counts, …
        size: side of the crops in px.
        landmarks: (N, L, 2) float32 px of the crop; NaN where there are none.
        occluded: (N, L) float32, NaN where unknown.
        box: (N, 4) x, y, width, height, px of the crop.
        region: (N, 3) left, top, side of the crop, px of the picture.
        expression: (N,) indices into ``faces.EXPRESSIONS``, −1 where unknown.
        keys, split, subset, subject, video: (N,) arrays of names, "" where unknown.
    """

    def __init__(self, path: Path) -> None:
        """Raises ``CorruptedError`` when a file is not as its job wrote it, ``ValueError`` when it
        is cut off or not a store."""
        about = verified(about_path(path))
        self.about: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
        try:
            table = pa.ipc.open_file(pa.memory_map(str(verified(path)))).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise ValueError(
                f"{path}: is not a whole aligned store ({error}); delete it and run again"
            ) from error
        self.size: int = self.about["size"]
        self.scheme: str = self.about["scheme"]
        count, points = table.num_rows, SCHEMES[self.scheme].points
        self.keys, self.split, self.subset, self.subject, self.video = (
            np.array([name or "" for name in table.column(column).to_pylist()], dtype=object)
            for column in ("key", "split", "subset", "subject", "video")
        )
        self.landmarks = _numbers(table.column("landmarks"), points * 2).reshape(count, points, 2)
        self.occluded = _numbers(table.column("occluded"), points)
        self.box = _numbers(table.column("box"), 4)
        self.region = _numbers(table.column("region"), 3)
        expression = table.column("expression").fill_null(-1)
        self.expression = expression.to_numpy().astype(np.int64)
        # Each record batch stays where it is mapped; no copy of the pictures is made.
        self._images = [self._view(chunk) for chunk in table.column("image").chunks]

    def _view(self, chunk: pa.Array) -> NDArray[np.uint8]:
        data = np.frombuffer(chunk.buffers()[1], dtype=np.uint8)
        stride = self.size * self.size * 3
        start = chunk.offset * stride
        return data[start : start + len(chunk) * stride].reshape(-1, self.size, self.size, 3)

    def __len__(self) -> int:
        return len(self.keys)

    def images(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """The pictures of some rows, (len(rows), size, size, 3) uint8 RGB."""
        out = np.empty((len(rows), self.size, self.size, 3), dtype=np.uint8)
        for position, row in enumerate(rows):
            chunk, offset = divmod(int(row), _BATCH)
            out[position] = self._images[chunk][offset]
        return out

    def rows(self, *, split: str, subset: str | None = None) -> NDArray[np.int64]:
        """Indices of the faces of a split, or of one subset of it."""
        chosen = self.split == split
        if subset is not None:
            chosen &= self.subset == subset
        return np.flatnonzero(chosen)
