"""All experiments' scores in one table."""

import json

import pandas as pd
import pytest

from cadnet.evaluation.collect import main, means, together

COLUMNS = ["experiment", "seed", "train_on", "dataset", "subset", "metric", "value", "images"]


def scores(name):
    rows = [
        (name, seed, "300w", "300w", "full", metric, value + seed, 5)
        for seed in (0, 1)
        for metric, value in (("nrmse_mean_io", 4.0), ("auc_008", 0.5))
    ]
    rows.append(("mean_shape", 0, "300w", "300w", "full", "nrmse_mean_io", 20.0, 5))
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def results(tmp_path):
    for name in ("a", "b"):
        folder = tmp_path / name / "seed0"
        folder.mkdir(parents=True)
        scores(name).to_csv(folder.parent / "scores.csv", index=False)
        for table in ("errors", "expressions"):
            pd.DataFrame({"experiment": [name]}).to_parquet(folder.parent / f"{table}.parquet")
        (folder / "run.json").write_text(json.dumps({"experiment": name, "seed": 0}))
    about = {"dataset": "300w", "origin": "built-in", "missing": [], "digest": "d",
             "subsets": {"train": 9, "full": 5}, "counts": {}, "occlusion_labels": {"ibug": 3},
             "expressions": {}, "subjects": 0, "shared_subjects": 0}  # fmt: skip
    (tmp_path / "300w.json").write_text(json.dumps(about))
    (tmp_path / "tracking.json").write_text(json.dumps({"runs": {"a/seed0": "id"}}))
    return tmp_path


def arguments(results):
    return [
        "--runs", *(str(results / f"{n}/seed0/run.json") for n in ("a", "b")),
        "--scores", *(str(results / f"{n}/scores.csv") for n in ("a", "b")),
        "--data", str(results / "300w.json"), "--tracking", str(results / "tracking.json"),
        "--out", str(results / "out"),
    ]  # fmt: skip


def test_the_trivial_predictor_is_there_once_and_runs_know_their_mlflow_run(results):
    assert main(arguments(results)) == 0
    table = pd.read_csv(results / "out/scores.csv")
    assert len(table) == 9 and (table["experiment"] == "mean_shape").sum() == 1
    runs = json.loads((results / "out/runs.json").read_text())
    assert [run["mlflow_run_id"] for run in runs] == ["id", None]
    data = json.loads((results / "out/data.json").read_text())["300w"]
    assert data["train"] == 9 and data["subsets"] == {"full": 5} and data["occlusion_labels"]
    assert len(pd.read_parquet(results / "out/errors.parquet")) == 2


def test_means_are_over_seeds_without_the_trivial_predictor():
    assert means(scores("a")) == {"a": {"300w/full": 4.5}}


def test_a_file_that_is_cut_off_is_named(results, capsys):
    (results / "b/errors.parquet").write_bytes(b"PAR1")
    assert main(arguments(results)) == 1
    assert str(results / "b/errors.parquet") in capsys.readouterr().err


def test_tables_of_one_kind_only():
    with pytest.raises(ValueError, match="No objects"):
        together([])
