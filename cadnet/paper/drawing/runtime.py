"""X6: runtime against R, the criss-cross iterations, and against r, the rank."""

from __future__ import annotations

from statistics import mode

import pandas as pd
from matplotlib.figure import Figure

from cadnet.paper import declarations
from cadnet.paper.drawing.style import COLUMN, Missing, look, measured, styled
from cadnet.paper.results import Results

AXES = {"R": "Criss-cross iterations R", "r": "Rank r"}
_DEVICES = (("o", "-"), ("s", "--"), ("^", "-."), ("D", ":"))


@styled()
def panels_of(table: pd.DataFrame, ylabel: str) -> Figure:
    """A panel for R and one for r, upon one axis from zero, so that small changes look small.

    Args:
        table: a measurement a row: ``parameter`` (a key of ``AXES``), ``at``, its value,
            ``value``, the runtime, with ``low`` and ``high``; ``device`` (its name).
        ylabel: what the runtime is, with its unit.
    """
    present = [name for name in AXES if name in set(table["parameter"])]
    figure = Figure(figsize=(COLUMN, 2.7))
    panels = figure.subplots(1, len(present), sharey=True, squeeze=False)[0]
    colour = look("cadnet").colour
    for axes, name in zip(panels, present, strict=True):
        of = table[table["parameter"] == name].sort_values("at")
        for (marker, dash), (device, part) in zip(_DEVICES, of.groupby("device"), strict=False):
            spread = (part["value"] - part["low"], part["high"] - part["value"])
            style = {"marker": marker, "ls": dash, "color": colour, "ms": 4, "lw": 1.2}
            axes.errorbar(
                part["at"], part["value"], yerr=spread, label=str(device), capsize=2.5, **style
            )
        if name == "r":
            axes.set_xscale("log", base=2)
        values = sorted(set(of["at"]))
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
        axes.margins(x=0.12)
        axes.set_xlabel(AXES[name])
    panels[0].set(ylabel=ylabel, ylim=(0, 1.15 * table["high"].max()))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center")
    return figure


def draw(name: str, figure: declarations.Figure, results: Results) -> Figure:
    """Latencies of the drawn architectures with criss-cross attention: in one panel those of the
    usual rank, in the other those of the usual iterations."""
    found = results.measured
    if found.empty:
        raise Missing("nothing was measured")
    models = results.models["models"]
    settings = {
        key: (model["dgb"]["iterations"], model["llb"]["rank"])
        for key, model in models.items()
        if model["dgb"] and model["dgb"]["attention"] == "criss_cross" and model["llb"]
    }
    iterations, rank = map(mode, zip(*settings.values(), strict=True))
    parts = []
    for key, (ours_iterations, ours_rank) in settings.items():
        of = found[(found["architecture"] == key) & (found["metric"] == "latency_ms_batch1")]
        of = of.assign(device=of["device_name"])
        if ours_rank == rank:
            parts.append(of.assign(parameter="R", at=ours_iterations))
        if ours_iterations == iterations:
            parts.append(of.assign(parameter="r", at=ours_rank))
    table = pd.concat(parts)
    drawn = panels_of(table, "Latency of one picture (ms)")
    size, repeats = found["size"].iloc[0], int(table["repeats"].min())
    measured(drawn, f"{size} × {size} px; medians and quartiles of {repeats} repeats or more")
    return drawn
