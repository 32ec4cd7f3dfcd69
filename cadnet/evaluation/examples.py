"""Faces that the figures show, with what a trained model says of them.

    python -m cadnet.evaluation.examples --model results/cadnet/seed0/model.safetensors \\
        --predictions results/cadnet/seed0/predictions.parquet --data data/aligned/cofw.arrow \\
        --dataset cofw --subset test --choose occluded --count 6 --out faces.npz

Which faces is decided by a rule, not by hand: the most occluded ones, those with the worst errors,
an even spread from the smallest error to the largest, or the first of each expression.

Writes arrays without pickles: ``images`` (N, S, S, 3) uint8, ``truth`` and ``predicted`` landmarks
(px of the crop, N × L × 2; NaN where there are none), ``errors`` (% of the dataset's normaliser),
``occluded`` (N, L; NaN where unknown), ``drop``, ``importance``, ``final`` (N, h, w; 0 × 0 where
the model has no masks), ``keys``, ``expression`` and ``predicted_expression`` (indices into
``faces.EXPRESSIONS``, −1 where there is none). ``reason`` is empty.

Where the data lack what is asked for, the file holds the ``reason`` alone. So it does for official
photographs, which are not everybody's to show, without ``--official``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from cadnet import job
from cadnet.data.store import Store
from cadnet.evaluation.metrics import mean_distance
from cadnet.evaluation.runs import normaliser, read_predictions, test_rows, values
from cadnet.faces import SCHEMES, Array, comparable_points
from cadnet.provenance import atomic_path

HIDDEN = "official photographs are shown only where report.faces is `all`"
CHOICES = ("occluded", "worst", "spread", "expressions")
Rows = NDArray[np.int64]


class NothingToShow(Exception):
    """The data lack what a figure asks for; in words."""


class Said(NamedTuple):
    """What a run predicted of the rows of a store; NaN and −1 where it says nothing."""

    rows: Rows
    landmarks: Array
    """(N, L, 2) px of the crop."""
    errors: Array
    """(N,) % of the dataset's normaliser."""
    expression: Rows

    def of(self, chosen: Rows) -> Said:
        """That of some of them, by their place."""
        return Said(
            self.rows[chosen], self.landmarks[chosen], self.errors[chosen], self.expression[chosen]
        )


def said_of(store: Store, subset: str, predictions: Path) -> Said:
    """A run's predictions for one subset or union of a store.

    Raises:
        ValueError: they are of other faces.
        NothingToShow: no face of the subset is there.
    """
    table = read_predictions(predictions)
    scheme = table.schema.metadata[b"scheme"].decode()
    dataset, tested = store.about["dataset"], test_rows(store)
    table = table.filter(pc.equal(table["dataset"], dataset))
    if table["key"].to_pylist() != store.keys[tested].tolist():
        raise ValueError(f"{predictions}: is of other faces than {dataset} holds; delete it")
    members = store.about["unions"].get(subset, [subset])
    chosen = np.isin(store.subset[tested], members)
    if not chosen.any():
        raise NothingToShow(f"{dataset} has no faces to test in {subset}")
    table, rows = table.filter(chosen), tested[chosen]
    points, logits = values(table, "landmarks"), values(table, "expression")
    landmarks = np.full((len(rows), SCHEMES[scheme].points, 2), np.nan, dtype=np.float32)
    errors = np.full(len(rows), np.nan)
    if points is not None:
        landmarks = points.reshape(landmarks.shape)
        if np.isfinite(store.landmarks[rows]).any():
            ours, theirs = comparable_points(scheme, store.scheme)
            distance = mean_distance(ours @ landmarks, theirs @ store.landmarks[rows])
            errors = 100 * distance / normaliser(store, rows)
    best = np.full(len(rows), -1) if logits is None else logits.argmax(axis=1)
    return Said(rows, landmarks, errors, best)


def choose(how: str, count: int, store: Store, said: Said) -> Rows:
    """Places in ``said`` of at most ``count`` faces; of equals the first by key comes first.

    Raises:
        NothingToShow: the dataset or the model lacks what the rule asks for.
    """
    keys, rows = store.keys[said.rows].astype(str), said.rows
    places = np.argsort(keys, kind="stable")
    if how == "expressions":
        labels = store.expression[rows][places]
        _, first = np.unique(labels, return_index=True)
        return _known(places[first[labels[first] >= 0]], how, store)[:count]
    key = -store.occluded[rows].mean(axis=1) if how == "occluded" else said.errors
    places = _known(places[np.isfinite(key[places])], how, store)
    ordered = places[np.argsort(-key[places] if how == "worst" else key[places], kind="stable")]
    if how != "spread":
        return ordered[:count]
    even = np.linspace(0, len(ordered) - 1, min(count, len(ordered)))
    return ordered[np.round(even).astype(np.int64)]


def _known(places: Rows, how: str, store: Store) -> Rows:
    if not len(places):
        lacking = {"occluded": "occlusion labels", "expressions": "expressions"}
        raise NothingToShow(
            f"no {lacking.get(how, 'landmark errors')} for {store.about['dataset']}"
        )
    return places


def masks(model_path: Path, store: Store, said: Said) -> dict[str, NDArray[np.float32]]:
    """The model's masks of some faces: drop, importance, final, each (N, h, w).

    Raises:
        ValueError: the model is one of clips, or is not the one whose predictions these are.
    """
    import torch

    from cadnet.data.batches import to_float, to_pixels
    from cadnet.training import checkpoint
    from cadnet.training.device import repeatable

    repeatable(0, 1)
    model, about = checkpoint.load(model_path)
    if model.frames > 1:
        raise ValueError(f"{model_path}: is a model of clips; examples are pictures")
    if about["size"] != store.size:
        raise ValueError(f"{model_path}: was trained on crops of {about['size']} px")
    with torch.inference_mode():
        output = model(to_float(store.images(said.rows), torch.device("cpu")))
    if output.landmarks is not None:
        again = to_pixels(output.landmarks, store.size).numpy()
        # Another device or batch changes last digits; another model changes more.
        if again.shape != said.landmarks.shape or not np.allclose(
            again, said.landmarks, rtol=0, atol=store.size / 100
        ):
            raise ValueError(f"{model_path}: did not make these predictions; delete them")
    names = ("drop", "importance", "final")
    if output.masks is None:
        return dict.fromkeys(names, np.zeros((len(said.rows), 0, 0), dtype=np.float32))
    return {name: getattr(output.masks, name)[:, 0].numpy() for name in names}


def examples(
    store: Store, subset: str, model: Path, predictions: Path, *, how: str, count: int
) -> dict[str, NDArray[Any]]:
    """The arrays that are written, by name."""
    said = said_of(store, subset, predictions)
    chosen = said.of(choose(how, count, store, said))
    return {
        "images": store.images(chosen.rows),
        "truth": store.landmarks[chosen.rows],
        "predicted": chosen.landmarks.astype(np.float32),
        "errors": chosen.errors,
        "occluded": store.occluded[chosen.rows],
        **masks(model, store, chosen),
        "keys": store.keys[chosen.rows].astype(str),
        "expression": store.expression[chosen.rows],
        "predicted_expression": chosen.expression,
        "reason": np.array(""),
    }


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--dataset", required=True, help="that --data must be of")
    parser.add_argument("--subset", required=True)
    parser.add_argument("--choose", choices=CHOICES, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--official", action="store_true", help="show official photographs too")
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        store = Store(options.data)
        if store.about["dataset"] != options.dataset:
            raise ValueError(f"{options.data}: holds {store.about['dataset']}")
        arrays: dict[str, Any]
        try:
            if not options.official and store.about["origin"] != "built-in":
                raise NothingToShow(HIDDEN)
            arrays = examples(
                store,
                options.subset,
                options.model,
                options.predictions,
                how=options.choose,
                count=options.count,
            )
        except NothingToShow as why:
            arrays = {"reason": np.array(str(why))}
        with atomic_path(options.out) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)
        return f"{len(arrays['keys'])} faces" if "keys" in arrays else str(arrays["reason"])

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
