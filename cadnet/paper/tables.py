"""Tables as csv (for machines and reviewers), Markdown and LaTeX.

    python -m cadnet.paper.tables --scores results/scores.csv --runs results/runs.json \\
        --data results/data.json --out reports/tables
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path

from cadnet import job
from cadnet.paper.cells import LEGEND, Cell, Filled, fill, load
from cadnet.paper.declarations import declared
from cadnet.provenance import atomic_path

FLAG = "⚠ does not beat the mean shape"
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "→": r"$\rightarrow$", "±": r"$\pm$", "⚠": r"$\triangle$", "–": "--", "×": r"$\times$",
    "ᵇ": r"\textsuperscript{b}", "ᵒ": r"\textsuperscript{o}", "ᵖ": r"\textsuperscript{p}",
}  # fmt: skip


def text(cell: Cell) -> str:
    """A cell with the mark of its data and its flag."""
    parts = [cell.text(), cell.mark, "" if cell.beaten else FLAG]
    return " ".join(part for part in parts if part)


def caption(table: Filled) -> str:
    """What the numbers are and what they were measured on."""
    where = "; ".join(table.measured_on) or "nothing: no data present"
    return (
        f"{table.title}. Mean point-to-point distance over the inter-ocular distance, in percent "
        f"(NRMSE × 10^-2); reproduced: mean ± standard deviation over seeds, measured on {where} "
        f"({LEGEND})."
    )


def to_csv(table: Filled) -> str:
    """One line a cell."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(
        ["table", "row", "column", "kind", "mean", "std", "seeds", "images", "experiment"]
        + ["data", "digest", "source", "note"]
    )
    for line in table.lines:
        for column, cell in zip(table.columns, line.cells, strict=True):
            note = f"not available: {cell.missing}" if cell.missing else ""
            write(
                [table.name, line.label, column, line.kind]
                + ["" if number is None else f"{number:.6g}" for number in (cell.mean, cell.std)]
                + [" ".join(map(str, cell.seeds)), "" if cell.images is None else cell.images]
                + [cell.experiment, cell.data, cell.digest, line.source]
                + [note if cell.beaten else FLAG]
            )
    return out.getvalue()


def to_markdown(table: Filled) -> str:
    """A pipe table under its caption."""
    lines = [f"**{table.name}.** {caption(table)}", ""]
    head = ["Method", "", *table.columns]
    lines += ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * len(table.columns)]
    for line in table.lines:
        label = f"{line.label} ({line.source})" if line.source else line.label
        cells = [label, line.kind, *(text(cell) for cell in line.cells)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


def latex(words: str) -> str:
    """Text with LaTeX's own characters escaped."""
    return "".join(_LATEX.get(character, character) for character in words)


def to_latex(table: Filled) -> str:
    """A ``table`` environment; needs the package booktabs."""
    rows, kind = [], table.lines[0].kind
    for line in table.lines:
        if line.kind != kind:
            rows.append(r"\midrule")
            kind = line.kind
        cells = [line.label, line.kind, *(text(cell) for cell in line.cells)]
        rows.append(" & ".join(map(latex, cells)) + r" \\")
    head = " & ".join(map(latex, ["Method", "", *table.columns])) + r" \\"
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{latex(caption(table))} {latex(table.note)}}}".replace(" }", "}"),
            rf"\label{{tab:{table.name}}}",
            rf"\begin{{tabular}}{{ll{'r' * len(table.columns)}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


WRITERS = {"csv": to_csv, "md": to_markdown, "tex": to_latex}


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    for name in ("scores", "runs", "data", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        results = load(options.scores, options.data, options.runs)
        for name in declared().tables:
            table = fill(name, results)
            for suffix, write in WRITERS.items():
                with atomic_path(options.out / f"{name}.{suffix}") as temporary:
                    temporary.write_text(write(table), encoding="utf-8")
        return f"{len(declared().tables)} tables"

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
