"""A table as csv (for machines and reviewers), Markdown and LaTeX, and as JSON for the report.

    python -m cadnet.paper.tables --table T2 --scores results/*/scores.csv \\
        --data data/aligned/*.json --out reports/tables --filled results/tables/T2.json
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cadnet import job
from cadnet.paper.declarations import declared
from cadnet.paper.formats import WRITERS
from cadnet.paper.kinds import fill
from cadnet.paper.results import add_arguments, from_arguments
from cadnet.provenance import atomic_path, write_json


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--table", choices=list(declared().tables), required=True)
    add_arguments(parser)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--filled", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        table = fill(options.table, from_arguments(options))
        for suffix, write in WRITERS.items():
            with atomic_path(options.out / f"{options.table}.{suffix}") as temporary:
                temporary.write_text(write(table), encoding="utf-8")
        write_json(options.filled, table.as_json())
        return table.title

    return job.main(run, parser.parse_args(arguments), ValueError)


if __name__ == "__main__":
    sys.exit(main())
