"""A filled table as csv (for machines and reviewers), Markdown and LaTeX. Light: no pandas."""

from __future__ import annotations

import csv
import io
from functools import cache

from pylatexenc.latexencode import (
    RULE_DICT,
    UnicodeToLatexConversionRule,
    UnicodeToLatexEncoder,
)

from cadnet.paper.cells import FLAG, LEGEND, MARKS, Cell, Filled

# What pylatexenc has no command for.
_LATEX = {
    "⚠": r"\ensuremath{\triangle}",
    "ᵀ": r"\ensuremath{^T}",
    **{mark: rf"\textsuperscript{{{letter}}}" for mark, letter in zip(MARKS, "bop", strict=True)},
}


SIGN = FLAG.split()[0]
"""The flag where its words are in the caption."""


def text(cell: Cell, flag: str = FLAG) -> str:
    """A cell with the mark of its data and its flag."""
    parts = [cell.text(), cell.mark, "" if cell.beaten else flag]
    return " ".join(part for part in parts if part)


def caption(table: Filled) -> str:
    """What the numbers are and what they were measured on."""
    parts = [table.title, table.quantity]
    if any(cell.kind == "reproduced" and cell.std for line in table.lines for cell in line.cells):
        parts.append("Reproduced: mean ± standard deviation over seeds")
    if table.measured_on:
        parts.append(f"Measured on {'; '.join(table.measured_on)}")
    if any(cell.mark for line in table.lines for cell in line.cells):
        parts.append(f"Marks: {LEGEND}")
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


def to_csv(table: Filled) -> str:
    """One line a cell."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(
        ["table", "row", "column", "kind", "mean", "std", "seeds", "images", "experiment"]
        + ["data", "digest", "source", "words", "note"]
    )
    for line in table.lines:
        for column, cell in zip(table.columns, line.cells, strict=True):
            note = f"not available: {cell.missing}" if cell.missing else ""
            write(
                [table.name, line.label, column, cell.kind]
                + ["" if number is None else f"{number:.6g}" for number in (cell.mean, cell.std)]
                + [" ".join(map(str, cell.seeds)), "" if cell.images is None else cell.images]
                + [cell.experiment, cell.data, cell.digest, line.source, cell.words]
                + [note if cell.beaten else FLAG]
            )
    return out.getvalue()


def to_markdown(table: Filled) -> str:
    """A pipe table under its caption."""
    lines = [f"**{table.name}.** {caption(table)}", ""]
    head = [table.head, "", *table.columns]
    lines += ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * len(table.columns)]
    for line in table.lines:
        label = f"{line.label} ({line.source})" if line.source else line.label
        cells = [label, line.kind, *(text(cell) for cell in line.cells)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


@cache
def _encoder() -> UnicodeToLatexEncoder:
    own = {ord(character): command for character, command in _LATEX.items()}
    rules = [UnicodeToLatexConversionRule(RULE_DICT, own), "defaults"]
    return UnicodeToLatexEncoder(
        conversion_rules=rules, replacement_latex_protection="braces-after-macro"
    )


def latex(words: str) -> str:
    """Text as LaTeX in ASCII; needs the package textcomp."""
    encoded: str = _encoder().unicode_to_latex(words)
    return encoded


def latex_caption(table: Filled) -> str:
    """The caption as LaTeX, with the flag's meaning and the note."""
    flagged = not all(cell.beaten for line in table.lines for cell in line.cells)
    parts = [caption(table), f"{FLAG}." if flagged else "", table.note]
    return latex(" ".join(part for part in parts if part))


def to_latex(table: Filled) -> str:
    """A ``table`` environment; needs the package booktabs."""
    rows, kind = [], table.lines[0].kind
    for line in table.lines:
        if line.kind != kind:
            rows.append(r"\midrule")
            kind = line.kind
        cells = [line.label, line.kind, *(text(cell, SIGN) for cell in line.cells)]
        rows.append(" & ".join(map(latex, cells)) + r" \\")
    head = " & ".join(map(latex, [table.head, "", *table.columns])) + r" \\"
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{latex_caption(table)}}}",
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
