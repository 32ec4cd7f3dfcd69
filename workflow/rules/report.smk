# Tidy tables and the paper's reported numbers into tables, figures and one page.


rule tables:
    input:
        scores="results/scores.csv",
        runs="results/runs.json",
        data="results/data.json",
    output:
        TABLES,
    params:
        code=code("cadnet.paper.tables"),
        declared=declarations.digest(),
    log:
        "logs/tables.log",
    conda:
        "../../environment.yml"
    message:
        "tables"
    shell:
        "python -m cadnet.paper.tables --scores {input.scores:q} --runs {input.runs:q}"
        " --data {input.data:q} --out reports/tables > {log:q} 2>&1"


rule figures:
    input:
        errors="results/errors.parquet",
        data="results/data.json",
    output:
        FIGURES,
    params:
        code=code("cadnet.paper.figures"),
        declared=declarations.digest(),
    log:
        "logs/figures.log",
    conda:
        "../../environment.yml"
    message:
        "figures"
    shell:
        "python -m cadnet.paper.figures --errors {input.errors:q} --data {input.data:q}"
        " --out reports/figures > {log:q} 2>&1"


rule report:
    input:
        TABLES,
        FIGURES,
        scores="results/scores.csv",
        runs="results/runs.json",
        data="results/data.json",
    output:
        "reports/index.html",
    params:
        code=code("cadnet.paper.report"),
        declared=declarations.digest(),
        preset=PARAMS.preset,
    log:
        "logs/report.log",
    conda:
        "../../environment.yml"
    message:
        "report: reports/index.html"
    shell:
        "python -m cadnet.paper.report --scores {input.scores:q} --runs {input.runs:q}"
        " --data {input.data:q} --tables reports/tables --figures reports/figures"
        " --preset {params.preset:q} --out {output:q} > {log:q} 2>&1"
