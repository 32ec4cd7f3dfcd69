# Trained models on their test sets, and all predictions into one tidy table.


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
        records=runs("results/{experiment}/seed{seed}/run.json"),
        predictions=runs("results/{experiment}/seed{seed}/predictions.parquet"),
        stores=expand("data/aligned/{dataset}.arrow", dataset=PARAMS.datasets()),
        tracking=["results/tracking.json"] if PARAMS.tracking.enabled else [],
    output:
        "results/scores.csv",
        "results/errors.parquet",
        "results/expressions.parquet",
        "results/runs.json",
        "results/data.json",
        "results/metrics.json",
    log:
        "logs/score.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.evaluation.score"),
        occlusion=PARAMS.data.occlusion.model_dump(),
        tracking=lambda w, input: (
            f"--tracking {shlex.quote(input.tracking[0])}" if input.tracking else ""
        ),
    message:
        "score all predictions"
    shell:
        "python -m cadnet.evaluation.score --runs {input.records:q} --data {input.stores:q}"
        " --mild {params.occlusion[mild]} --moderate {params.occlusion[moderate]}"
        " {params.tracking} --out results --log {log:q}"
