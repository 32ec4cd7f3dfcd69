# The paper from one DAG: raw faces → aligned → trained per seed → predicted → scored → report.
from snakemake.utils import min_version

min_version("9.0")


# `config` holds what --config and --configfile say; params.yaml and the preset lie below it.
include: "workflow/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/compress.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        "reports/index.html",
        "reports/plots.html",
        PAPER,
        TABLES,
        FIGURES,
        CURVES,
        RECORDS,


# On a cluster's node Snakemake would try again, too, within each try of the one that submits: it is
# told not to (--retries 0), but a rule's own number counts more.
if workflow.remote_exec:
    for one in workflow.rules:
        one.restart_times = 0
