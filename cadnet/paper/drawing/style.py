"""What all figures share: one look a method, the settings, how a figure is written."""

from __future__ import annotations

import textwrap
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cadnet.provenance import atomic_path

WIDTH, COLUMN = 7.1, 4.0
"""Inches: a page's text; what is still legible when it is printed 85 mm (3.35 inches) wide."""
SMALL = 8
"""Points: the smallest text of plots."""
GREY, REPORTED = "#666666", "#bbbbbb"
"""Of what stands beside the methods; of numbers that the paper only reports."""

# Okabe and Ito's colours, which colour-blind readers tell apart; their yellow is too pale on white.
_BLACK, _ORANGE, _SKY, _GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
_BLUE, _RED, _PINK, _OLIVE = "#0072B2", "#D55E00", "#CC79A7", "#8C8200"
_PALETTE = (_BLUE, _RED, _GREEN, _ORANGE, _SKY, _PINK, _OLIVE, _BLACK)
_DASHES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")


class Look(NamedTuple):
    """How a method is drawn, in every figure."""

    colour: str
    dash: str
    marker: str


# The colour is the family's, dash and marker are the member's.
_LOOKS = {
    "mean_shape": Look(GREY, ":", "x"),
    "majority": Look(GREY, ":", "x"),
    "cadnet": Look(_BLUE, "-", "o"),
    "cadnet_plus": Look(_SKY, "-.", "D"),
    "cadnet_menpo": Look(_SKY, ":", "s"),
    "cadnet_rank16": Look(_BLUE, "--", "^"),
    "cadnet_rank32": Look(_BLUE, "-.", "v"),
    "cadnet_rank64": Look(_BLUE, ":", "s"),
    "cadnet_once": Look(_SKY, "-", "<"),
    "cadnet_thrice": Look(_SKY, "--", "P"),
    "cadnet_non_local": Look(_PINK, "-.", "s"),
    "cadnet_spatial": Look(_PINK, ":", "v"),
    "cadnet_longer": Look(_BLACK, "--", "D"),
    "cadnet_int8": Look(_SKY, "--", "X"),
    "cadnet_half": Look(_ORANGE, "-", "s"),
    "cadnet_half_int8": Look(_RED, "--", "X"),
    "cadnet_factors_half": Look(_GREEN, "-", "^"),
    "cadnet_factors_quarter": Look(_OLIVE, "--", "v"),
    "cadnet_resnet34": Look(_GREEN, "-", "s"),
    "cadnet_resnet50": Look(_GREEN, ":", "P"),
    "cadnet_3d": Look(_BLUE, "-.", "P"),
    "cadnet_2d": Look(_BLUE, "--", "X"),
    "resnet18": Look(_RED, "--", "s"),
    "resnet18_fer_only": Look(_RED, ":", "v"),
    "resnet18_plus": Look(_RED, "-.", "D"),
    "resnet18_menpo": Look(_RED, "-", "<"),
    "resnet34": Look(_RED, "-.", "^"),
    "resnet50": Look(_RED, ":", "P"),
    "adb_llb": Look(_ORANGE, "-", "^"),
    "dgb_llb": Look(_ORANGE, "--", "v"),
    "dgb_adb": Look(_ORANGE, "-.", "D"),
    "heatmap": Look(_GREEN, "--", "^"),
    "transformer": Look(_PINK, "-", "D"),
    "odn": Look(_OLIVE, "-", "s"),
    "oadn": Look(_OLIVE, "--", "^"),
    "adodn": Look(_OLIVE, "-.", "v"),
}
# What an experiment's name adds to its method's: what it is trained on, or for.
_SUFFIXES = ("_cofw", "_aflw", "_300vw", "_fer")

SETTINGS: Any = {
    "svg.hashsalt": "cadnet",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "figure.constrained_layout.use": True,
}


def look(experiment: str) -> Look:
    """How an experiment is drawn: the same in every figure, whoever else is in it.

    An experiment on other data or with expressions looks like its method. A method that nobody
    gave a look gets one by its name.
    """
    name = experiment
    while name not in _LOOKS:
        shorter = next((name.removesuffix(s) for s in _SUFFIXES if name.endswith(s)), name)
        if shorter == name:
            return _by_name(name)
        name = shorter
    return _LOOKS[name]


def _by_name(name: str) -> Look:
    number = zlib.crc32(name.encode())
    return Look(_PALETTE[number % 8], _DASHES[number // 8 % 4], _MARKERS[number // 32 % 8])


def styled() -> Any:
    """Decorates a drawing function: what it makes has these settings."""
    return mpl.rc_context(SETTINGS)


@styled()
def unavailable(why: str) -> Figure:
    """A figure that says in words why it shows nothing."""
    figure = Figure(figsize=(COLUMN, 1.3))
    axes = figure.add_subplot()
    hide(axes)
    text = textwrap.fill(f"not available: {why}", 48)
    axes.text(0.5, 0.5, text, ha="center", va="center", color=GREY)
    return figure


class Missing(Exception):
    """A figure's data are missing; says why."""


def measured(figure: Figure, *parts: str) -> None:
    """Above a drawing: what it was measured on."""
    text = "; ".join(part for part in parts if part)
    letters = int(figure.get_figwidth() * 72 / (0.55 * SMALL))
    figure.suptitle(textwrap.fill(text, letters), fontsize=SMALL, color=GREY, x=0.01, ha="left")


def seeds(count: int) -> str:
    """How many runs there are of each experiment, in words."""
    return f"{count}\N{NO-BREAK SPACE}seed" + ("s" if count != 1 else "")


def hide(axes: Axes) -> None:
    """Axes of a picture or a diagram: no frame, no ticks."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def write(figure: Figure, path: Path) -> None:
    """One figure as .svg, .png or .pdf, by the suffix; the same bytes each time."""
    dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    # With the setting on, matplotlib would lay figures out anew that ask for no layout.
    settings = {**SETTINGS, "figure.constrained_layout.use": False}
    with mpl.rc_context(settings), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150, metadata=dates.get(path.suffix, {}))
