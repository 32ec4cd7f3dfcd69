"""What the report says about the datasets, and the names of the trivial predictors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TRIVIAL, MAJORITY = "mean_shape", "majority"
"""Scored beside the models, as experiments of these names."""


def describe(about: dict[str, Any]) -> dict[str, Any]:
    """What the report says about a dataset, from the facts that the aligner left beside a store."""
    subset_counts = dict(about["subsets"])
    return {
        "origin": about["origin"],
        "partial": bool(about["missing"]),
        "missing": about["missing"],
        "digest": about["digest"],
        "train": subset_counts.pop("train", 0),
        "subsets": subset_counts,
        "counts": about["counts"],
        "occlusion_labels": bool(sum(about["occlusion_labels"].values())),
        "expressions": about["expressions"],
        "subjects": about["subjects"],
        "shared_subjects": about["shared_subjects"],
    }


def datasets(paths: list[Path]) -> dict[str, dict[str, Any]]:
    """The datasets of some facts files, by name."""
    facts = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return {about["dataset"]: describe(about) for about in facts}
