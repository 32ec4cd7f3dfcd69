# Scores and the paper's reported numbers into tables, figures and one page.


rule table:
    input:
        unpack(table_inputs),
    output:
        multiext("reports/tables/{table}", ".csv", ".md", ".tex"),
        filled="results/tables/{table}.json",
    log:
        "logs/tables/{table}.log",
    conda:
        "../../environment.yml"
    params:
        code=lambda w: code("cadnet.paper.tables", declarations.filled_by(w.table)),
        declared=lambda w: declarations.digest("tables", w.table),
        inputs=lambda w, input: as_options(input),
        further=lambda w: further_options(w.table),
    message:
        "table {wildcards.table}"
    shell:
        "python -m cadnet.paper.tables --table {wildcards.table:q} {params.inputs}"
        " {params.further}"
        " --out reports/tables --filled {output.filled:q} --log {log:q}"


rule examples:
    input:
        unpack(example_inputs),
    output:
        "results/examples/{figure}.npz",
    log:
        "logs/examples/{figure}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.evaluation.examples"),
        inputs=lambda w, input: as_options(input),
        chosen=example_options,
    message:
        "faces for figure {wildcards.figure}"
    shell:
        "python -m cadnet.evaluation.examples {params.inputs} {params.chosen}"
        " --out {output:q} --log {log:q}"


rule figure:
    input:
        unpack(figure_inputs),
    output:
        multiext("reports/figures/{figure}", ".svg", ".png"),
    log:
        "logs/figures/{figure}.log",
    conda:
        "../../environment.yml"
    params:
        code=lambda w: code("cadnet.paper.figures", declarations.drawn_by(w.figure)),
        declared=lambda w: declarations.digest("figures", w.figure),
        inputs=lambda w, input: as_options(input),
        models=lambda w: drawn_models(w.figure),
    message:
        "figure {wildcards.figure}"
    shell:
        "python -m cadnet.paper.figures --figure {wildcards.figure:q} {params.inputs}"
        " {params.models} --out reports/figures --log {log:q}"


rule report:
    input:
        FIGURES,
        tables=FILLED,
        runs="results/runs.json",
        data=expand("data/aligned/{dataset}.json", dataset=PARAMS.datasets()),
        errors="results/errors.parquet",
    output:
        "reports/index.html",
    log:
        "logs/report.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.paper.report"),
        declared=declarations.digest(),
        preset=PARAMS.preset,
    message:
        "report"
    shell:
        "python -m cadnet.paper.report --tables {input.tables:q} --runs {input.runs:q}"
        " --data {input.data:q} --errors {input.errors:q} --figures reports/figures"
        " --preset {params.preset:q} --out {output:q} --log {log:q}"


rule plots:
    input:
        runs("results/{experiment}/seed{seed}/history.csv"),
    output:
        CURVES,
        page="reports/plots.html",
    log:
        "logs/plots.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.paper.plots"),
    message:
        "plots for DVC"
    shell:
        "python -m cadnet.paper.plots --histories {input:q} --curves results/curves"
        " --page {output.page:q} --log {log:q}"
