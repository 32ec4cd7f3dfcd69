"""X11: how many faces of each expression the splits hold, and whether subjects are apart."""

from __future__ import annotations

from cadnet.faces import EXPRESSIONS
from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.declarations import Table
from cadnet.paper.results import Results


def _subjects(about: dict[str, object]) -> str:
    subjects, shared = about["subjects"], about["shared_subjects"]
    if not subjects:
        return "unknown"
    return f"{subjects}; {shared} both trained on and tested" if shared else f"{subjects}, apart"


def fill(name: str, table: Table, results: Results) -> Filled:
    """A row for each dataset and split."""
    columns = ("Faces", *EXPRESSIONS, "Subjects")
    lines = []
    for dataset in table.datasets:
        if dataset not in results.data:
            cell = Cell("reproduced", missing=f"{dataset} not present")
            lines.append(Line(dataset, "reproduced", (cell, *[Cell("reproduced")] * 9)))
            continue
        about = results.data[dataset]
        for split, counts in about["expressions"].items():
            cells = [Cell("reproduced", mean=float(sum(counts)), digits=0)]
            cells += [Cell("reproduced", mean=float(count), digits=0) for count in counts]
            label = f"{dataset}, {split}"
            lines.append(Line(label, "reproduced", (*cells, words(_subjects(about)))))
    where = tuple(results.describe(d) for d in table.datasets if d in results.data)
    said = "Faces with a label, by expression"
    return Filled(name, table.title, columns, tuple(lines), said, table.note, where, "Split")
