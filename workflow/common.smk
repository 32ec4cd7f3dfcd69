# What all rules share: the validated parameters, each rule's slice of them, digests of the code.
import os
import shlex
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(workflow.basedir))
from cadnet import params as parameters
from cadnet import provenance
from cadnet.data import origin
from cadnet.data.sources import SOURCE_MODULES
from cadnet.paper import declarations
from workflow.terminal import one_line_a_job

if not workflow.dryrun:
    one_line_a_job()

# `python` in a rule is the one that runs Snakemake, also where nobody activated its environment;
# an environment of --use-conda goes before it.
os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"]]
)

try:
    PARAMS = parameters.load(
        Path(workflow.basedir, "params.yaml"), parameters.retyped(config)
    )
    ORIGINS = {name: origin.locate(PARAMS.data, name) for name in PARAMS.datasets()}
except parameters.ParameterError as error:
    raise WorkflowError(f"the parameters are wrong:\n{error}") from None

# Jobs run `python -m cadnet.…` in the working directory, which --directory may move elsewhere.
# The tracking store is no parameter of a job: tracking elsewhere retrains nothing.
TRACKING = PARAMS.tracking.uri or f"sqlite:///{Path.cwd()}/mlruns/mlflow.db"
environment = f"PYTHONPATH={shlex.quote(str(workflow.basedir))}"
environment += f" MLFLOW_TRACKING_URI={shlex.quote(TRACKING)}"
shell.prefix(f"export {environment.replace('{', '{{').replace('}', '}}')}; ")

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
