"""The records of a finished run, for other programs: what it was made with, what came out.

    python -m cadnet.records.run --config '{"preset": "smoke"}' --parameters DIGEST \\
        --data data/aligned/*.json --runs results/runs.json --scores results/scores.csv \\
        --tables reports/tables/*.csv --figures reports/figures/*.png --out reports/provenance

Writes a Workflow Run RO-Crate (``ro-crate-metadata.json`` and its files), ``run.json`` (commit,
parameters, runs: what ``cadnet trace`` reads), ``params.yaml`` as it was, a description of each
dataset (``croissant/``), the software bill of materials (``sbom.cdx.json``) and ``CITATION.cff``.
The same commit gives the same bytes, but for tables and figures that state measured times.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from cadnet import job, params, provenance
from cadnet.paper.declarations import declared, sources
from cadnet.paper.recompute import CHANGED, code_of_scores
from cadnet.provenance import PACKAGE_ROOT
from cadnet.records import crate, croissant, facts, layout, sbom
from cadnet.records.crate import Part


def commit_date(commit: str) -> str:
    """When a commit was made (ISO 8601); the first day of computers' time where git has none."""
    git = ["git", "-C", str(PACKAGE_ROOT), "show", "-s", "--format=%cI", commit]
    shown = subprocess.run(git, capture_output=True, text=True, check=False)
    return shown.stdout.strip() if shown.returncode == 0 else "1970-01-01"


def outputs(options: argparse.Namespace) -> list[Part]:
    """Tables, figures and scores, under their places in the crate."""
    parts = [Part(options.scores, "scores.csv", "Every score of every run")]
    known = declared()
    for path in options.tables:
        table = known.tables[path.stem]
        name = f"Table {path.stem}: {table.title}"
        parts.append(Part(path, f"tables/{path.name}", name, not table.states_times()))
    for path in options.figures:
        figure = known.figures[path.stem]
        timed = any(item.states_times() for item in sources(figure))
        name = f"Figure {path.stem}: {figure.title}"
        parts.append(Part(path, f"figures/{path.name}", name, not timed))
    return parts


def run(options: argparse.Namespace) -> str:
    """Write everything; returns the job's last line.

    Raises:
        ValueError: ``params.yaml`` is no longer what the run was made with.
    """
    out: Path = options.out
    found = params.load(PACKAGE_ROOT / "params.yaml", options.config)
    if provenance.digest(found.recorded()) != options.parameters:
        raise ValueError("params.yaml changed while this ran: run again")
    for name in ("croissant", "tables", "figures"):  # of datasets or tables that there were
        shutil.rmtree(out / name, ignore_errors=True)
    commit = provenance.commit()
    datasets = [facts.dataset(path) for path in options.data]
    runs = json.loads(options.runs.read_text(encoding="utf-8"))
    record = facts.record(found, options.config, commit, code_of_scores(), datasets, runs)
    provenance.write_json(out / "run.json", record)
    packages = sbom.write(out / "sbom.cdx.json")
    date = commit_date(commit.removesuffix(CHANGED))
    cards = [croissant.write(out / "croissant", d, date) for d in datasets]
    shutil.copyfile(PACKAGE_ROOT / "params.yaml", out / "params.yaml")
    shutil.copyfile(PACKAGE_ROOT / "CITATION.cff", out / "CITATION.cff")
    crate.write(
        out,
        record,
        date,
        sources=[*(Part(PACKAGE_ROOT / name, name, name) for name in layout.sources()),
                 Part(out / "sbom.cdx.json", "sbom.cdx.json", "All packages"),
                 Part(out / "CITATION.cff", "CITATION.cff", "How to cite the software")],
        inputs=[Part(out / "params.yaml", "params.yaml", "Parameters and presets"),
                Part(out / "run.json", "run.json", "Parameters as resolved, data, runs")],
        datasets=[(d, Part(card, f"croissant/{card.name}", f"Description of {d.name}"))
                  for d, card in zip(datasets, cards, strict=True)],
        outputs=outputs(options),
    )  # fmt: skip
    return f"{len(runs)} runs, {len(datasets)} datasets, {packages} packages"


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--config", type=job.json_argument, required=True)
    parser.add_argument("--parameters", required=True, help="digest of the parameters")
    for name in ("runs", "scores", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("data", "tables", "figures"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    return job.main(run, parser.parse_args(arguments), ValueError, params.ParameterError)


if __name__ == "__main__":
    sys.exit(main())
