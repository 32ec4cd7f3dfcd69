"""A figure as svg and png.

    python -m cadnet.paper.figures --figure F7 --scores results/*/scores.csv \\
        --data data/aligned/*.json --out reports/figures

``declarations.FIGURE_KINDS`` names the module that draws each kind. Where a figure's data are
missing, the files say so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from matplotlib.figure import Figure

from cadnet import job
from cadnet.paper.declarations import declared, drawn_by
from cadnet.paper.drawing.style import Missing, unavailable, write
from cadnet.paper.results import Results, add_arguments, from_arguments


def draw(name: str, results: Results) -> Figure:
    """One declared figure; where its data are missing, a figure that says so."""
    drawer: Callable[..., Figure] = import_module(drawn_by(name)).draw
    try:
        return drawer(name, declared().figures[name], results)
    except Missing as why:
        return unavailable(str(why))


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--figure", choices=list(declared().figures), required=True)
    add_arguments(parser)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        figure = draw(options.figure, from_arguments(options))
        for suffix in ("svg", "png"):
            write(figure, options.out / f"{options.figure}.{suffix}")
        return declared().figures[options.figure].title

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
