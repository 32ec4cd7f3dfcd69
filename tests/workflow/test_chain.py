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
from cadnet.paper import declarations, typeset
from tests.conftest import ROOT
from tests.workflow.conftest import EXPERIMENTS, FEW, TRIALS, jobs, snakemake

OUTPUTS = declarations.outputs()
REPORT = ["report", "paper", "records", *(["pdf"] if typeset.program() else [])]
QUANTISED = "cadnet_int8"
ONCE = dict.fromkeys(["track", "collect", *REPORT, "plots", "all"], 1)


def made_from(group, *experiments):
    """How many of the tables or figures read some experiments' scores."""
    declared = getattr(declarations.declared(), group).values()
    return sum(
        item.needs_all() or bool({*item.needed_experiments()} & {*experiments}) for item in declared
    )


def downstream(*experiments):
    """The jobs after training these experiments again."""
    shown = [f.examples.experiment for f in declarations.declared().figures.values() if f.examples]
    examples = sum(name in experiments for name in shown)
    figures = {
        name
        for name, figure in declarations.declared().figures.items()
        if {*figure.needed_experiments()} & {*experiments}
        or (figure.examples and figure.examples.experiment in experiments)
    }
    quantised = {"quantise": 1, "costs": 1} if "cadnet" in experiments else {}
    return {
        **dict.fromkeys(["train", "predict"], len(experiments)),
        "score": len(experiments) + bool(quantised),
        **quantised,
        "table": made_from("tables", *experiments),
        "figure": len(figures),
        "examples": examples,
        **ONCE,
    }


def test_everything_is_there(smoke):
    for name in OUTPUTS["tables"]:
        for kind in ("csv", "md", "tex"):
            assert (smoke / f"reports/tables/{name}.{kind}").stat().st_size > 100
    for name in OUTPUTS["figures"]:
        assert (smoke / f"reports/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (smoke / f"reports/figures/{name}.svg").read_text()
    page = (smoke / "reports/index.html").read_text()
    assert "built-in" in page
    records = json.loads((smoke / "results/runs.json").read_text())
    assert {r["experiment"] for r in records} == {*EXPERIMENTS, QUANTISED}
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
    for path in later.glob("reports/tables/T1[23].*"):
        path.unlink()
    done = snakemake(later)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line[2:3] == ":" and "/" in line]
    names = [line.split("  ")[2].split(" (")[0].split(":")[0] for line in lines]
    assert sorted(names[:2]) == ["table T12", "table T13"]
    assert names[-1] == "all" and len(names) == 3 + len(REPORT)
    assert "Finished jobid" not in done.stderr and "Reason" not in done.stderr


def test_a_second_run_has_nothing_to_do(smoke):
    assert jobs(snakemake(smoke)) == {}


def test_one_changed_experiment_reruns_its_jobs_and_what_shows_it(smoke):
    epochs = "experiments={resnet18: {train: {epochs: 2}}}"
    assert jobs(snakemake(smoke, "-n", config=[*FEW, epochs])) == downstream("resnet18")


def test_another_rank_is_searched_around_anew(smoke):
    rank = "experiments={cadnet: {model: {llb: {rank: 4}}}}"
    searched = {"trial": TRIALS, "choose": 1}
    plan = jobs(snakemake(smoke, "-n", config=[*FEW, rank]))
    expected = {**downstream("cadnet"), **searched}
    assert {**plan, "table": 0, "figure": 0} == {**expected, "table": 0, "figure": 0}


def test_a_new_seed_trains_that_seed_alone(smoke):
    plan = jobs(snakemake(smoke, "-n", config=[*FEW, "seeds=[0, 1]"]))
    assert {rule: plan[rule] for rule in ("train", "predict", "score")} == {
        "train": 2, "predict": 2, "score": 3,
    }  # fmt: skip
    assert plan["quantise"] == 1
    assert "trial" not in plan and "align" not in plan and "measure" not in plan


def test_another_tracking_store_retrains_nothing(smoke):
    assert jobs(snakemake(smoke, "-n", config=[*FEW, "tracking={uri: http://127.0.0.1:9}"])) == {}


def test_another_checkout_and_comments_rerun_nothing_but_an_edit_does(smoke, checkout):
    block = checkout / "cadnet" / "models" / "lowrank.py"
    block.write_text("# A remark.\n" + block.read_text())
    assert jobs(snakemake(smoke, "-n", root=checkout)) == {}
    block.write_text(block.read_text() + "\nOTHER = 1\n")
    plan = jobs(snakemake(smoke, "-n", root=checkout))
    assert (plan["train"], plan["predict"], plan["trial"]) == (2, 2, TRIALS)
    assert "builtin" not in plan and "align" not in plan
    shutil.copyfile(ROOT / "cadnet/models/lowrank.py", block)
    curves = checkout / "cadnet" / "paper" / "drawing" / "ced.py"
    curves.write_text(curves.read_text() + "\nOTHER = 1\n")
    plan = jobs(snakemake(smoke, "-n", root=checkout))
    assert set(plan) == {"figure", "report", "all"} | {*REPORT} - {"paper"}


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


@pytest.mark.parametrize("place", [".", "results", "data/aligned"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    """As a read-only disk: only a mount stops root, who runs the tests in many a container."""
    folder = tmp_path / place
    folder.mkdir(exist_ok=True, parents=True)
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
    one = "only=[resnet18]", "experiments={resnet18: {test_on: [300w]}}"
    table = "reports/tables/T2.md"
    refused = snakemake(tmp_path, config=[f"data={{raw: {raw.parent}}}", *one], target=table)
    assert refused.returncode == 1
    assert "afw/ (12 of 337 faces)" in refused.stderr and "ibug/ (0 of 135 faces)" in refused.stderr
    allow = f"data={{raw: {raw.parent}, partial: allow}}"
    allowed = snakemake(tmp_path, config=[allow, *one], target=table)
    assert allowed.returncode == 0, allowed.stderr
    assert "300w: official, 10 train, 2 validation; 6 missing or skipped" in allowed.stderr
    assert "ibug/ not present" in (tmp_path / table).read_text()
    data = json.loads((tmp_path / "data/aligned/300w.json").read_text())
    assert data["origin"] == "official" and "afw/ (12 of 337 faces)" in data["missing"]
    with (tmp_path / "results/resnet18/scores.csv").open() as file:
        assert {row["subset"].split(":")[0] for row in csv.DictReader(file)} == {"validation"}
