"""Results whose truth is known, and claims about them."""

import numpy as np
import pandas as pd

from cadnet.paper.claims import verdicts
from cadnet.paper.claims.schema import Claim

LANDMARKS = {
    "300w": ["resnet18", "cadnet", "adb_llb", "dgb_llb", "dgb_adb", "cadnet_rank16",
             "cadnet_rank32", "cadnet_rank64", "cadnet_non_local", "cadnet_spatial", "cadnet_plus",
             "resnet18_plus", "cadnet_resnet34", "cadnet_resnet50", "resnet34", "resnet50",
             "heatmap", "transformer", "odn", "oadn", "adodn"],
    "cofw": ["resnet18_cofw", "cadnet_cofw", "adb_llb_cofw", "dgb_llb_cofw", "dgb_adb_cofw"],
    "aflw": ["cadnet_aflw", "cadnet_plus_aflw"],
    "300vw": ["cadnet_300vw", "cadnet_plus_300vw", "cadnet_2d_300vw"],
}  # fmt: skip
FER = ["cadnet_fer", "resnet18_fer_only", "resnet18_fer", "adb_llb_fer", "dgb_llb_fer",
       "dgb_adb_fer"]  # fmt: skip
SUBSETS = {
    "300w": ["common", "challenging", "validation"], "cofw": ["test", "validation"],
    "aflw": ["frontal", "profile"], "300vw": ["category1", "category2", "category3"],
    "affectnet": ["test", "validation"], "ckplus": ["test"], "jaffe": ["test"], "ised": ["test"],
}  # fmt: skip
OCCLUSION = {"mild": 0.2, "moderate": 0.4}
NOTHING = pd.DataFrame()
SCORES = ["experiment", "seed", "train_on", "dataset", "subset", "metric", "value", "images"]
BETTER = {"a": "cadnet", "b": "resnet18", "at": "300w/challenging"}


def about(name, **changes):
    return {"origin": "built-in", "partial": False, "subsets": dict.fromkeys(SUBSETS[name], 9),
            **changes}  # fmt: skip


def error_rows(experiment, dataset, subset, values, seed=0, train_on=None, occluded=0.0, keys=None):
    """errors.parquet's rows of one run on one subset."""
    names = keys or [f"{subset}/{i:04d}" for i in range(len(values))]
    return pd.DataFrame(
        {
            "experiment": experiment, "seed": seed, "train_on": train_on or dataset,
            "dataset": dataset, "subset": subset, "key": names, "occluded": occluded,
            "error": values,
        }
    )  # fmt: skip


def runs(rng, means, n=60, seeds=3, dataset="300w", subset="challenging", noise=0.5, **more):
    """Experiments with these mean errors on the same images of differing difficulty."""
    face = rng.gamma(4, 0.5, n)
    return pd.concat(
        error_rows(name, dataset, subset, mean + face + rng.normal(0, noise, n), seed, **more)
        for name, mean in means.items()
        for seed in range(seeds)
    )


def claim(**test):
    return Claim.model_validate({"id": "x", "where": "here", "claim": "words", "test": test})


def ask(*listed, errors=NOTHING, expressions=NOTHING, scores=None, data=None, measurements=NOTHING):
    known = {name: about(name) for name in SUBSETS} if data is None else data
    table = pd.DataFrame(columns=SCORES) if scores is None else scores
    return verdicts(
        errors, expressions, table, known,
        measurements=measurements, occlusion=OCCLUSION, of=listed,
    )  # fmt: skip


def labels(experiment, right, truth, seed=0, dataset="jaffe", train_on="affectnet", keys=None):
    """expressions.parquet's rows: right ones and wrong ones."""
    truth = np.asarray(truth)
    names = keys or [f"{i:04d}" for i in range(len(truth))]
    return pd.DataFrame(
        {
            "experiment": experiment, "seed": seed, "train_on": train_on, "dataset": dataset,
            "subset": "test", "key": names, "truth": truth,
            "predicted": np.where(right, truth, (truth + 1) % 8),
        }
    )  # fmt: skip


def score_rows(metric, values, dataset="300vw", subsets=("category1",)):
    return pd.DataFrame(
        [
            (name, seed, dataset, dataset, subset, metric, value, 9)
            for name, row in values.items()
            for seed, value in enumerate(row)
            for subset in subsets
        ],
        columns=SCORES,
    )


def fer_scores(slope, names=FER, seeds=3):
    rng = np.random.default_rng(17)
    rows = []
    for i, name in enumerate(names):
        for seed in range(seeds):
            error = 5 + i + rng.normal(0, 0.1)
            accuracy = 60 + slope * error + rng.normal(0, 0.3)
            base = (name, seed, "affectnet", "affectnet", "validation")
            rows += [(*base, "nrmse_mean_io", error, 9), (*base, "accuracy", accuracy, 9)]
    return pd.DataFrame(rows, columns=SCORES)


def measured(**values):
    rows = [(name, device, metric, value) for name, costs in values.items()
            for device, metric, value in costs]  # fmt: skip
    return pd.DataFrame(rows, columns=["architecture", "device", "metric", "value"])


def everything(n):
    """Results of every experiment: all errors, expressions and scores."""
    rng = np.random.default_rng(21)
    tested = {"300w": ("300w", "cofw", "aflw"), "cofw": ("300w", "cofw"), "aflw": ("aflw",),
              "300vw": ("300vw",)}  # fmt: skip
    parts = []
    for dataset, subset in ((d, s) for d in ("300w", "cofw", "aflw", "300vw") for s in SUBSETS[d]):
        names = [(x, t) for t, xs in LANDMARKS.items() if dataset in tested[t] for x in xs]
        keys = [f"{i // 30:03d}/{i:06d}" for i in range(n)] if dataset == "300vw" else None
        face, share = rng.gamma(4, 0.5, n), rng.uniform(size=n)
        for i, (name, train_on) in enumerate(names):
            for seed in range(3):
                values = 2 + 0.02 * i + face + rng.normal(0, 0.5, n)
                parts.append(error_rows(name, dataset, subset, values, seed, train_on, share, keys))
    truth = rng.integers(0, 7, n)
    seen = [
        labels(name, rng.uniform(size=n) < 0.6, truth, seed, dataset)
        for name in FER
        for dataset in ("ckplus", "jaffe", "ised")
        for seed in range(3)
    ]
    return pd.concat(parts), pd.concat(seen), fer_scores(-1)
