# What all rules share: the validated parameters, each rule's slice of them, digests of the code.
import shlex
import sys
from pathlib import Path

sys.path.insert(0, str(workflow.basedir))
from cadnet import params as parameters
from cadnet import provenance
from cadnet.data import origin
from cadnet.data.access import access
from cadnet.data.sources import SOURCE_MODULES
from cadnet.paper import declarations
from workflow.jobs import complaint, exports, follow_journals, own_python_first
from workflow.terminal import one_line_a_job

own_python_first()
if not workflow.dryrun:
    one_line_a_job()
    if hindrance := complaint(Path.cwd()):
        raise WorkflowError(hindrance)

try:
    PARAMS = parameters.load(
        Path(workflow.basedir, "params.yaml"), parameters.retyped(config)
    )
    ORIGINS = {name: origin.locate(PARAMS.data, name) for name in PARAMS.datasets()}
except parameters.ParameterError as error:
    raise WorkflowError(f"the parameters are wrong:\n{error}") from None

# The tracking store is no parameter of a job: tracking elsewhere retrains nothing.
TRACKING = PARAMS.tracking.uri or f"sqlite:///{Path.cwd()}/mlruns/mlflow.db"
shell.prefix(exports(Path(workflow.basedir), TRACKING))

EXPERIMENTS = PARAMS.selected()
TABLES = expand(
    "reports/tables/{table}.{kind}",
    table=declarations.outputs()["tables"],
    kind=["csv", "md", "tex"],
)
FIGURES = expand(
    "reports/figures/{figure}.{kind}",
    figure=declarations.outputs()["figures"],
    kind=["svg", "png"],
)
CURVES = expand("results/curves/{experiment}.csv", experiment=EXPERIMENTS)


wildcard_constraints:
    dataset="[^/]+",
    experiment="[^/]+",
    seed="[0-9]+",


# A job reruns when its slice of the parameters changes, or the syntax tree of a module that it
# imports: neither a comment nor a fresh checkout's file dates rerun anything.
def code(*modules):
    return provenance.code_digest(*modules)


def as_json(value):
    return provenance.canonical_json(value)


def experiment_spec(name):
    return EXPERIMENTS[name].model_dump(mode="json", by_alias=True)


def runs(pattern):
    """Every selected experiment and seed, in a path pattern."""
    return expand(pattern, experiment=EXPERIMENTS, seed=PARAMS.seeds)


def manifest(w):
    """What says that drawn or fetched faces are there; nothing where the user's own are used."""
    found = ORIGINS[w.dataset]
    return [] if found.digest else [f"{found.root}/SHA256SUMS"]


def fetched_beside(w):
    """Downloads that hold some of a download's files: these are then copied."""
    names = {a.also_in for a in access()[w.dataset].archives} & set(ORIGINS)
    roots = [ORIGINS[name].root for name in sorted(names)]
    return [f"{root}/SHA256SUMS" for root in roots if root.parent == origin.FETCHED]


def backbone_weights(w):
    """The file an experiment starts from, if it starts from any."""
    backbone = EXPERIMENTS[w.experiment].model.backbone
    if backbone.weights == "imagenet":
        return [f"data/weights/resnet{backbone.depth}.safetensors"]
    return []


def starting_model(w):
    """The trained model that an experiment starts from, if it starts from any."""
    start = EXPERIMENTS[w.experiment].start_from
    return [f"results/{start}/seed{w.seed}/model.safetensors"] if start else []
