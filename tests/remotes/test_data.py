"""Official data under DVC: it travels with the results; one more picture reruns what reads it."""

from __future__ import annotations

import shutil

import pytest

from tests.remotes.expected import only, reads, showing, trained
from tests.remotes.repository import Repository, ran, titles

pytestmark = pytest.mark.remotes


def after_300w() -> dict[str, int]:
    """The jobs after another 300W: its alignment, CAD-Net's, and what tells of the dataset."""
    read = reads("cadnet")
    told = showing(lambda item: read(item) or "300w" in item.needed_datasets())
    return only({"align": 1, **trained("cadnet"), **told})


def test_what_git_and_what_dvc_keep(project: Repository):
    versioned = project.run("git", "ls-files", "data", "results", "reports").split()
    assert versioned == ["data/raw/300w.dvc", "data/raw/README.md"]
    assert "data/raw/300w/" not in project.run("git", "status", "--porcelain", "-uall")
    kept = project.run("dvc", "ls", "--dvc-only", "-R", ".")
    for name in ("data/raw/300w/afw/", "data/builtin/cofw/", "results/metrics.json"):
        assert name in kept


def test_one_more_picture_reruns_what_reads_it(later: Repository):
    model = later.folder / "results/cadnet_aflw/seed0/model.safetensors"
    before = model.read_bytes()
    added = [path for path in later.home.iterdir() if path.suffix in (".pts", ".jpg", ".png")]
    assert len(added) == 2
    for path in added:
        shutil.copy(path, later.folder / "data/raw/300w/afw")
    assert "data/raw/300w" in later.run("dvc", "status")
    printed = later.run("dvc", "repro")
    assert ran(printed) == after_300w()
    assert titles(printed)["align 300w"] == titles(printed)["train cadnet, seed 0"] == 1
    assert model.read_bytes() == before
    assert " M data/raw/300w.dvc" in later.run("git", "status", "--porcelain")
    assert ran(later.run("dvc", "repro")) == {}
