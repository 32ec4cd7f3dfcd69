"""The report: one HTML page that needs nothing but itself.

    python -m cadnet.paper.report --tables results/tables/*.json --runs results/runs.json \\
        --data data/aligned/*.json --errors results/errors.parquet --figures reports/figures \\
        --preset demo --out reports/index.html
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import jinja2

from cadnet import job
from cadnet.evaluation.collect import datasets
from cadnet.paper.cells import FLAG, LEGEND, Filled
from cadnet.paper.declarations import declared
from cadnet.provenance import atomic_path


def short_commit(commit: str) -> str:
    """A commit as git abbreviates it; anything else as it is."""
    return re.sub(r"^([0-9a-f]{10})[0-9a-f]{30}", r"\1", commit)


def inline_svg(path: Path) -> str:
    """A figure's svg element; its ids are made unique to the figure, which share the page."""
    text = path.read_text(encoding="utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r'\bid="', f'id="{path.stem}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{path.stem}-", text)
    return re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)


def absent(tables: list[Filled]) -> dict[str, list[str]]:
    """What is not available, and which tables lack it."""
    where: dict[str, list[str]] = {}
    for table in tables:
        for line in table.lines:
            for column, cell in zip(table.columns, line.cells, strict=True):
                if cell.missing:
                    place = f"{table.name} {column}"
                    found = where.setdefault(cell.missing, [])
                    if place not in found:
                        found.append(place)
    return where


def flagged(tables: list[Filled]) -> list[str]:
    """The cells that do not beat the trivial predictor."""
    return [
        f"{table.name} {line.label}, {column}"
        for table in tables
        for line in table.lines
        for column, cell in zip(table.columns, line.cells, strict=True)
        if not cell.beaten
    ]


def page(
    tables: list[Filled],
    data: dict[str, Any],
    runs: list[dict[str, Any]],
    figures: Path,
    preset: str,
) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["short_commit"] = short_commit
    drawn: list[dict[str, Any]] = [
        {"name": name, "title": figure.title, "svg": inline_svg(figures / f"{name}.svg")}
        for name, figure in declared().figures.items()
    ]
    return environment.get_template("report.html").render(
        preset=preset,
        commits=sorted({short_commit(run["commit"]) for run in runs}),
        starts=sorted({run["initialisation"] for run in runs}),
        builtin=[name for name, d in sorted(data.items()) if d["origin"] == "built-in"],
        data=dict(sorted(data.items())),
        absent=absent(tables),
        flagged=flagged(tables),
        flag=FLAG,
        legend=LEGEND,
        tables=tables,
        figures=drawn,
        runs=sorted(runs, key=lambda run: (run["experiment"], run["seed"])),
    )


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    for name in ("runs", "errors", "figures", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--preset", required=True)

    def run(options: argparse.Namespace) -> str:
        text = page(
            [Filled.from_json(json.loads(p.read_text(encoding="utf-8"))) for p in options.tables],
            datasets(options.data),
            json.loads(options.runs.read_text(encoding="utf-8")),
            options.figures,
            options.preset,
        )
        with atomic_path(options.out) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return str(options.out)

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
