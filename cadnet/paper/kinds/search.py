"""X7: what each value of the search gave on held-out faces, and which was chosen."""

from __future__ import annotations

from cadnet.paper.cells import Cell, Filled, Line, words
from cadnet.paper.declarations import Table
from cadnet.paper.results import Results


def fill(name: str, table: Table, results: Results) -> Filled:
    """A row for each trial."""
    columns = ("Experiment", "Validation NRMSE, %", "Validation accuracy, %", "Epochs", "Chosen")
    found = results.searched
    if found.empty:
        cell = Cell("reproduced", missing="no experiment to search with is selected")
        cells = (cell, *[Cell("reproduced")] * (len(columns) - 1))
        return Filled(name, table.title, columns, (Line("all", "reproduced", cells),), head="Trial")
    lines = []
    for row in found.to_dict("records"):
        number = Cell("reproduced", mean=float(row["validation"]))
        by_error = row["metric"] == "validation_nrmse"
        lines.append(
            Line(
                f"{row['grid']} = {row['value']:g}",
                "reproduced",
                (
                    words(row["experiment"]),
                    number if by_error else Cell("reproduced"),
                    Cell("reproduced") if by_error else number,
                    words(row["epochs"]),
                    words("chosen" if row["chosen"] else ""),
                ),
            )
        )
    note = (
        "One seed a trial, one parameter changed at a time. The chosen loss weights are those that "
        "the tuned experiments train with (results/chosen.json); the paper names r = 8 and "
        f"λ_fer = 0.6 alone. {table.note}"
    )
    return Filled(name, table.title, columns, tuple(lines), "", note.strip(), head="Trial")
