"""One small run under git and DVC, on a user's 300W and other faces built-in, made once; tests
clone it or go on from a copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.remotes.repository import DVC, Repository
from tests.workflow.conftest import SOURCES, lay
from tests.workflow.test_dvc import FILES

EXPERIMENTS = ("cadnet", "cadnet_aflw")
"""Two that share nothing but a test set: a change of one shows whether the other is left alone."""
GRIDS = ("rank", "lambda_fer", "lambda_u", "lambda_v", "gamma_drop", "gamma_final")


def settle(project: Repository) -> None:
    """Few experiments, no search, and the epochs where `-S train.epochs=…` looks for them."""
    project.edit("preset: demo", "preset: smoke")
    project.edit("only: []", f"only: {json.dumps(EXPERIMENTS)}")
    for name in GRIDS:
        project.edit(f"    {name}: {{ experiment:", f"    {name}: null # {{")
    project.edit("    train: { epochs: 3 }\n", "")
    project.edit("  epochs: 14\n", "  epochs: 3\n")
    project.edit("  partial: refuse #", "  partial: allow #")


def own_copy(project: Repository) -> None:
    """300W as a user has it: in its official layout under data/raw, versioned; less one picture,
    which lies in his home."""
    project.run("snakemake", "--cores", "2", "--", "data/builtin/300w/SHA256SUMS")
    built, raw = project.folder / "data/builtin/300w", project.folder / "data/raw/300w"
    (built / "SHA256SUMS").unlink()
    built.rename(raw)
    name = sorted((raw / "afw").glob("*.pts"))[-1].stem
    for path in sorted((raw / "afw").glob(f"{name}.*")):
        path.rename(project.home / path.name)
    project.run("dvc", "add", "data/raw/300w")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository after its first `dvc repro`, committed."""
    assert DVC.exists(), "make .venv/remotes/ready"

    parent = tmp_path_factory.mktemp("project")
    (parent / "home").mkdir()
    made = Repository(parent / "project", parent / "home")
    lay(made.folder, [*SOURCES, *FILES])
    settle(made)
    made.run("git", "init", "-q")
    own_copy(made)
    made.commit("sources and data")
    made.run("dvc", "repro")
    made.commit("a run")
    return made


@pytest.fixture
def later(project: Repository, tmp_path: Path) -> Repository:
    """A copy of it, file dates included, which a test may change."""
    shutil.copytree(project.home, tmp_path / "home")
    folder = shutil.copytree(project.folder, tmp_path / "later", symlinks=True)
    return Repository(folder, tmp_path / "home")
