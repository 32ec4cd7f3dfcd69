"""The jobs of a run and what each waits for, from the parameters alone.

The rules are the workflow's; a test compares the counts with Snakemake's own plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cadnet.paper import declarations
from cadnet.params import Params
from cadnet.schema import Experiment


@dataclass(frozen=True)
class Job:
    """``subject``: the dataset, experiment, table or figure; ``experiment``: what it trains or
    uses; ``needs``: other jobs' keys."""

    rule: str
    subject: str = ""
    needs: tuple[str, ...] = ()
    experiment: Experiment | None = None

    @property
    def key(self) -> str:
        return f"{self.rule} {self.subject}"


def jobs(params: Params, *, official: bool, pdf: bool) -> list[Job]:
    """All jobs of ``all``, each after those that it needs.

    Args:
        official: whether the datasets are the user's own, so that none is drawn.
        pdf: whether TeX is installed.
    """
    return [*_data(params, official), *_training(params), *_results(params), *_report(params, pdf)]


def keys(rule: str, subjects: Iterable[str]) -> tuple[str, ...]:
    """Of a rule's jobs."""
    return tuple(f"{rule} {subject}" for subject in subjects)


def _data(params: Params, official: bool) -> list[Job]:
    drawn = [] if official else [Job("builtin", name) for name in params.datasets()]
    aligned = [
        Job("align", name, () if official else keys("builtin", [name]))
        for name in params.datasets()
    ]
    depths = {
        str(e.model.backbone.depth)
        for e in params.selected().values()
        if e.model.backbone.weights == "imagenet"
    }
    return [*drawn, *aligned, *(Job("weights", depth) for depth in sorted(depths))]


def _before_training(experiment: Experiment) -> tuple[str, ...]:
    backbone = experiment.model.backbone
    weights = [str(backbone.depth)] if backbone.weights == "imagenet" else []
    return (*keys("align", [experiment.train_on]), *keys("weights", weights))


def trials(params: Params) -> list[str]:
    """The subjects of the search's jobs."""
    return [f"{n}/{i}" for n, grid in params.searched().items() for i in range(len(grid.values))]


def runs(params: Params, *names: str) -> list[str]:
    """The subjects of some experiments' training jobs, or of all."""
    return [f"{name}/{seed}" for name in names or params.selected() for seed in params.seeds]


def _training(params: Params) -> list[Job]:
    made = []
    for subject in trials(params):
        grid, index = subject.rsplit("/", 1)
        trial = params.trial(grid, int(index))
        made.append(Job("trial", subject, _before_training(trial), trial))
    if made:
        made.append(Job("choose", needs=keys("trial", trials(params))))
    # Those that others start from come first.
    waiting = dict(params.selected())
    while waiting:
        for name, experiment in list(waiting.items()):
            if experiment.start_from in waiting:
                continue
            del waiting[name]
            tuned = ("choose ",) if experiment.tuned and params.searched() else ()
            for seed in params.seeds:
                start = [f"{experiment.start_from}/{seed}"] if experiment.start_from else []
                needs = (*_before_training(experiment), *keys("train", start), *tuned)
                made.append(Job("train", f"{name}/{seed}", needs, experiment))
    return made


def _results(params: Params) -> list[Job]:
    made = []
    for name, experiment in params.selected().items():
        for run in runs(params, name):
            needs = (*keys("train", [run]), *keys("align", experiment.test_on))
            made.append(Job("predict", run, needs, experiment))
        datasets = {experiment.train_on, *experiment.test_on}
        needs = (*keys("predict", runs(params, name)), *keys("align", sorted(datasets)))
        made.append(Job("score", name, needs, experiment))
    made += _smaller(params)
    trained = keys("train", runs(params))
    tracked: tuple[str, ...] = ()
    if params.tracking.enabled:
        made.append(Job("track", needs=(*trained, *keys("trial", trials(params)))))
        tracked = ("track ",)
    scored = keys("score", [*params.selected(), *params.quantised()])
    made.append(Job("collect", needs=(*scored, *keys("align", params.datasets()), *tracked)))
    return [*made, Job("measure"), Job("plots", needs=trained)]


def _smaller(params: Params) -> list[Job]:
    """Models in 8 bits, scored, and what table E1's models cost."""
    made, selected, quantised = [], params.selected(), params.quantised()
    for name, of in quantised.items():
        aligned = keys("align", sorted({selected[of].train_on, *selected[of].test_on}))
        for seed in params.seeds:
            needs = (*keys("train", [f"{of}/{seed}"]), *aligned)
            made.append(Job("quantise", f"{name}/{seed}", needs, selected[of]))
        needs = (*keys("quantise", runs(params, name)), *aligned)
        made.append(Job("score", name, needs, selected[of]))
    compared = declarations.compared()
    first = min(params.seeds)
    needs = (
        *keys("train", [f"{name}/{first}" for name in compared if name in selected]),
        *keys("quantise", [f"{name}/{first}" for name in compared if name in quantised]),
    )
    return [*made, Job("costs", needs=needs)] if needs else made


def _declared(params: Params, *declared: declarations._Declared) -> tuple[str, ...]:
    """What a table or a figure is made from, as ``declared_inputs`` of the workflow has it."""
    selected = params.selected()
    scored = {**selected, **{name: selected[of] for name, of in params.quantised().items()}}
    named = [e for item in declared for e in item.needed_experiments() if e in scored]
    if any(item.needs_all() for item in declared):
        named = list(selected)
    datasets = {d for item in declared for d in item.needed_datasets()}
    datasets |= {d for e in named for d in (scored[e].train_on, *scored[e].test_on)}
    needs = [*keys("score", dict.fromkeys(named))]
    needs += keys("align", sorted(datasets & set(params.datasets())))
    if any(item.needs_efficiency() for item in declared):
        needs.append("measure ")
    if any(item.kind == "search" for item in declared) and params.searched():
        needs.append("choose ")
    if any(item.kind == "compression" for item in declared) and named:
        needs.append("costs ")
    return tuple(needs)


def _report(params: Params, pdf: bool) -> list[Job]:
    tables, figures = declarations.declared().tables, declarations.declared().figures
    selected = params.selected()
    made = [Job("table", name, _declared(params, table)) for name, table in tables.items()]
    for name, figure in figures.items():
        needs = _declared(params, *declarations.sources(figure))
        shown = figure.examples
        if shown and shown.experiment in selected:
            experiment = selected[shown.experiment]
            if shown.dataset in experiment.test_on:
                run = f"{shown.experiment}/{min(params.seeds)}"
                before = (*keys("predict", [run]), *keys("align", [shown.dataset]))
                made.append(Job("examples", name, before, experiment))
                needs = (*needs, *keys("examples", [name]))
        made.append(Job("figure", name, needs))
    made.append(Job("paper", needs=(*keys("table", tables), "collect ")))
    drawn = keys("figure", figures)
    last = ("paper ",)
    if pdf:
        made.append(Job("pdf", needs=(*last, *drawn)))
        last = ("pdf ",)
    made.append(Job("report", needs=(*drawn, *last)))
    filled = (*keys("table", tables), *drawn, "collect ")
    made.append(Job("records", needs=(*filled, *keys("align", params.datasets()))))
    return [*made, Job("all", needs=("report ", "plots ", "records "))]
