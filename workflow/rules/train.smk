# One training job per experiment and seed.


rule weights:
    output:
        tensors="data/weights/resnet{depth}.safetensors",
        about="data/weights/resnet{depth}.json",
    log:
        "logs/weights/resnet{depth}.log",
    retries: 2
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.models.weights"),
    message:
        "ImageNet weights of ResNet-{wildcards.depth}"
    shell:
        "python -m cadnet.models.weights --depth {wildcards.depth} --out {output.tensors:q}"
        " --log {log:q}"


rule train:
    input:
        store=lambda w: f"data/aligned/{EXPERIMENTS[w.experiment].train_on}.arrow",
        about=lambda w: f"data/aligned/{EXPERIMENTS[w.experiment].train_on}.json",
        weights=backbone_weights,
        start=starting_model,
        tuned=lambda w: [TUNED] if is_tuned(w.experiment) else [],
    output:
        model="results/{experiment}/seed{seed}/model.safetensors",
        history="results/{experiment}/seed{seed}/history.csv",
        record="results/{experiment}/seed{seed}/run.json",
    log:
        "logs/train/{experiment}/seed{seed}.log",
    benchmark:
        "logs/train/{experiment}/seed{seed}.tsv"
    retries: 1
    conda:
        "../../environment.yml"
    threads: lambda w: EXPERIMENTS[w.experiment].train.threads
    resources:
        gpu=1,
    params:
        spec=lambda w: as_json(experiment_spec(w.experiment)),
        code=code("cadnet.training.run"),
        weights=lambda w, input: (
            f"--weights {shlex.quote(input.weights[0])}" if input.weights else ""
        ),
        start=lambda w, input: (
            f"--start {shlex.quote(input.start[0])}" if input.start else ""
        ),
        tuned=lambda w, input: (
            f"--tuned {shlex.quote(input.tuned[0])}" if input.tuned else ""
        ),
        folder=subpath(output.model, parent=True),
    message:
        "train {wildcards.experiment}, seed {wildcards.seed}"
    shell:
        "python -m cadnet.training.run --spec {params.spec:q}"
        " --experiment {wildcards.experiment:q} --seed {wildcards.seed}"
        " --data {input.store:q} {params.weights} {params.start} {params.tuned}"
        " --out {params.folder:q} --log {log:q}"


rule trial:
    input:
        store=lambda w: f"data/aligned/{trial(w).train_on}.arrow",
        about=lambda w: f"data/aligned/{trial(w).train_on}.json",
        weights=lambda w: weights_of(trial(w)),
    output:
        model="results/search/{grid}/trial{index}/model.safetensors",
        history="results/search/{grid}/trial{index}/history.csv",
        record="results/search/{grid}/trial{index}/run.json",
    log:
        "logs/search/{grid}/trial{index}.log",
    benchmark:
        "logs/search/{grid}/trial{index}.tsv"
    # What others wait for goes first.
    priority: 10
    retries: 1
    conda:
        "../../environment.yml"
    threads: lambda w: trial(w).train.threads
    resources:
        gpu=1,
    params:
        spec=lambda w: as_json(trial(w).model_dump(mode="json", by_alias=True)),
        code=code("cadnet.training.run"),
        seed=PARAMS.search.seed,
        weights=lambda w, input: (
            f"--weights {shlex.quote(input.weights[0])}" if input.weights else ""
        ),
        folder=subpath(output.model, parent=True),
    message:
        "try {wildcards.grid}, value {wildcards.index}"
    shell:
        "python -m cadnet.training.run --spec {params.spec:q} --experiment search/{wildcards.grid:q}"
        " --seed {params.seed} --data {input.store:q} {params.weights}"
        " --out {params.folder:q} --log {log:q}"


rule choose:
    input:
        trials("run.json"),
    output:
        table="results/search.csv",
        chosen="results/chosen.json",
    log:
        "logs/choose.log",
    priority: 10
    conda:
        "../../environment.yml"
    params:
        grids=as_json({n: g.model_dump() for n, g in PARAMS.searched().items()}),
        code=code("cadnet.training.search"),
    message:
        "choose hyper-parameters"
    shell:
        "python -m cadnet.training.search --grids {params.grids:q} --trials {input:q}"
        " --table {output.table:q} --chosen {output.chosen:q} --log {log:q}"


onstart:
    if PARAMS.tracking.enabled:
        follow_journals(Path(workflow.basedir))


# Where the pipeline runs: a server on its 127.0.0.1 is not a cluster's node's.
localrules:
    track,


rule track:
    input:
        runs("results/{experiment}/seed{seed}/run.json"),
        trials("run.json"),
    output:
        "results/tracking.json",
    log:
        "logs/track.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.tracking.forward"),
    message:
        "MLflow"
    shell:
        "python -m cadnet.tracking.forward --out {output:q} --log {log:q}"
