# Models in 8 bits, scored as any, and what smaller models cost (table E1). Those with fewer channels
# or of lower rank are experiments like others: see `compress` in params.yaml.


rule quantise:
    input:
        model=lambda w: f"results/{QUANTISED[w.quantised]}/seed{w.seed}/model.safetensors",
        run=lambda w: f"results/{QUANTISED[w.quantised]}/seed{w.seed}/run.json",
        train=lambda w: f"data/aligned/{EXPERIMENTS[QUANTISED[w.quantised]].train_on}.arrow",
        stores=lambda w: expand(
            "data/aligned/{dataset}.arrow",
            dataset=EXPERIMENTS[QUANTISED[w.quantised]].test_on,
        ),
    output:
        model="results/{quantised}/seed{seed}/model.onnx",
        predictions="results/{quantised}/seed{seed}/predictions.parquet",
        record="results/{quantised}/seed{seed}/run.json",
    log:
        "logs/quantise/{quantised}/seed{seed}.log",
    conda:
        "../../environment.yml"
    params:
        code=code("cadnet.export.int8"),
        calibration=PARAMS.int8.calibration,
        folder=subpath(output.model, parent=True),
    message:
        "quantise {wildcards.quantised}, seed {wildcards.seed}"
    shell:
        "python -m cadnet.export.int8 --run {input.run:q} --name {wildcards.quantised:q}"
        " --train {input.train:q} --data {input.stores:q} --calibration {params.calibration}"
        " --out {params.folder:q} --log {log:q}"


rule costs:
    input:
        models=compared(EXPERIMENTS, "model.safetensors"),
        int8=compared(QUANTISED, "model.onnx"),
    output:
        "results/compression.csv",
    log:
        "logs/costs.log",
    retries: 1
    conda:
        "../../environment.yml"
    # As `measure`: nothing else runs beside it, and a profile may say a number.
    threads: lambda w: workflow.cores
    params:
        code=code("cadnet.export.costs"),
        seconds=PARAMS.efficiency.seconds,
    message:
        "measure what smaller models cost"
    shell:
        "python -m cadnet.export.costs --models {input.models:q} --int8 {input.int8:q}"
        " --seconds {params.seconds} --out {output:q} --log {log:q}"
