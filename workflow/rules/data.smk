# Raw faces, the user's or built-in, into aligned stores.


rule builtin:
    output:
        "data/builtin/{dataset}/SHA256SUMS",
    log:
        "logs/builtin/{dataset}.log",
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: as_json(origin.builtin_spec(PARAMS.data, w.dataset)),
        code=code("cadnet.data.synthetic.generate"),
        folder=subpath(output[0], parent=True),
    message:
        "built-in faces, {wildcards.dataset}"
    shell:
        "python -m cadnet.data.synthetic.generate --spec {params.spec:q} --out {params.folder:q}"
        " --log {log:q}"


rule align:
    input:
        builtin_manifest,
    output:
        store="data/aligned/{dataset}.arrow",
        about="data/aligned/{dataset}.json",
    log:
        "logs/align/{dataset}.log",
    conda:
        "../../environment.yml"
    params:
        # For official files the spec holds their digest: a changed file realigns, a moved one not.
        spec=lambda w: as_json(
            origin.align_spec(PARAMS.data, w.dataset, ORIGINS[w.dataset])
        ),
        root=lambda w: str(ORIGINS[w.dataset].root),
        code=lambda w: code("cadnet.data.align", SOURCE_MODULES[w.dataset]),
    message:
        "align {wildcards.dataset}"
    shell:
        "python -m cadnet.data.align --spec {params.spec:q} --root {params.root:q}"
        " --out {output.store:q} --log {log:q}"
