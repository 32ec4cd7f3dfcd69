"""Table 1: which action units make an expression, beside those that the built-in faces move."""

from __future__ import annotations

from cadnet.data.synthetic.expressions import EMOTIONS
from cadnet.paper.cells import Filled, Line, words
from cadnet.paper.declarations import Table
from cadnet.paper.reported import reported
from cadnet.paper.results import Results

_OURS = {
    "Happiness": "happy",
    "Anger": "anger",
    "Fear": "fear",
    "Sadness": "sad",
    "Disgust": "disgust",
    "Surprise": "surprise",
}


def fill(name: str, table: Table, results: Results) -> Filled:
    """The paper's rows; "built-in faces" is what draws the expression here."""
    lines = []
    for row in reported().expressions.rows:
        ours = ", ".join(map(str, sorted(EMOTIONS[_OURS[row.emotion]])))
        cells = [row.action_units, row.description, row.landmarks, ours]
        kinds = ["reported"] * 3 + ["reproduced"]
        lines.append(
            Line(
                row.emotion,
                "reported",
                tuple(words(text, kind) for text, kind in zip(cells, kinds, strict=True)),
                "the paper",
            )
        )
    columns = ("Action units", "Description", "Landmarks involved", "Moved in built-in faces")
    return Filled(name, table.title, columns, tuple(lines), note=table.note, head="Expression")
