"""The smoke preset of two experiments once through the real DAG; tests look at it, or go on from a
copy of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
EXPERIMENTS = ("resnet18", "cadnet")
NOT_SEARCHED = ("rank", "lambda_u", "lambda_v", "gamma_final")
FEW = (
    f"only=[{', '.join(EXPERIMENTS)}]",
    f"search={{grids: {{{', '.join(f'{name}: null' for name in NOT_SEARCHED)}}}}}",
)
"""Two experiments and one hyper-parameter's trials: the whole preset is .ci/run's."""
TRIALS = 3
SOURCES = ["Snakefile", "workflow", "profiles", "params.yaml", "cadnet", "environment.yml",
           "CITATION.cff", "pyproject.toml", "requirements"]  # fmt: skip


def snakemake(
    folder: Path,
    *arguments: str,
    root: Path = ROOT,
    config: Sequence[str] = FEW,
    target: str = "all",
) -> subprocess.CompletedProcess[str]:
    """`snakemake … -- target` in a working directory, as a user types it."""
    return subprocess.run(
        [
            *(str(BIN / "snakemake"), "--cores", "2", "--directory", str(folder), *arguments),
            *("--config", "preset=smoke", *config, "--", target),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=600,
        env={key: value for key, value in os.environ.items() if not key.startswith("MLFLOW")},
    )


def jobs(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """How many jobs of each rule a run plans, from its table."""
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout + done.stderr
    if "Nothing to be done" in text:
        return {}
    lines = text[text.index("Job stats:") :].splitlines()[3:]
    table = lines[: next(i for i, line in enumerate(lines) if line.startswith("total"))]
    return {rule: int(count) for rule, count in (line.split() for line in table)}


def lay(root: Path, names: Sequence[str] = SOURCES) -> Path:
    """The project's sources in a folder, as git would lay them: with today's dates."""
    for name in names:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, target, ignore=ignore, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, target)
    return root


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory after the smoke preset of two experiments."""
    folder = tmp_path_factory.mktemp("smoke")
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def later(smoke: Path, tmp_path: Path) -> Path:
    """A copy of that directory, file dates included, which a test may change."""
    return shutil.copytree(smoke, tmp_path / "later")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project's sources, which a test may change."""
    return lay(tmp_path / "checkout")
