"""Which files ``reports/provenance`` has. Light: the Snakefile asks."""

from __future__ import annotations

from collections.abc import Iterable

from cadnet.provenance import PACKAGE_ROOT

FOLDER = "reports/provenance"
_ALWAYS = ("ro-crate-metadata.json", "run.json", "params.yaml", "sbom.cdx.json", "CITATION.cff",
           "Snakefile", "scores.csv")  # fmt: skip


def sources() -> list[str]:
    """What the Snakefile includes, and the environment of its jobs, by path in the checkout."""
    workflow = PACKAGE_ROOT / "workflow"
    kinds = ("*.smk", "*.py", "rules/*.smk", "report/*.rst")
    found = [path for kind in kinds for path in workflow.glob(kind)]
    return [*sorted(f.relative_to(PACKAGE_ROOT).as_posix() for f in found), "environment.yml"]


def files(datasets: Iterable[str], tables: Iterable[str], figures: Iterable[str]) -> list[str]:
    """All of them, by path in the folder."""
    return [
        *_ALWAYS,
        *sources(),
        *(f"croissant/{name}.json" for name in datasets),
        *(f"tables/{name}.csv" for name in tables),
        *(f"figures/{name}.png" for name in figures),
    ]
