"""Results as scoring leaves them, made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cadnet.paper.results import Results, Score

CAD_NET = {"common": [4.0, 5.0, 7.5], "challenging": [8.0, 9.0, 10.5], "full": [5.0, 6.0, 8.0]}


def scores() -> pd.DataFrame:
    """CAD-Net over three seeds, ResNet-18 over one, the mean shape."""
    metric, rows = "nrmse_mean_io", []
    for subset, values in CAD_NET.items():
        for seed, value in enumerate(values):
            rows.append(("cadnet", seed, "300w", "300w", subset, metric, value, 9))
        rows.append(("resnet18", 0, "300w", "300w", subset, metric, 25.0, 9))
        rows.append(("mean_shape", 0, "300w", "300w", subset, metric, 20.0, 9))
        rows.append(("cadnet", 0, "300w", "300w", subset, "auc_8", 0.5, 9))
    names = ["experiment", "seed", "train_on", "dataset", "subset", "metric", "value", "images"]
    return pd.DataFrame(rows, columns=names)


def as_scores(table: pd.DataFrame) -> tuple[Score, ...]:
    """A table such as that of ``scores``, as the tables read it."""
    return tuple(Score(*row) for row in table.itertuples(index=False))


def about(**changes: Any) -> dict[str, Any]:
    """An entry of Results.data: a complete 300W of built-in faces without occlusion labels."""
    counts = {"afw": 9, "helen/trainset": 9, "lfpw/trainset": 9, "helen/testset": 4,
              "lfpw/testset": 2, "ibug": 3}  # fmt: skip
    subsets = {"common": 6, "challenging": 3, "validation": 3}
    return {
        "origin": "built-in", "partial": False, "missing": [], "digest": "d" * 64, "train": 24,
        "subsets": subsets, "counts": counts, "occlusion_labels": False, "expressions": {},
        "subjects": 0, "shared_subjects": 0, **changes,
    }  # fmt: skip


def run(experiment: str, seed: int) -> dict[str, Any]:
    """A run.json, as far as the report reads it."""
    return {
        "experiment": experiment, "seed": seed, "train_on": "300w", "digest": "a" * 64,
        "data_digest": "d" * 64, "commit": "c" * 40, "mlflow_run_id": None, "epochs": 3,
        "initialisation": "from scratch", "seconds": 1.5, "trainable_parameters": 1234,
    }  # fmt: skip


@pytest.fixture
def results() -> Results:
    runs = [*(run("cadnet", seed) for seed in range(3)), run("resnet18", 0)]
    return Results(as_scores(scores()), {"300w": about()}, runs)


@pytest.fixture
def errors() -> pd.DataFrame:
    """errors.parquet: the error of every image."""
    rows = [
        (name, seed, "300w", "300w", subset, f"{subset}/{i}", 0.0, base + i + seed)
        for name, seeds, base in (("cadnet", 3, 2), ("resnet18", 1, 4), ("mean_shape", 1, 15))
        for seed in range(seeds)
        for subset in ("common", "challenging")
        for i in range(5)
    ]
    columns = ["experiment", "seed", "train_on", "dataset", "subset", "key", "occluded", "error"]
    return pd.DataFrame(rows, columns=columns)


def facts(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """What the aligner would have left beside a store, for an entry of Results.data."""
    labels = {"all": int(data["occlusion_labels"])}
    missing = data["missing"] or (["ibug/"] if data["partial"] else [])
    subsets = {**data["subsets"], "train": data["train"]}
    return {**data, "dataset": name, "missing": missing, "subsets": subsets,
            "occlusion_labels": labels}  # fmt: skip


@pytest.fixture
def saved(results: Results, errors: pd.DataFrame, tmp_path: Path) -> list[str]:
    """The same in files, and the arguments that name them."""
    folder = tmp_path / "results" / "all"
    folder.mkdir(parents=True)
    results.frame.to_csv(folder / "scores.csv", index=False)
    errors.to_parquet(folder / "errors.parquet", index=False)
    (tmp_path / "300w.json").write_text(json.dumps(facts("300w", results.data["300w"])))
    return [f"--scores={folder / 'scores.csv'}", f"--data={tmp_path / '300w.json'}"]
