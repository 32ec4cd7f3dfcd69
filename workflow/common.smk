# What all rules share: the validated parameters, each rule's slice of them, digests of the code.
import re
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(workflow.basedir))
from cadnet import lifeline
from cadnet import params as parameters
from cadnet import provenance
from cadnet.data import origin
from cadnet.data.access import access
from cadnet.data.sources import SOURCE_MODULES
from cadnet.paper import declarations, typeset
from cadnet.records import layout
from workflow.jobs import (
    complaint,
    exports,
    follow_journals,
    own_python_first,
    track_in,
)
from workflow.locks import announce
from workflow.terminal import no_credentials, one_line_a_job

own_python_first()
no_credentials()
if not workflow.dryrun:
    one_line_a_job()
    if hindrance := complaint(Path.cwd()):
        raise WorkflowError(hindrance)
    if workflow.is_main_process:
        lifeline.die_with_owner()
        if word := announce(Path.cwd()):
            logger.warning(word)

try:
    PARAMS = parameters.load(
        Path(workflow.basedir, "params.yaml"), parameters.retyped(config)
    )
    ORIGINS = {name: origin.locate(PARAMS.data, name) for name in PARAMS.datasets()}
except parameters.ParameterError as error:
    raise WorkflowError(f"the parameters are wrong:\n{error}") from None

# The tracking store is no parameter of a job: tracking elsewhere retrains nothing.
track_in(PARAMS.tracking.uri or f"sqlite:///{Path.cwd()}/mlruns/mlflow.db")
shell.prefix(exports(Path(workflow.basedir)))

EXPERIMENTS = PARAMS.selected()
QUANTISED = PARAMS.quantised()  # their names: of which experiment
TABLES = expand(
    "reports/tables/{table}.{kind}",
    table=declarations.outputs()["tables"],
    kind=["csv", "md", "tex"],
)
FILLED = expand("results/tables/{table}.json", table=declarations.outputs()["tables"])
FIGURES = expand(
    "reports/figures/{figure}.{kind}",
    figure=declarations.outputs()["figures"],
    kind=["svg", "png"],
)
PAPER = ["reports/paper/paper.tex"]
# A pdf is promised only where TeX is: elsewhere the sources are all that there is.
TYPESET = typeset.program()
if TYPESET:
    PAPER.append("reports/paper/paper.pdf")
RECORDS = expand(
    f"{layout.FOLDER}/{{file}}",
    file=layout.files(PARAMS.datasets(), **declarations.outputs()),
)
CURVES = expand("results/curves/{experiment}.csv", experiment=EXPERIMENTS)
TUNED = "results/chosen.json"


wildcard_constraints:
    dataset="[^/]+",
    experiment="|".join(map(re.escape, EXPERIMENTS)),
    quantised="|".join(map(re.escape, QUANTISED)) or "(?!)",
    scored="[^/]+",
    seed="[0-9]+",
    grid="[^/]+",
    index="[0-9]+",
    table="[A-Za-z0-9]+",
    figure="[A-Za-z0-9]+",


# What `snakemake --report` shows.
report: "report/workflow.rst"


def title_of_table(w):
    return {"number": w.table, "title": declarations.declared().tables[w.table].title}


def title_of_figure(w):
    return {
        "number": w.figure,
        "title": declarations.declared().figures[w.figure].title,
    }


# A job reruns when its slice of the parameters changes, or the syntax tree of a module that it
# imports: neither a comment nor a fresh checkout's file dates rerun anything.
def code(*modules):
    return provenance.code_digest(*modules)


def as_json(value):
    return provenance.canonical_json(value)


def experiment_spec(name):
    return EXPERIMENTS[name].model_dump(mode="json", by_alias=True)


def runs(pattern, more=()):
    """Every selected experiment and seed, in a path pattern; and of some more models."""
    return expand(pattern, experiment=[*EXPERIMENTS, *more], seed=PARAMS.seeds)


def seeds(pattern):
    """Every seed, in a path pattern that leaves the experiment open."""
    return expand(pattern, seed=PARAMS.seeds)


def trial(w):
    """The experiment of a trial of the search."""
    return PARAMS.trial(w.grid, int(w.index))


def trials(name):
    """A file of every trial of the search."""
    return [
        f"results/search/{grid}/trial{index}/{name}"
        for grid, about in PARAMS.searched().items()
        for index in range(len(about.values))
    ]


def is_tuned(experiment):
    """Whether an experiment waits for the search, where there is one to wait for."""
    return EXPERIMENTS[experiment].tuned and bool(PARAMS.searched())


def datasets_of(*experiments):
    """The datasets that some experiments are trained or tested on, each once."""
    named = [EXPERIMENTS[QUANTISED.get(e, e)] for e in experiments]
    return sorted({d for e in named for d in (e.train_on, *e.test_on)})


def efficiency_spec():
    """What is measured: the architectures that a table or a figure asks for."""
    wanted = declarations.architectures()
    return [
        {
            "name": name,
            "model": PARAMS.models[name].model_dump(mode="json"),
            "train": PARAMS.train.model_dump(mode="json"),
            "size": PARAMS.data.size,
            "device": PARAMS.train.device,
            "threads": PARAMS.train.threads,
        }
        for name in wanted
    ]


def declared_inputs(*declared):
    """What a table or a figure is made from: the results that its declarations name, as far as
    their experiments are selected."""
    scored = {**EXPERIMENTS, **QUANTISED}
    named = [e for item in declared for e in item.needed_experiments() if e in scored]
    if any(item.needs_all() for item in declared):
        named = EXPERIMENTS
    named = list(dict.fromkeys(named))
    stated = {d for item in declared for d in item.needed_datasets()}
    data = (stated | set(datasets_of(*named))) & set(PARAMS.datasets())
    inputs = {
        "scores": expand("results/{experiment}/scores.csv", experiment=named),
        "data": expand("data/aligned/{dataset}.json", dataset=sorted(data)),
    }
    if any(item.needs_efficiency() for item in declared):
        inputs["efficiency"] = "results/efficiency.csv"
    if any(item.kind == "search" for item in declared) and PARAMS.searched():
        inputs["search"] = "results/search.csv"
    if any(item.kind == "compression" for item in declared) and named:
        inputs["efficiency"] = "results/compression.csv"
    return inputs


def compared(names, file):
    """A file of the lowest seed of each model that table E1 compares, among some."""
    wanted = [e for e in declarations.compared() if e in names]
    return expand(f"results/{{e}}/seed{min(PARAMS.seeds)}/{file}", e=wanted)


def table_inputs(w):
    return declared_inputs(declarations.declared().tables[w.table])


def shows_examples(figure):
    """Whether faces are chosen for a figure: its experiment is selected and tested on them."""
    wanted = figure.examples
    return (
        wanted is not None
        and wanted.experiment in EXPERIMENTS
        and wanted.dataset in EXPERIMENTS[wanted.experiment].test_on
    )


def figure_inputs(w):
    figure = declarations.declared().figures[w.figure]
    inputs = declared_inputs(*declarations.sources(figure))
    if shows_examples(figure):
        inputs["examples"] = f"results/examples/{w.figure}.npz"
    return inputs


def example_inputs(w):
    """The model and the predictions of the lowest seed, and the faces."""
    wanted = declarations.declared().figures[w.figure].examples
    run = f"results/{wanted.experiment}/seed{min(PARAMS.seeds)}"
    return {
        "model": f"{run}/model.safetensors",
        "predictions": f"{run}/predictions.parquet",
        "data": f"data/aligned/{wanted.dataset}.arrow",
    }


def example_options(w):
    """Which faces, and whether they may be official photographs."""
    wanted = declarations.declared().figures[w.figure].examples
    options = as_options(
        wanted.model_dump(include={"dataset", "subset", "choose", "count"}, mode="json")
    )
    return options + (" --official" if PARAMS.report.faces == "all" else "")


def drawn_models(figure):
    """The architectures that a figure draws, as a JSON option."""
    names = declarations.declared().figures[figure].drawn
    if not names:
        return ""
    models = {name: PARAMS.models[name].model_dump(mode="json") for name in names}
    drawn = as_json({"size": PARAMS.data.size, "models": models})
    return f"--models {shlex.quote(drawn)}"


# What --config and --configfile say. No parameter of a job: the same parameters by an edit of
# params.yaml make nothing again.
SETTINGS = as_json(
    {k: v for k, v in parameters.retyped(config).items() if k != "tracking"}
)


def further_options(table):
    """What a table takes beside files: for the audit, models at the paper's own size, whatever the
    preset; for the claims, the strata of occlusion."""
    declared = declarations.declared().tables[table]
    if declared.kind == "audit":
        paper = parameters.load(
            Path(workflow.basedir, "params.yaml"), {"preset": "paper"}
        )
        models = {
            name: paper.models[name].model_dump(mode="json")
            for name in declared.architectures
        }
        counted = as_json({"size": paper.data.size, "models": models})
        return f"--paper-models {shlex.quote(counted)}"
    if declared.needs_all():
        return f"--occlusion {shlex.quote(as_json(PARAMS.data.occlusion.model_dump()))}"
    return ""


def as_options(inputs):
    """Named input files, or other values, as options of a command."""

    def texts(values):
        return [str(values)] if isinstance(values, (str, int)) else values

    return " ".join(
        f"--{name} " + " ".join(map(shlex.quote, texts(values)))
        for name, values in inputs.items()
        if values
    )


def manifest(w):
    """What says that drawn or fetched faces are there; nothing where the user's own are used."""
    found = ORIGINS[w.dataset]
    return [] if found.digest else [f"{found.root}/SHA256SUMS"]


def fetched_beside(w):
    """Downloads that hold some of a download's files: these are then copied."""
    names = {a.also_in for a in access()[w.dataset].archives} & set(ORIGINS)
    roots = [ORIGINS[name].root for name in sorted(names)]
    return [f"{root}/SHA256SUMS" for root in roots if root.parent == origin.FETCHED]


def weights_of(experiment):
    """The file with the backbone's weights that an experiment starts from, if from any."""
    backbone = experiment.model.backbone
    if backbone.weights == "imagenet":
        return [f"data/weights/resnet{backbone.depth}.safetensors"]
    return []


def backbone_weights(w):
    return weights_of(EXPERIMENTS[w.experiment])


def starting_model(w):
    """The trained model that an experiment starts from, if it starts from any."""
    start = EXPERIMENTS[w.experiment].start_from
    return [f"results/{start}/seed{w.seed}/model.safetensors"] if start else []
