"""DVC around the DAG: what is versioned comes back whole, and a changed parameter retrains."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.conftest import BIN, EXPERIMENTS, NOT_SEARCHED

FILES = ["dvc.yaml", ".dvcignore", ".gitignore", "data/raw/README.md", ".dvc/config"]


def run(folder: Path, *command: str) -> str:
    """A command that must go well; what it printed."""
    names = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER")
             for what in ("NAME", "EMAIL")}  # fmt: skip
    environment = {**os.environ, **names, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=600, env=environment
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", message)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))


@pytest.fixture
def published(checkout, smoke, tmp_path):
    """A repository with the run of two experiments in it, pushed to a store."""
    for name in FILES:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, checkout / name)
    replace(checkout / "params.yaml", "preset: demo", "preset: smoke")
    replace(checkout / "params.yaml", "only: []", f"only: {json.dumps(EXPERIMENTS)}")
    for name in NOT_SEARCHED:
        replace(checkout / "params.yaml", f"    {name}: {{ experiment:", f"    {name}: null # {{")
    for made in ("data", "results", "reports", ".snakemake"):
        shutil.copytree(smoke / made, checkout / made, dirs_exist_ok=True)
    run(checkout, "git", "init", "-q")
    run(checkout, "dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    commit(checkout, "sources")
    assert "Nothing to be done" in run(checkout, "dvc", "repro")
    commit(checkout, "a run")
    run(checkout, "dvc", "push")
    return checkout


def test_a_fresh_clone_with_pulled_results_retrains_what_changed(published, tmp_path):
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", str(published), str(clone))
    run(clone, "dvc", "pull")
    assert "up to date" in run(clone, "dvc", "status")
    models = {name: clone / f"results/{name}/seed0/model.safetensors" for name in EXPERIMENTS}
    before = {name: path.read_bytes() for name, path in models.items()}
    assert "Nothing to be done" in run(clone, "snakemake", "--cores", "2", "-n", "--", "all")

    old = "title: ResNet-18 (unified), "
    replace(clone / "params.yaml", old, f"{old}train: {{ batch_size: 8 }}, ")
    printed = run(clone, "dvc", "repro")
    assert "train resnet18, seed 0" in printed and "train cadnet" not in printed
    assert models["resnet18"].read_bytes() != before["resnet18"]
    assert models["cadnet"].read_bytes() == before["cadnet"]
    record = json.loads((clone / "results/resnet18/seed0/run.json").read_text())
    assert record["parameters"]["train"]["batch_size"] == 8

    changed = json.loads(run(clone, "dvc", "metrics", "diff", "--json"))
    metrics = changed["diff"]["results/metrics.json"] if "diff" in changed else changed
    assert "resnet18" in json.dumps(metrics) and "cadnet" not in json.dumps(metrics)
    run(clone, "dvc", "plots", "diff")
    page = (clone / "dvc_plots/index.html").read_text()
    assert "curves/resnet18.csv" in page and "<script src" not in page
    assert "Stage 'paper' didn't change" in run(clone, "dvc", "repro")


def test_ones_own_data_is_seen_once_it_is_added(tmp_path):
    """What .gitignore says of data/raw hides neither the folder from DVC nor the .dvc file."""
    for name in (".gitignore", ".dvcignore", ".dvc/config", "data/raw/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    face = tmp_path / "data/raw/300w/afw/1_1.pts"
    face.parent.mkdir(parents=True)
    face.write_text("1")
    run(tmp_path, "git", "init", "-q")
    run(tmp_path, "dvc", "add", "data/raw/300w")
    run(tmp_path, "git", "add", "-A")
    listed = run(tmp_path, "git", "ls-files", "data").split()
    assert listed == ["data/raw/300w.dvc", "data/raw/README.md"]
    assert "up to date" in run(tmp_path, "dvc", "status")
    face.write_text("2")
    assert "data/raw/300w" in run(tmp_path, "dvc", "status")
