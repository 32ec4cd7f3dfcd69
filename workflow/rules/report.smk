# Scores and the paper's reported numbers into tables, figures and one page.


rule table:
    input:
        unpack(table_inputs),
    output:
        report(
            "reports/tables/{table}.csv",
            category="Tables",
            caption="../report/table.rst",
            labels=title_of_table,
        ),
        multiext("reports/tables/{table}", ".md", ".tex"),
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
        "reports/figures/{figure}.svg",
        report(
            "reports/figures/{figure}.png",
            category="Figures",
            caption="../report/figure.rst",
            labels=title_of_figure,
        ),
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
        paper=PAPER,
        runs="results/runs.json",
        data="results/data.json",
        errors="results/errors.parquet",
    output:
        report("reports/index.html", category="Paper", caption="../report/paper.rst"),
    log:
        "logs/report.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.paper.report"),
        templates=declarations.templates(),
        declared=declarations.digest(),
        preset=PARAMS.preset,
        paper=[str(Path(file).relative_to("reports")) for file in PAPER],
    message:
        "report"
    shell:
        "python -m cadnet.paper.report --tables {input.tables:q} --runs {input.runs:q}"
        " --data {input.data:q} --errors {input.errors:q} --figures reports/figures"
        " --preset {params.preset:q} --paper {params.paper:q} --out {output:q} --log {log:q}"


rule paper:
    input:
        tables=FILLED,
        runs="results/runs.json",
        data="results/data.json",
    output:
        "reports/paper/paper.tex",
    log:
        "logs/paper.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.paper.latex"),
        templates=declarations.templates(),
        declared=declarations.digest(),
        preset=PARAMS.preset,
    message:
        f"paper.tex{'' if TYPESET else ' (no TeX here, so no pdf)'}"
    shell:
        "python -m cadnet.paper.latex --tables {input.tables:q} --runs {input.runs:q}"
        " --data {input.data:q} --preset {params.preset:q} --out {output:q} --log {log:q}"


if TYPESET:

    rule pdf:
        input:
            [file for file in TABLES if file.endswith(".tex")],
            [file for file in FIGURES if file.endswith(".png")],
            tex="reports/paper/paper.tex",
        output:
            "reports/paper/paper.pdf",
        log:
            "logs/pdf.log",
        conda:
            "../../environment.yml"
        params:
            code=code("cadnet.paper.typeset"),
        message:
            "paper.pdf"
        shell:
            "python -m cadnet.paper.typeset --tex {input.tex:q} --out {output:q} --log {log:q}"


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


rule records:
    input:
        runs="results/runs.json",
        scores="results/scores.csv",
        data=expand("data/aligned/{dataset}.json", dataset=PARAMS.datasets()),
        stores=expand("data/aligned/{dataset}.arrow", dataset=PARAMS.datasets()),
        tables=[file for file in TABLES if file.endswith(".csv")],
        figures=[file for file in FIGURES if file.endswith(".png")],
    output:
        RECORDS,
    log:
        "logs/records.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.records.run"),
        citation=provenance.file_digest(Path(workflow.basedir, "CITATION.cff")),
        parameters=provenance.digest(PARAMS.recorded()),
        folder=subpath(output[0], parent=True),
    message:
        "records"
    shell:
        "python -m cadnet.records.run --config {SETTINGS:q} --parameters {params.parameters}"
        " --runs {input.runs:q} --scores {input.scores:q} --data {input.data:q}"
        " --tables {input.tables:q} --figures {input.figures:q} --out {params.folder:q}"
        " --log {log:q}"
