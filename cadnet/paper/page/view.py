"""What the page shows, gathered from filled tables, datasets and runs; plain data for templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cadnet.paper.cells import Cell, Filled, Line
from cadnet.paper.declarations import Figure, Table, declared, tests_of_claims
from cadnet.paper.page.order import IN_OVERVIEW

Run = dict[str, Any]

VERDICTS = {
    "supported": "✓",
    "not supported": "○",
    "opposite found": "✗",
    "cannot be tested on this data": "?",
}
"""Every verdict on a claim, and its sign."""
# Where numbers come from that no training run made.
WITHOUT_RUNS = {
    "efficiency": "Counted and timed on untrained models: results/efficiency.csv.",
    "search": "Trials: results/search.csv, and results/search/<parameter>/trial<k>/run.json.",
    "splits": "Counted in the aligned faces: data/aligned/<dataset>.json.",
    "static": "Printed by the paper and declared in the code: nothing is trained.",
    "audit": "Computed from the paper's printed numbers.",
}


class Asked(NamedTuple):
    """A claim of the paper and what became of it."""

    id: str
    cells: dict[str, Cell]
    experiments: list[str]
    speed: bool

    @property
    def verdict(self) -> str:
        return self.cells["Verdict"].words

    @property
    def reason(self) -> str:
        return self.cells["Reason"].words


class Supply(NamedTuple):
    """A dataset that is not here as its owners publish it, and what it would fill."""

    dataset: str
    state: str
    missing: list[str]
    fills: list[str]


class Source(NamedTuple):
    """The runs of one experiment behind a table or figure."""

    experiment: str
    runs: list[Run]

    def every(self, key: str) -> list[str]:
        """The values of a key, each once."""
        return list(dict.fromkeys(str(run[key] or "not tracked") for run in self.runs))


def by_experiment(runs: list[Run]) -> dict[str, list[Run]]:
    """Runs of each experiment, in the order of seeds."""
    grouped: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: (run["experiment"], run["seed"])):
        grouped.setdefault(run["experiment"], []).append(run)
    return grouped


def _named(tree: object, known: set[str]) -> Iterator[str]:
    """Strings of a tree that are known names."""
    if isinstance(tree, str):
        if tree in known:
            yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from _named(value, known)
    elif isinstance(tree, list):
        for value in tree:
            yield from _named(value, known)


def asked(tables: dict[str, Filled], known: set[str]) -> list[Asked]:
    """Every claim, those of speed last. ``known``: the experiments that were run."""
    found, tests = [], tests_of_claims()
    for name in ("C1", "C3"):
        if name not in tables:
            continue
        table = tables[name]
        for line in table.lines:
            found.append(
                Asked(
                    line.label,
                    dict(zip(table.columns, line.cells, strict=True)),
                    list(dict.fromkeys(_named(tests[line.label], known))),
                    name == "C3",
                )
            )
    return found


def counts(found: list[Asked]) -> dict[str, int]:
    """How many claims have each verdict; all verdicts are there."""
    made = dict.fromkeys(VERDICTS, 0)
    for claim in found:
        made[claim.verdict] = made.get(claim.verdict, 0) + 1
    return made


def cells(tables: dict[str, Filled]) -> Iterator[tuple[Filled, Line, str, Cell]]:
    """Every cell with its table, line and column."""
    for table in tables.values():
        for line in table.lines:
            for column, cell in zip(table.columns, line.cells, strict=True):
                yield table, line, column, cell


def absent(tables: dict[str, Filled]) -> dict[str, dict[str, list[str]]]:
    """Why cells have no number, and which: reason → table → columns."""
    found: dict[str, dict[str, list[str]]] = {}
    for table, _, column, cell in cells(tables):
        if cell.missing:
            columns = found.setdefault(cell.missing, {}).setdefault(table.name, [])
            if column not in columns:
                columns.append(column)
    return found


def flagged(tables: dict[str, Filled]) -> dict[str, dict[str, list[str]]]:
    """The cells that do not beat the trivial predictor: table → row → columns."""
    found: dict[str, dict[str, list[str]]] = {}
    for table, line, column, cell in cells(tables):
        if not cell.beaten:
            found.setdefault(table.name, {}).setdefault(line.label, []).append(column)
    return found


def _experiments(item: Table | Figure) -> list[str]:
    examples = item.examples if isinstance(item, Figure) else None
    shown = [examples.experiment] if examples else []
    return list(dict.fromkeys([*item.needed_experiments(), *shown]))


def declared_items(name: str) -> list[Table | Figure]:
    """The table and the figure of a number: one of them, or both."""
    found: list[Table | Figure | None] = [
        declared().tables.get(name),
        declared().figures.get(name),
    ]
    return [item for item in found if item is not None]


def sources(name: str, runs: dict[str, list[Run]]) -> list[Source]:
    """The runs behind a table or figure, those included that its models start from."""
    names = [e for item in declared_items(name) for e in _experiments(item)]
    for experiment in names:
        for run in runs.get(experiment, [])[:1]:
            start = run.get("parameters", {}).get("start_from")
            if start and start not in names:
                names.append(start)
    return [Source(e, runs[e]) for e in dict.fromkeys(names) if e in runs]


def datasets_of(name: str, runs: dict[str, list[Run]]) -> set[str]:
    """The datasets that a table or figure is trained and measured on."""
    found = {source.runs[0]["train_on"] for source in sources(name, runs)}
    for item in declared_items(name):
        found.update(item.needed_datasets())
        if isinstance(item, Figure) and item.examples:
            found.add(item.examples.dataset)
    return found


def supplies(names: list[str], data: dict[str, Any], runs: dict[str, list[Run]]) -> list[Supply]:
    """The datasets that are built-in, partial or absent. ``names``: the tables and figures."""
    uses = {name: datasets_of(name, runs) for name in names if name not in IN_OVERVIEW}
    made = []
    for dataset in sorted({*data, *(d for used in uses.values() for d in used)}):
        fills = [name for name, used in uses.items() if dataset in used]
        about = data.get(dataset)
        if about is None:
            made.append(Supply(dataset, "absent", [], fills))
        elif about["origin"] == "built-in":
            made.append(Supply(dataset, "built-in faces in its place", [], fills))
        elif about["partial"]:
            made.append(Supply(dataset, "a part is here", about["missing"], fills))
    return made
