"""What models cost: counted, and measured on the device that is there, which is named."""

from __future__ import annotations

from cadnet.paper.cells import Cell, Filled, Line
from cadnet.paper.declarations import Measure, Table
from cadnet.paper.kinds.scores import reported_lines
from cadnet.paper.results import Results


def cost_cell(results: Results, architecture: str, device: str, measure: Measure) -> Cell:
    """What one architecture costs on a device, or why that is not known."""
    if not measure.metric:
        return Cell("reproduced")
    found = results.measured
    if found.empty:
        return Cell("reproduced", missing=f"{measure.metric} of {architecture} not measured")
    found = found[
        (found["architecture"] == architecture)
        & (found["device"] == device)
        & (found["metric"] == measure.metric)
    ]
    if found.empty:
        return Cell("reproduced", missing=f"{measure.metric} of {architecture} not measured")
    row = found.iloc[0]
    return Cell(
        "reproduced",
        mean=float(row["value"]) * measure.scale,
        experiment=architecture,
        data=f"{row['device_name']}, {int(row['threads'])} thread(s)",
        digits=measure.digits,
    )


def fill(name: str, table: Table, results: Results) -> Filled:
    """The paper's rows, then a row for each architecture and device."""
    lines = []
    for line in reported_lines(name):
        rest = [Cell("reported")] * (len(table.measures) - len(line.cells))
        lines.append(Line(line.label, line.kind, (*line.cells, *rest), line.source))
    measured = results.measured
    devices = [] if measured.empty else list(dict.fromkeys(measured["device"]))
    for device in devices:
        for architecture, label in table.architectures.items():
            cells = tuple(cost_cell(results, architecture, device, m) for m in table.measures)
            lines.append(Line(f"{label} ({device})", "reproduced", cells))
    if not devices:
        cell = Cell("reproduced", missing="nothing was measured")
        rest = [Cell("reproduced")] * (len(table.measures) - 1)
        lines.append(Line("all", "reproduced", (cell, *rest)))
    where = [] if measured.empty else sorted(set(measured["device_name"]))
    sizes = [] if measured.empty else sorted(set(measured["size"]))
    size = ", ".join(f"{side} × {side} px" for side in sizes)
    return Filled(
        name,
        table.title,
        tuple(measure.label for measure in table.measures),
        tuple(lines),
        f"Measured on inputs of {size}; times are medians of repeats" if sizes else "",
        table.note,
        tuple(where),
    )
