"""From faces to the report, through Snakemake."""

import csv
import json
import os
import shutil
import subprocess

import numpy as np
import pyarrow.parquet as pq
import pytest

from cadnet.data.store import Store
from cadnet.params import load
from tests.conftest import ROOT
from tests.workflow.conftest import jobs, snakemake

EXPERIMENTS = load(ROOT / "params.yaml", {"preset": "smoke"}).experiments
DOWNSTREAM = dict.fromkeys(["track", "score", "tables", "figures", "report", "plots", "all"], 1)


def test_everything_is_there(smoke):
    for name in ("T2", "T4", "T5", "T7", "T12"):
        for kind in ("csv", "md", "tex"):
            assert (smoke / f"reports/tables/{name}.{kind}").stat().st_size > 100
    for name in ("F7", "F8"):
        assert (smoke / f"reports/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (smoke / f"reports/figures/{name}.svg").read_text()
    page = (smoke / "reports/index.html").read_text()
    assert "built-in" in page and "http" not in page.replace("http://www.w3.org", "")
    records = json.loads((smoke / "results/runs.json").read_text())
    assert {r["experiment"] for r in records} == set(EXPERIMENTS)
    assert all(len(r["data_digest"]) == 64 and r["mlflow_run_id"] for r in records)


def test_a_number_of_the_table_leads_back_to_the_predictions(smoke):
    """T2's full-set cell of CAD-Net, recomputed with a plain loop from files before the scores."""
    store = Store(smoke / "data/aligned/300w.arrow")
    truth = dict(zip(store.keys.tolist(), store.landmarks, strict=True))
    part = dict(zip(store.keys.tolist(), store.split, strict=True))
    predictions = pq.read_table(smoke / "results/cadnet/seed0/predictions.parquet").to_pylist()
    errors = []
    for row in predictions:
        if row["dataset"] == "300w" and part[row["key"]] == "test":
            t, p = truth[row["key"]], np.reshape(row["landmarks"], (68, 2))
            distances = [np.hypot(*(p[k] - t[k])) for k in range(68)]
            errors.append(100 * np.mean(distances) / np.hypot(*(t[36] - t[45])))
    assert len(errors) == 32
    with (smoke / "results/scores.csv").open() as file:
        (score,) = [
            float(row["value"])
            for row in csv.DictReader(file)
            if row["experiment"] == "cadnet" and row["dataset"] == "300w"
            and row["subset"] == "full" and row["metric"] == "nrmse_mean_io"
        ]  # fmt: skip
    assert score == pytest.approx(np.mean(errors), rel=1e-5)
    table = (smoke / "reports/tables/T2.md").read_text()
    assert f"{score:.2f}" in table


def test_one_line_a_job(later):
    """Run again what is done: of the jobs' lines one each, and none of Snakemake's own account."""
    shutil.rmtree(later / "reports/tables")
    done = snakemake(later)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line[2:3] == ":" and "/" in line]
    assert [line.split("  ")[2].split(" (")[0] for line in lines] == [
        "tables: 6 tables",
        "report: reports/index.html",
        "all",
    ]
    assert "Finished jobid" not in done.stderr and "Reason" not in done.stderr


def test_a_second_run_has_nothing_to_do(smoke):
    assert jobs(snakemake(smoke)) == {}


def test_one_experiments_rank_reruns_its_jobs_and_the_report(smoke):
    rank = "experiments={cadnet: {model: {llb: {rank: 4}}}}"
    assert jobs(snakemake(smoke, "-n", config=[rank])) == {"train": 1, "predict": 1, **DOWNSTREAM}


def test_a_new_seed_trains_that_seed_alone(smoke):
    n = len(EXPERIMENTS)
    plan = jobs(snakemake(smoke, "-n", config=["seeds=[0, 1]"]))
    assert plan == {"train": n, "predict": n, **DOWNSTREAM}


def test_another_tracking_store_retrains_nothing(smoke):
    assert jobs(snakemake(smoke, "-n", config=["tracking={uri: http://127.0.0.1:9}"])) == {}


def test_another_checkout_and_comments_rerun_nothing_but_an_edit_does(smoke, checkout):
    block = checkout / "cadnet" / "models" / "lowrank.py"
    block.write_text("# A remark.\n" + block.read_text())
    assert jobs(snakemake(smoke, "-n", root=checkout)) == {}
    block.write_text(block.read_text() + "\nOTHER = 1\n")
    n = len(EXPERIMENTS)
    assert jobs(snakemake(smoke, "-n", root=checkout)) == {"train": n, "predict": n, **DOWNSTREAM}
    figures = checkout / "cadnet" / "paper" / "figures.py"
    shutil.copyfile(ROOT / "cadnet/models/lowrank.py", block)
    figures.write_text(figures.read_text() + "\nOTHER = 1\n")
    plan = jobs(snakemake(smoke, "-n", root=checkout))
    assert plan == {"figures": 1, "report": 1, "all": 1}


def test_the_same_seed_gives_the_same_bits(later):
    names = ("model.safetensors", "history.csv", "predictions.parquet")
    first = {name: (later / "results/cadnet/seed0" / name).read_bytes() for name in names}
    for name in names:
        (later / "results/cadnet/seed0" / name).unlink()
    done = snakemake(later, target="results/cadnet/seed0/predictions.parquet")
    assert done.returncode == 0, done.stderr
    for name, content in first.items():
        assert (later / "results/cadnet/seed0" / name).read_bytes() == content, name


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("train={epochs: many}", "train.epochs: "),
        ("trian={epochs: 3}", "trian: unknown key"),
        ("preset=smokey", "preset: unknown preset 'smokey'; there are smoke, demo, paper"),
        ("only=[cadnett]", "only: unknown experiment cadnett; there are resnet18, "),
    ],
)
def test_wrong_parameters_are_refused_before_any_job(tmp_path, config, message):
    done = snakemake(tmp_path, config=[config])
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "data").exists()


def test_an_empty_dataset_folder_is_refused(tmp_path):
    (tmp_path / "data/raw/300w").mkdir(parents=True)
    done = snakemake(tmp_path)
    assert done.returncode == 1
    assert "data/raw/300w: is an empty folder; put 300w there" in done.stderr


@pytest.mark.parametrize("place", [".", "results"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    """As a read-only disk: only a mount stops root, who runs the tests in many a container."""
    folder = tmp_path / place
    folder.mkdir(exist_ok=True)
    folder.chmod(0o555)
    if os.access(folder, os.W_OK):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], check=False)
        if mounted.returncode:
            pytest.skip("permissions do not bind this user, who may not mount either")
    try:
        done = snakemake(tmp_path)
    finally:
        if os.path.ismount(folder):
            subprocess.run(["umount", folder], check=True)
        folder.chmod(0o755)
    assert done.returncode == 1
    assert f"{folder}: cannot be written; change its permissions" in done.stderr
    assert "Traceback" not in done.stderr


def test_partial_data_is_refused_then_allowed_and_reported(smoke, tmp_path):
    """AFW alone, a first download: trained on, a part held out, the rest said to be missing."""
    raw = tmp_path / "raw" / "300w"
    shutil.copytree(smoke / "data/builtin/300w/afw", raw / "afw")
    only = ["only=[cadnet]", "experiments={cadnet: {test_on: [300w]}}"]
    refused = snakemake(tmp_path, config=[f"data={{raw: {raw.parent}}}", *only])
    assert refused.returncode == 1
    assert "afw/ (12 of 337 faces)" in refused.stderr and "ibug/ (0 of 135 faces)" in refused.stderr
    allowed = snakemake(tmp_path, config=[f"data={{raw: {raw.parent}, partial: allow}}", *only])
    assert allowed.returncode == 0, allowed.stderr
    assert "300w: official, 10 train, 2 validation; 6 missing or skipped" in allowed.stderr
    page = (tmp_path / "reports/index.html").read_text()
    assert "not available: ibug/ not present" in page
    data = json.loads((tmp_path / "results/data.json").read_text())["300w"]
    assert data["origin"] == "official" and data["partial"]
    assert data["subsets"] == {"validation": 2} and data["train"] == 10
    with (tmp_path / "results/scores.csv").open() as file:
        assert {row["subset"].split(":")[0] for row in csv.DictReader(file)} == {"validation"}
