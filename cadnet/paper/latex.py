"""The results as a LaTeX document, in the paper's order; it stands beside tables/ and figures/.

    python -m cadnet.paper.latex --tables results/tables/*.json --runs results/runs.json \\
        --data results/data.json --preset demo --out reports/paper/paper.tex

Light: neither torch nor pandas. ``cadnet.paper.typeset`` makes a pdf of it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cadnet import job
from cadnet.paper.cells import Filled
from cadnet.paper.declarations import declared
from cadnet.paper.formats import SIGN, latex, latex_caption, text
from cadnet.paper.page import view
from cadnet.paper.page.order import groups
from cadnet.provenance import atomic_path

_FOLDER = Path(__file__).parent
_ROWS_OF_A_FLOAT, _LETTERS_OF_A_FLOAT, _LETTERS_OF_A_LINE = 32, 130, 112
"""A table with more rows, or wider, runs over pages in a smaller type with columns that wrap."""


def breakable(words: str) -> str:
    """Text as LaTeX that may also break after what joins names."""
    return re.sub(r"(\\_|/|\+|=|→)(?=\S)", r"\1\\allowbreak{}", latex(words))


def _widths(rows: Sequence[Sequence[str]]) -> list[float]:
    """Each column's share of the line: its longest word must fit, and what is left goes where the
    text is long."""
    columns = list(zip(*rows, strict=True))
    least = [
        2 + max(len(word) for cell in column for word in re.split(r"(?<=[/_+=→-])|\s", cell))
        for column in columns
    ]
    typical = [sum(map(len, column)) / len(column) for column in columns]
    more = [max(0.0, mean - word) for mean, word in zip(typical, least, strict=True)]
    left = max(0, _LETTERS_OF_A_LINE - sum(least)) / (sum(more) or 1)
    widths = [word + left * wish for word, wish in zip(least, more, strict=True)]
    return [width / max(_LETTERS_OF_A_LINE, sum(widths)) for width in widths]


def long_table(caption: str, label: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table over pages, of text in columns that wrap. ``caption`` is LaTeX, the rest text."""
    columns = "".join(
        rf">{{\raggedright\arraybackslash}}p{{\dimexpr {width:.4f}\linewidth-2\tabcolsep\relax}}"
        for width in _widths([head, *rows])
    )
    titles = " & ".join(rf"\textbf{{{breakable(title)}}}" for title in head) + r" \\"
    return "\n".join(
        [
            r"{\scriptsize\setlength{\tabcolsep}{3pt}",
            rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
            rf"\caption{{\small {caption}}}\label{{tab:{label}}}\\",
            rf"\toprule {titles} \midrule \endfirsthead",
            rf"\toprule {titles} \midrule \endhead",
            r"\midrule \endfoot \bottomrule \endlastfoot",
            *(" & ".join(map(breakable, row)) + r" \\[2pt]" for row in rows),
            r"\end{longtable}}",
            "",
        ]
    )


def _numbered(what: str, name: str) -> str:
    """The next table or figure has the paper's own number."""
    number = re.sub(r"^[TF](?=\d)", "", name)
    return rf"\renewcommand{{\the{what}}}{{{number}}}"


def _rows(table: Filled) -> tuple[list[str], list[list[str]]]:
    """The head and the rows; kinds where there are several."""
    several = len({line.kind for line in table.lines}) > 1
    kinds = [[line.kind] if several else [] for line in table.lines]
    rows = [
        [line.label, *kind, *(text(cell, SIGN) for cell in line.cells)]
        for line, kind in zip(table.lines, kinds, strict=True)
    ]
    return [table.head, *([""] if several else []), *table.columns], rows


def is_long(table: Filled) -> bool:
    """Whether a table would not fit as a float."""
    head, rows = _rows(table)
    wide = sum(2 + max(map(len, column)) for column in zip(head, *rows, strict=True))
    return len(rows) > _ROWS_OF_A_FLOAT or wide > _LETTERS_OF_A_FLOAT


def table_part(table: Filled) -> str:
    """A table: its own file, or what runs over pages."""
    if not is_long(table):
        return f"{_numbered('table', table.name)}\n\\input{{../tables/{table.name}.tex}}\n"
    body = long_table(latex_caption(table), table.name, *_rows(table))
    return f"{_numbered('table', table.name)}\n{body}"


def figure_part(name: str) -> str:
    """A figure of figures/, by its png: pdfTeX reads no svg."""
    figure = declared().figures[name]
    said = ". ".join(part.rstrip(".") for part in (figure.title, figure.caption) if part)
    return "\n".join(
        [
            _numbered("figure", name),
            r"\begin{figure}",
            rf"\drawing{{../figures/{name}.png}}",
            rf"\caption{{{latex(said)}.}}\label{{fig:{name}}}",
            r"\end{figure}",
            "",
        ]
    )


def claims_part(claims: list[view.Asked]) -> str:
    """What became of every claim."""
    rows = []
    for claim in claims:
        of = {column: cell.words.strip("–") for column, cell in claim.cells.items()}
        here = "; ".join(part for part in (of["Reproduced"], of["Reason"]) if part)
        rows.append(
            [f"{of['Claim']} ({of['Where']}; {claim.id})", claim.verdict, of["Reported"],
             f"{here} [{of['Measured on']}]" if of["Measured on"] else here]
        )  # fmt: skip
    counted = ", ".join(f"{count} {verdict}" for verdict, count in view.counts(claims).items())
    head = ("Claim", "Verdict", "The paper prints", "Reproduced here")
    caption = latex(f"Every claim of the paper: {counted}.")
    return _numbered("table", "C1") + "\n" + long_table(caption, "C1", head, rows)


def audit_part(table: Filled) -> str:
    """The paper against itself."""
    rows = []
    for line in table.lines:
        of = dict(zip(table.columns, (cell.words for cell in line.cells), strict=True))
        rows.append([f"{of['Statement']} ({of['Where']}; {line.label})", of["Holds"],
                     of["Numbers used"], of["Computed"]])  # fmt: skip
    head = ("Statement", "Holds", "Numbers used", "Computed")
    return f"{_numbered('table', table.name)}\n" + long_table(
        latex_caption(table), table.name, head, rows
    )


def provenance_part(data: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """The datasets and the runs that every number comes from."""
    datasets = [
        [
            name,
            about["origin"],
            f"a part; missing: {'; '.join(about['missing'][:12])}" if about["partial"]
            else "complete",
            ", ".join([f"{about['train']} train",
                       *(f"{count} {subset}" for subset, count in about["subsets"].items())]),
            about["digest"][:12],
        ]
        for name, about in sorted(data.items())
    ]  # fmt: skip
    trained = [
        [
            run["experiment"], str(run["seed"]), run["train_on"], run["digest"][:12],
            run["data_digest"][:12], re.sub(r"^([0-9a-f]{10})[0-9a-f]{30}", r"\1", run["commit"]),
            (run["mlflow_run_id"] or "not tracked")[:12], run["initialisation"],
            str(run["epochs"]),
        ]
        for group in view.by_experiment(runs).values()
        for run in group
    ]  # fmt: skip
    return "\n".join(
        [
            _numbered("table", "A1"),
            long_table(
                latex("Datasets, with the first 12 digits of the sha256 of their content."), "A1",
                ("Dataset", "Origin", "Extent", "Faces", "Digest"), datasets,
            ),
            _numbered("table", "A2"),
            long_table(
                latex("Training runs: digests of parameters and data, commit of the code, run in "
                      "MLflow; in full in results/runs.json."), "A2",
                ("Experiment", "Seed", "Trained on", "Parameters", "Data", "Commit", "MLflow run",
                 "Start", "Epochs"), trained,
            ),
        ]
    )  # fmt: skip


def notice(data: dict[str, Any], preset: str) -> str:
    """What the numbers may be taken for."""
    builtin = [name for name, about in sorted(data.items()) if about["origin"] == "built-in"]
    said = f"Preset: {preset}. Reported numbers are the paper's, or those that it quotes; "
    said += "reproduced numbers were trained and measured by the pipeline."
    if builtin:
        said += (
            f" Measured on built-in synthetic faces in the layout of the official datasets "
            f"({', '.join(builtin)}): verdicts are about the mechanism, not about the paper's "
            "numbers on real photographs, and the two must not be compared."
        )
    return latex(said)


def document(
    tables: list[Filled], data: dict[str, Any], runs: list[dict[str, Any]], preset: str
) -> str:
    """The whole document."""
    filled = {table.name: table for table in tables}
    parts = []
    for group in groups():
        parts.append(rf"\section{{{latex(group.title)}}}")
        for name in group.names:
            if name in declared().figures:
                parts.append(figure_part(name))
            if name in filled:
                parts.append(table_part(filled[name]))
    if claims := view.asked(filled, {run["experiment"] for run in runs}):
        parts += [r"\section{Every claim of the paper}", claims_part(claims)]
    if "C2" in filled:
        parts += [r"\section{The paper against itself}", audit_part(filled["C2"])]
    parts += [r"\appendix", r"\section{Provenance}", provenance_part(data, runs)]
    frame = (_FOLDER / "page" / "templates" / "paper.tex").read_text(encoding="utf-8")
    return frame.replace("%NOTICE%", notice(data, preset)).replace("%PARTS%", "\n".join(parts))


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    for name in ("data", "runs", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--preset", required=True)

    def read(path: Path) -> Any:
        return json.loads(path.read_text(encoding="utf-8"))

    def run(options: argparse.Namespace) -> str:
        tables = [Filled.from_json(read(path)) for path in options.tables]
        made = document(tables, read(options.data), read(options.runs), options.preset)
        with atomic_path(options.out) as temporary:
            temporary.write_text(made, encoding="utf-8")
        return f"{options.out}: the sources; cadnet.paper.typeset makes a pdf where TeX is"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
