"""The report: one HTML page that needs nothing but itself.

    python -m cadnet.paper.report --tables results/tables/*.json --runs results/runs.json \\
        --data results/data.json --errors results/errors.parquet --figures reports/figures \\
        --preset demo --out reports/index.html

Light: neither torch nor pandas.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from cadnet import job
from cadnet.integrity import verified
from cadnet.paper.cells import FLAG, LEGEND, Filled
from cadnet.paper.declarations import declared
from cadnet.paper.page import view
from cadnet.paper.page.curves import curves
from cadnet.paper.page.order import IN_OVERVIEW, groups, spelled
from cadnet.provenance import atomic_path

TEMPLATES = Path(__file__).parent / "page" / "templates"
LARGEST_SVG = 250_000
"""Bytes: a larger drawing, one of photographs, is shown by its png if that is smaller."""


def short_commit(commit: str) -> str:
    """A commit as git abbreviates it; anything else as it is."""
    return re.sub(r"^([0-9a-f]{10})[0-9a-f]{30}", r"\1", commit)


def data_uri(folder: Path, name: str) -> str:
    """A figure inside the page. As an image of its own its ids and styles stay apart."""
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    path, kind = svg, "svg+xml"
    if LARGEST_SVG < svg.stat().st_size > png.stat().st_size:
        path, kind = png, "png"
    return f"data:image/{kind};base64,{base64.b64encode(verified(path).read_bytes()).decode()}"


def inside_script(value: object) -> Markup:
    """JSON that no text can end a script element with."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(text)  # noqa: S704 (escaped above)


def _source(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text("utf-8"))  # noqa: S704 (the package's own file)


def columns_of_words(table: Filled) -> list[bool]:
    """Whether each column holds words alone."""
    return [
        all(line.cells[i].mean is None for line in table.lines)
        and any(line.cells[i].words for line in table.lines)
        for i in range(len(table.columns))
    ]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "short_commit": short_commit,
        "spelled": spelled,
        "inside_script": inside_script,
        "columns_of_words": columns_of_words,
    }
    environment.globals["table_row"] = lambda table, line: dict(
        zip(table.columns, line.cells, strict=True)
    )
    environment.globals["source"] = _source
    return environment


def _figures(folder: Path, errors: Path) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "title": figure.title,
            "caption": figure.caption,
            "uri": data_uri(folder, name),
            "curves": curves(errors, figure) if figure.kind == "ced" else None,
        }
        for name, figure in declared().figures.items()
    }


def _titles(filled: dict[str, Filled]) -> dict[str, str]:
    figures = {name: figure.title for name, figure in declared().figures.items()}
    tables = {name: table.title for name, table in declared().tables.items()}
    return figures | tables | {name: table.title for name, table in filled.items()}


def page(
    tables: list[Filled],
    data: dict[str, Any],
    runs: list[dict[str, Any]],
    figures: dict[str, dict[str, Any]],
    preset: str,
    paper: list[str],
) -> str:
    """The whole page. ``paper``: the files of the typeset paper, beside the page."""
    filled = {table.name: table for table in tables}
    experiments = view.by_experiment(runs)
    claims = view.asked(filled, set(experiments))
    parts = groups()
    names = [name for group in parts for name in group.names]
    return _environment().get_template("index.html").render(
        preset=preset,
        paper=paper,
        commits=sorted({short_commit(run["commit"]) for run in runs}),
        starts=sorted({run["initialisation"] for run in runs}),
        builtin=[name for name, d in sorted(data.items()) if d["origin"] == "built-in"],
        data=dict(sorted(data.items())),
        claims=claims,
        counts=view.counts(claims),
        signs=view.VERDICTS,
        supplies=view.supplies(names, data, experiments),
        absent=view.absent(filled),
        untestable=[c for c in claims if c.verdict == "cannot be tested on this data"],
        flagged=view.flagged(filled),
        flag=FLAG,
        legend=LEGEND,
        tables=filled,
        titles=_titles(filled),
        claim_ids={claim.id for claim in claims},
        claims_note=next((filled[n].note for n in ("C1", "C3") if n in filled), ""),
        broken=sum(
            cell.words == "no" for t, _, column, cell in view.cells(filled)
            if t.name == "C2" and column == "Holds"
        ),
        has_pdf=any(file.endswith(".pdf") for file in paper),
        groups=parts,
        in_overview=IN_OVERVIEW,
        figures=figures,
        kinds={name: table.kind for name, table in declared().tables.items()},
        without_runs=view.WITHOUT_RUNS,
        sources={name: view.sources(name, experiments) for name in names},
        experiments=experiments,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    for name in ("data", "runs", "errors", "figures", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--preset", required=True)
    parser.add_argument("--paper", nargs="*", default=[], help="the typeset paper's files")

    def read(path: Path) -> Any:
        return json.loads(path.read_text(encoding="utf-8"))

    def run(options: argparse.Namespace) -> str:
        text = page(
            [Filled.from_json(read(path)) for path in options.tables],
            read(options.data),
            read(options.runs),
            _figures(options.figures, options.errors),
            options.preset,
            options.paper,
        )
        with atomic_path(options.out) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return f"{options.out}: {len(text.encode()) / 1e6:.1f} MB"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
