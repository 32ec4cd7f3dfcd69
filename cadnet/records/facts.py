"""What the records say of a run: gathered once, without anything that differs from one run of the
same commit to the next, such as times."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cadnet.data.access import access
from cadnet.params import Params
from cadnet.provenance import PACKAGE_ROOT, file_digest

MIT = "https://spdx.org/licenses/MIT"
_OF_RUNS = ("experiment", "seed", "title", "train_on", "digest", "data_digest", "origin", "commit",
            "initialisation", "epochs", "trainable_parameters", "device", "precision")  # fmt: skip


@dataclass(frozen=True)
class Dataset:
    """A dataset as a run had it.

    Attributes:
        about: the facts beside its aligned store.
        store: sha256 of the store; ``size``: its bytes.
    """

    name: str
    about: dict[str, Any]
    store: str
    size: int

    @property
    def built_in(self) -> bool:
        """Whether the pipeline drew it."""
        return bool(self.about["origin"] == "built-in")

    @property
    def title(self) -> str:
        """A name that says which of the two it is."""
        title = access()[self.name].title
        return f"Built-in faces in the layout of {title}" if self.built_in else title

    @property
    def licence(self) -> str:
        """The terms: the software's for what it drew, else the owners'."""
        return MIT if self.built_in else access()[self.name].licence

    @property
    def faces(self) -> int:
        """How many the store holds."""
        return sum(self.about["subsets"].values())

    @property
    def description(self) -> str:
        """In two sentences: what it is, where it is from."""
        origin = (
            "Drawn by the pipeline in the dataset's official layout"
            if self.built_in
            else f"The owners' files, which are not passed on: {access()[self.name].get}"
        )
        whole = "a part of it" if self.about["missing"] else "whole"
        return (
            f"{self.title}: {self.faces} faces, {whole}, cropped to {self.about['size']} px with "
            f"{self.about['scheme']} landmarks. {origin}; digest {self.about['digest']}."
        )


def dataset(about: Path) -> Dataset:
    """From the facts file beside a store."""
    facts = json.loads(about.read_text(encoding="utf-8"))
    store = about.with_suffix(".arrow")
    return Dataset(facts["dataset"], facts, file_digest(store), store.stat().st_size)


def citation() -> dict[str, Any]:
    """``CITATION.cff``."""
    text = PACKAGE_ROOT.joinpath("CITATION.cff").read_text(encoding="utf-8")
    tree: dict[str, Any] = yaml.safe_load(text)
    return tree


def record(
    params: Params,
    config: dict[str, Any],
    commit: str,
    code: str,
    datasets: Iterable[Dataset],
    runs: Iterable[dict[str, Any]],
) -> dict[str, Any]:
    """The run as ``run.json`` has it."""
    return {
        "commit": commit,
        "code": code,
        "config": config,
        "parameters": params.recorded(),
        "datasets": {
            d.name: {
                "origin": d.about["origin"],
                "digest": d.about["digest"],
                "licence": d.licence,
                "partial": bool(d.about["missing"]),
                "faces": d.faces,
            }
            for d in datasets
        },
        "runs": [
            {name: run[name] for name in _OF_RUNS} | {"test_on": run["parameters"]["test_on"]}
            for run in runs
        ],
    }
