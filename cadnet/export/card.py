"""A model card (Mitchell et al. 2019) from a run's own records: what the model is, what it was
trained and measured on, whose licence that brings, what it is not for.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from cadnet.data.access import access
from cadnet.integrity import verified

_METRICS = {
    "nrmse_mean_io": "NRMSE, % of the inter-ocular distance",
    "nrmse_mean_box": "NRMSE, % of the box's width",
    "accuracy": "accuracy, %",
    "macro_f1": "macro F1, %",
}
_LIMITS = """\
* Occlusion of the whole face (large scarves, face shields) leaves little geometry to go by: expect
  landmarks of a plausible face in the wrong place. (The paper, section 8.)
* People, cameras and light unlike the training data's cost accuracy; nothing here measures how
  much, or for whom more than for others. (Section 8.)
* Clinical or institutional use needs validation and calibration of its own on that place's data,
  and its rules for privacy. (Section 8.)
* The model has no answer "no face": of any crop it says where the landmarks would be.
"""
_EXPRESSIONS = """\
* Expressions are what annotators called pictures, not what people feel.
"""
_BUILT_IN = """\
* **Trained on drawn faces alone.** It has never seen a photograph. It shows that the path from
  training to deployment works; do not use it on people.
"""


def lineage(run: Path) -> list[dict[str, Any]]:
    """The record of a run, then those of the runs whose models it started from.

    Raises:
        ValueError: a record is not there.
    """
    records: list[dict[str, Any]] = []
    folder: Path | None = run
    while folder is not None:
        try:
            record = json.loads(verified(folder / "run.json").read_text(encoding="utf-8"))
        except OSError as error:
            raise ValueError(
                f"{folder}: has no run.json, which the model card is made of; give a model where "
                "the pipeline left it, results/NAME/seed0"
            ) from error
        records.append(record)
        start = record["parameters"]["start_from"]
        folder = folder.parents[1] / start / f"seed{record['seed']}" if start else None
    return records


def _scores(run: Path, seed: int) -> list[tuple[str, str, str, float, int]]:
    """Dataset, subset, metric, value and faces of one seed's tests; none before scoring."""
    file = verified(run.parent / "scores.csv")
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        return [
            (row["dataset"], row["subset"], row["metric"], float(row["value"]), int(row["images"]))
            for row in csv.DictReader(opened)
            if row["experiment"] == run.parent.name
            and row["seed"] == str(seed)
            and row["metric"] in _METRICS
        ]


def _origins(results: Path) -> dict[str, str]:
    """Whether each test set is ``official`` or ``built-in``; empty before they are collected."""
    file = results / "data.json"
    if not file.is_file():
        return {}
    about = json.loads(verified(file).read_text(encoding="utf-8"))
    return {name: facts["origin"] for name, facts in about.items()}


def _licence(records: list[dict[str, Any]]) -> str:
    official = sorted({r["train_on"] for r in records if r["origin"] != "built-in"})
    if not official:
        return "MIT, as the code: the training data were drawn by it."
    known = access()
    terms = "".join(
        f"\n* {name}: {known[name].licence if name in known else 'see its owners'}"
        for name in official
    )
    return (
        "The code is under MIT. The weights come from data under other terms, which bind whoever "
        f"passes them on or uses them:\n{terms}\n"
    )


def _trained_on(record: dict[str, Any]) -> str:
    return (
        f"| {record['experiment']} | {record['train_on']} | {record['origin']} | "
        f"`{record['data_digest'][:16]}` | {record['epochs']} | `{record['commit'][:12]}` |"
    )


def card(run: Path, facts: dict[str, Any], parity: str) -> str:
    """The card of the model of a run's folder, as Markdown.

    Args:
        facts: as ``run.facts`` makes them, also in the exported file.
        parity: how well the exported file agrees with PyTorch, in words.
    """
    records = lineage(run)
    record, results = records[0], run.parents[1]
    origins = _origins(results)
    scores = [
        f"| {dataset} | {subset} | {origins.get(dataset, 'not recorded')} | {images} | "
        f"{_METRICS[metric]} | {value:.2f} |"
        for dataset, subset, metric, value, images in _scores(run, record["seed"])
    ]
    built_in = all(r["origin"] == "built-in" for r in records)
    measured = (
        "| data | subset | of origin | faces | metric | value |\n|---|---|---|---|---|---|\n"
        + "\n".join(scores)
        if scores
        else "Not scored yet: run `snakemake all`, then export again."
    )
    start = f", started from {records[1]['experiment']}" if len(records) > 1 else ""
    if smaller := record["parameters"].get("compress"):
        start += f", made smaller ({smaller['method']} × {smaller['keep']:g})"
    return f"""\
# {record["title"]} (`{record["experiment"]}`, seed {record["seed"]})

{facts["outputs_words"]} {record["trainable_parameters"]:,} trainable parameters;
{record["initialisation"]}{start}; {record["precision"]} on {record["device"]}.

## Use

{facts["use"]}

{parity}

## Training

| run | data | origin | digest of the data | epochs | commit |
|---|---|---|---|---|---|
{chr(10).join(map(_trained_on, records))}

Digest of the parameters: `{record["digest"]}`; the run's `run.json` has them all.

## Measured

This one seed; mean ± deviation over seeds is in the report. Built-in faces are drawn: numbers on
them say nothing about photographs.

{measured}

## Limits

{_BUILT_IN if built_in else ""}{_LIMITS}{_EXPRESSIONS if facts["expressions"] else ""}
## Licence

{_licence(records)}
"""
