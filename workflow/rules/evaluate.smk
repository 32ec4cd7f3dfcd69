# Trained models on their test sets, their predictions scored, what they cost, all in one table.


rule predict:
    input:
        model="results/{experiment}/seed{seed}/model.safetensors",
        stores=lambda w: expand(
            "data/aligned/{dataset}.arrow", dataset=EXPERIMENTS[w.experiment].test_on
        ),
    output:
        # A folder's files depend on the experiment, which an output's name cannot: one file
        # holds all test sets.
        "results/{experiment}/seed{seed}/predictions.parquet",
    log:
        "logs/predict/{experiment}/seed{seed}.log",
    retries: 1
    conda:
        "../../environment.yml"
    threads: lambda w: EXPERIMENTS[w.experiment].train.threads
    resources:
        gpu=1,
    params:
        code=code("cadnet.training.predict"),
        device=lambda w: EXPERIMENTS[w.experiment].train.device,
    message:
        "predict with {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "python -m cadnet.training.predict --model {input.model:q} --data {input.stores:q}"
        " --out {output:q} --device {params.device} --threads {threads} --log {log:q}"


rule score:
    input:
        records=seeds("results/{{scored}}/seed{seed}/run.json"),
        predictions=seeds("results/{{scored}}/seed{seed}/predictions.parquet"),
        stores=lambda w: expand(
            "data/aligned/{dataset}.arrow", dataset=datasets_of(w.scored)
        ),
    output:
        "results/{scored}/scores.csv",
        "results/{scored}/errors.parquet",
        "results/{scored}/expressions.parquet",
        "results/{scored}/landmarks.csv",
        "results/{scored}/reliability.json",
    log:
        "logs/score/{scored}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.evaluation.score"),
        occlusion=PARAMS.data.occlusion.model_dump(),
        folder=subpath(output[0], parent=True),
    message:
        "score {wildcards.scored}"
    shell:
        "python -m cadnet.evaluation.score --runs {input.records:q} --data {input.stores:q}"
        " --mild {params.occlusion[mild]} --moderate {params.occlusion[moderate]}"
        " --out {params.folder:q} --log {log:q}"


rule collect:
    input:
        records=runs("results/{experiment}/seed{seed}/run.json", QUANTISED),
        scores=expand(
            "results/{experiment}/scores.csv", experiment=[*EXPERIMENTS, *QUANTISED]
        ),
        # Read beside the scores; here, so that one that was removed is made again.
        images=expand(
            "results/{experiment}/{file}.parquet",
            experiment=[*EXPERIMENTS, *QUANTISED],
            file=["errors", "expressions"],
        ),
        about=expand("data/aligned/{dataset}.json", dataset=PARAMS.datasets()),
        tracking=["results/tracking.json"] if PARAMS.tracking.enabled else [],
    output:
        "results/scores.csv",
        "results/errors.parquet",
        "results/expressions.parquet",
        "results/runs.json",
        "results/data.json",
        "results/metrics.json",
    log:
        "logs/collect.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.evaluation.collect"),
        tracking=lambda w, input: (
            f"--tracking {shlex.quote(input.tracking[0])}" if input.tracking else ""
        ),
    message:
        "collect all scores"
    shell:
        "python -m cadnet.evaluation.collect --runs {input.records:q} --scores {input.scores:q}"
        " --data {input.about:q} {params.tracking} --out results --log {log:q}"


rule measure:
    output:
        "results/efficiency.csv",
    log:
        "logs/measure.log",
    retries: 1
    conda:
        "../../environment.yml"
    # Nothing else runs beside it: what it measures is time. A function, which is not called where
    # a cluster's profile says a number: there are no cores to count then.
    threads: lambda w: workflow.cores
    resources:
        gpu=1,
    params:
        spec=as_json(efficiency_spec()),
        code=code("cadnet.evaluation.measure"),
        seconds=PARAMS.efficiency.seconds,
    message:
        "measure what models cost"
    shell:
        "python -m cadnet.evaluation.measure --spec {params.spec:q} --seconds {params.seconds}"
        " --out {output:q} --log {log:q}"
