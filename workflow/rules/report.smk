# Tidy tables and the paper's reported numbers into tables, figures and one page.


rule tables:
    input:
        scores="results/scores.csv",
        runs="results/runs.json",
        data="results/data.json",
    output:
        TABLES,
    log:
        "logs/tables.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.paper.tables"),
        declared=declarations.digest(),
    message:
        "tables"
    shell:
        "python -m cadnet.paper.tables --scores {input.scores:q} --runs {input.runs:q}"
        " --data {input.data:q} --out reports/tables --log {log:q}"


rule figures:
    input:
        errors="results/errors.parquet",
        scores="results/scores.csv",
        runs="results/runs.json",
        data="results/data.json",
    output:
        FIGURES,
    log:
        "logs/figures.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.paper.figures"),
        declared=declarations.digest(),
    message:
        "figures"
    shell:
        "python -m cadnet.paper.figures --errors {input.errors:q} --scores {input.scores:q}"
        " --runs {input.runs:q} --data {input.data:q} --out reports/figures --log {log:q}"


rule report:
    input:
        TABLES,
        FIGURES,
        scores="results/scores.csv",
        runs="results/runs.json",
        data="results/data.json",
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
        "python -m cadnet.paper.report --scores {input.scores:q} --runs {input.runs:q}"
        " --data {input.data:q} --figures reports/figures"
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
