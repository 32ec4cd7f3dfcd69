"""What `dvc plots diff` draws: learning curves, and a page for them that needs no network.

    python -m cadnet.paper.plots --histories results/*/seed*/history.csv \\
        --curves results/curves --page reports/plots.html

DVC's own page loads Vega from a CDN. The same versions come with Snakemake, for its reports, and
are written into the page instead; `.dvc/config` names it as DVC's template.
"""

from __future__ import annotations

import argparse
import sys
from importlib import resources
from pathlib import Path

import pandas as pd

from cadnet import integrity, job
from cadnet.provenance import atomic_path
from cadnet.training import VALIDATION

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>cadnet: dvc plots</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem; }</style>
%s
</head>
<body>
{plot_divs}
</body>
</html>
"""


def curve(histories: list[Path]) -> pd.DataFrame:
    """Histories of one experiment's seeds → an epoch a row: means over seeds, and the spread."""
    history = pd.concat([pd.read_csv(path) for path in histories])
    epochs = history.groupby("epoch")
    curves = epochs[[name for name in (VALIDATION, "loss") if name in history]].mean()
    if VALIDATION in history:
        curves["seeds_lowest"] = epochs[VALIDATION].min()
        curves["seeds_highest"] = epochs[VALIDATION].max()
    return curves.reset_index()


def template() -> str:
    """DVC's HTML template with Vega inside."""
    assets = resources.files("snakemake.assets") / "data"
    scripts = []
    for name in ("vega", "vega-lite", "vega-embed"):
        text = (assets / name / f"{name}.js").read_text(encoding="utf-8")
        scripts.append("<script>" + text.replace("</script", r"<\/script") + "</script>")
    return _PAGE % "\n".join(scripts)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--histories", type=Path, nargs="+", required=True)
    parser.add_argument("--curves", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        experiments: dict[str, list[Path]] = {}
        for path in options.histories:
            experiments.setdefault(path.parent.parent.name, []).append(path)
        for name, histories in experiments.items():
            with atomic_path(options.curves / f"{name}.csv") as temporary:
                curve(histories).to_csv(
                    temporary, index=False, float_format="%.9g", lineterminator="\n"
                )
        for path in options.curves.glob("*.csv"):
            if path.stem not in experiments:
                integrity.remove(path)  # of an experiment that is no longer asked for
        with atomic_path(options.page) as temporary:
            temporary.write_text(template(), encoding="utf-8")
        return f"{len(experiments)} learning curves"

    return job.main(run, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
