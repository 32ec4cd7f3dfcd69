import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cadnet.data.align import align
from cadnet.data.store import Store
from cadnet.data.synthetic.write_expressions import write_affectnet
from cadnet.evaluation.collect import means
from cadnet.evaluation.score import main
from tests.data.test_align import spec


@pytest.fixture
def scored(small_300w, tmp_path, capsys):
    """A dataset, and a run whose every landmark is off by (3, 4) px of the crop."""
    root, counts = small_300w
    flags = {"ibug/image_0000": 40, "ibug/image_0001": 20, "ibug/image_0002": 0}
    rows = ["key," + ",".join(map(str, range(68)))]
    rows += [",".join([key, *["1"] * n, *["0"] * (68 - n)]) for key, n in flags.items()]
    (root / "occlusion.csv").write_text("\n".join(rows) + "\n")
    data = tmp_path / "300w.arrow"
    align(root, data, spec(counts))
    store = Store(data)
    chosen = np.flatnonzero(store.split != "train")
    predicted = store.landmarks[chosen] + np.array([3, 4], np.float32)
    run = tmp_path / "results" / "cadnet" / "seed0"
    run.mkdir(parents=True)
    table = pa.table(
        {
            "dataset": ["300w"] * len(chosen),
            "key": store.keys[chosen].tolist(),
            "landmarks": list(predicted.reshape(len(chosen), -1)),
            "expression": pa.nulls(len(chosen), pa.list_(pa.float32())),
            "masks": list(np.tile(np.float32([60, 50, 40]), (len(chosen), 1))),
        }
    ).replace_schema_metadata({"scheme": "ibug68"})
    pq.write_table(table, run / "predictions.parquet")
    record = {
        "experiment": "cadnet", "seed": 0, "train_on": "300w", "parameters": {"test_on": ["300w"]},
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(record))
    arguments = ["--runs", str(run / "run.json"), "--data", str(data), "--mild", "0.2"]
    arguments += ["--moderate", "0.4", "--out", str(tmp_path / "out")]

    def score():
        code = main(arguments)
        return code, capsys.readouterr().err

    return store, run, score, tmp_path / "out"


def value(scores, subset, metric="nrmse_mean_io", experiment="cadnet"):
    (found,) = scores[
        (scores.subset == subset) & (scores.metric == metric) & (scores.experiment == experiment)
    ]["value"]
    return found


def test_scores_are_the_naive_loops(scored):
    store, _, score, out = scored
    assert score()[0] == 0
    scores = pd.read_csv(out / "scores.csv")
    for subset in ("common", "challenging", "validation"):
        expected = []
        for row in np.flatnonzero(store.subset == subset):
            eyes = store.landmarks[row, 36].astype(float) - store.landmarks[row, 45]
            expected.append(100 * 5 / np.hypot(*eyes))
        assert value(scores, subset) == pytest.approx(np.mean(expected), rel=1e-5)
    counts = {s: (store.subset == s).sum() for s in ("common", "challenging")}
    weighted = sum(n * value(scores, s) for s, n in counts.items()) / sum(counts.values())
    assert value(scores, "full") == pytest.approx(weighted)


def test_strata_are_by_the_share_of_occluded_landmarks(scored):
    _, _, score, out = scored
    score()
    scores = pd.read_csv(out / "scores.csv")
    errors = pd.read_parquet(out / "errors.parquet").query("experiment == 'cadnet'")
    by_key = errors.set_index("key")["error"]
    for stratum, key in (("heavy", 0), ("moderate", 1), ("mild", 2)):
        expected = by_key[f"ibug/image_000{key}"]
        assert value(scores, f"challenging:{stratum}") == pytest.approx(expected)
    assert not scores.subset.str.startswith("common:").any()


def test_the_mean_shape_is_scored_beside_the_models(scored):
    store, _, score, out = scored
    score()
    scores = pd.read_csv(out / "scores.csv")
    mean = store.landmarks[store.split == "train"].mean(axis=0)
    rows = np.flatnonzero(store.subset == "challenging")
    distance = np.linalg.norm(store.landmarks[rows] - mean, axis=-1).mean(axis=1)
    eyes = np.linalg.norm(store.landmarks[rows, 36] - store.landmarks[rows, 45], axis=-1)
    expected = 100 * (distance / eyes).mean()
    found = value(scores, "challenging", experiment="mean_shape")
    assert found == pytest.approx(expected, rel=1e-5)


def test_scoring_twice_is_the_same_bytes(scored):
    _, _, score, out = scored
    score()
    first = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    score()
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first


def test_predictions_of_other_faces_or_cut_off_are_refused(scored):
    _, run, score, out = scored
    path = run / "predictions.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    code, message = score()
    assert code == 1
    assert str(path) in message
    assert "other faces" in message
    path.write_bytes(b"PAR1" + b"x" * 50)
    code, message = score()
    assert code == 1
    assert str(path) in message
    assert not (out / "scores.csv").exists()


def test_regions_and_points_make_up_the_whole(scored):
    """Means over regions, weighted by their points, and means over points are the whole error."""
    _, _, score, out = scored
    score()
    scores = pd.read_csv(out / "scores.csv")
    sizes = {"jaw": 17, "brows": 10, "nose": 9, "eyes": 12, "mouth": 20}
    for subset in ("common", "challenging", "full"):
        regions = {name: value(scores, subset, f"nrmse_{name}_io") for name in sizes}
        whole = sum(regions[name] * n for name, n in sizes.items()) / 68
        assert value(scores, subset) == pytest.approx(whole, rel=1e-6)
        points = pd.read_csv(out / "landmarks.csv").query("subset == @subset")
        assert len(points) == 68
        assert points["error"].mean() == pytest.approx(whole, rel=1e-5)


def test_masks_are_means_over_faces(scored):
    _, _, score, out = scored
    score()
    scores = pd.read_csv(out / "scores.csv")
    names = ("mask_drop_sparsity", "mask_final_sparsity", "mask_coverage")
    assert [value(scores, "full", name) for name in names] == [60, 50, 40]


def test_expressions_are_scored_beside_the_most_frequent_one(tmp_path, capsys):
    """A model that takes every face of AffectNet's stand-in for happy, but the first for sad."""
    counts = {"train": 30, "validation": 16}
    write_affectnet(tmp_path / "raw", counts=counts, seed=0, size=96)
    align(tmp_path / "raw", tmp_path / "a.arrow", spec(counts) | {"dataset": "affectnet"})
    store = Store(tmp_path / "a.arrow")
    rows = np.flatnonzero(store.split != "train")
    logits = np.eye(8, dtype=np.float32)[[2] + [1] * (len(rows) - 1)]
    table = pa.table(
        {
            "dataset": ["affectnet"] * len(rows),
            "key": store.keys[rows].tolist(),
            "landmarks": pa.nulls(len(rows), pa.list_(pa.float32())),
            "expression": list(logits),
            "masks": pa.nulls(len(rows), pa.list_(pa.float32())),
        }
    ).replace_schema_metadata({"scheme": "ibug68"})
    run = tmp_path / "results/fer/seed0"
    run.mkdir(parents=True)
    pq.write_table(table, run / "predictions.parquet")
    record = {"experiment": "fer", "seed": 0, "train_on": "affectnet"}
    record["parameters"] = {"test_on": ["affectnet"]}
    (run / "run.json").write_text(json.dumps(record))
    arguments = ["--runs", str(run / "run.json"), "--data", str(tmp_path / "a.arrow")]
    arguments += ["--mild", "0.2", "--moderate", "0.4", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0, capsys.readouterr().err
    scores = pd.read_csv(tmp_path / "out/scores.csv")
    test = rows[store.split[rows] == "test"]
    truth, said = store.expression[test], logits[np.isin(rows, test)].argmax(1)
    right = sum(int(a == b) for a, b in zip(truth, said, strict=True))
    (subset,) = set(store.subset[test])
    assert value(scores, subset, "accuracy", "fer") == pytest.approx(100 * right / len(test))
    common = np.bincount(store.expression[store.split == "train"]).argmax()
    trivial = value(scores, subset, "accuracy", "majority")
    assert trivial == pytest.approx(100 * np.mean(truth == common))
    assert not scores["metric"].str.startswith("nrmse").any()
    seen = pd.read_parquet(tmp_path / "out/expressions.parquet")
    assert len(seen[seen["experiment"] == "fer"]) == len(rows)
    assert means(scores)["fer"]["affectnet/validation/accuracy"] is not None
