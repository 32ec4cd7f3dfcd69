# Raw faces, the user's, fetched or built-in, into aligned stores.


localrules:
    fetch,  # a cluster's nodes often reach no network


rule fetch:
    input:
        fetched_beside,
    output:
        "data/fetched/{dataset}/SHA256SUMS",
    log:
        "logs/fetch/{dataset}.log",
    # A try goes on where the last one stopped.
    retries: 2
    conda:
        "../../environment.yml"
    params:
        # No digest of the code: what comes is fixed by the archives' own, and may be large.
        spec=lambda w: as_json(origin.fetch_spec(w.dataset)),
        folder=subpath(output[0], parent=True),
    message:
        "fetch {wildcards.dataset}"
    shell:
        "python -m cadnet.data.fetch --spec {params.spec:q} --out {params.folder:q} --log {log:q}"


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
        manifest,
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
