"""`--use-conda`, with a stand-in for conda that really builds environment.yml (bin/conda)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.conftest import BIN, jobs, lay

pytestmark = pytest.mark.conda

STAND_IN = ROOT / "tests" / "conda" / "bin"
FEW = (
    "only=[cadnet]",
    "search={grids: {rank: null, lambda_fer: null, lambda_u: null, lambda_v: null,"
    " gamma_final: null, gamma_drop: {values: [1.0e-6, 1.0e-5]}}}",
)
NOTES = """\
import os, sys; open(os.environ["STARTED"], "a").write(f"{os.getpid()} {sys.orig_argv[2:3]}\\n")
"""
"""What each Python of an environment writes down when it starts, as often as it reads this."""


_MODULE = re.compile(r"\['(cadnet\.[a-z0-9_.]+)'\]")


def snakemake(
    root: Path, folder: Path, *arguments: str, conda: bool = True, target: str = "all"
) -> subprocess.CompletedProcess[str]:
    """`snakemake --use-conda … -- target`, the stand-in on the PATH."""
    left_out = ("CONDA", "MLFLOW", "PYTHONDONTWRITEBYTECODE")  # compiled once, not in each job
    own = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    path = [*([str(STAND_IN)] if conda else []), str(BIN), own["PATH"]]
    return subprocess.run(
        [str(BIN / "snakemake"), "--cores", "2", "--directory", str(folder),
         *arguments, "--config", "preset=smoke", *FEW, "--", target],
        cwd=root, capture_output=True, text=True, timeout=1800,
        env={**own, "PATH": os.pathsep.join(path), "STARTED": str(folder / "started")},
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A working directory after `--use-conda`, and what the run printed."""
    folder = tmp_path_factory.mktemp("conda")
    built = snakemake(ROOT, folder, "--use-conda", "--conda-create-envs-only")
    assert built.returncode == 0, built.stdout + built.stderr
    (packages,) = (folder / ".snakemake/conda").glob("*/lib/python3.11/site-packages")
    (packages / "notes.pth").write_text(NOTES)
    return folder, snakemake(ROOT, folder, "--use-conda")


def test_every_job_runs_in_the_environment_that_the_file_lists(finished):
    folder, done = finished
    planned = jobs(done)
    assert {"builtin", "align", "train", "trial", "choose", "predict", "score", "report"} <= {
        *planned
    }
    processes = {*(folder / "started").read_text().splitlines()}
    of_jobs = Counter(found[1] for line in processes if (found := _MODULE.search(line)))
    assert sum(of_jobs.values()) == sum(planned.values()) - planned["all"]
    assert of_jobs["cadnet.training.run"] == planned["train"] + planned["trial"]
    assert (folder / "reports/index.html").is_file()


def test_with_or_without_conda_is_no_reason_to_run_anything_again(finished):
    folder, done = finished
    assert done.returncode == 0
    assert jobs(snakemake(ROOT, folder, "-n", conda=False)) == {}
    table = folder / "reports/tables/T13.csv"
    table.unlink()
    again = snakemake(ROOT, folder, conda=False, target=str(table.relative_to(folder)))
    assert jobs(again) == {"table": 1}
    assert jobs(snakemake(ROOT, folder, "-n", "--use-conda", target="reports/tables/T13.csv")) == {}


def test_what_the_file_lacks_the_jobs_miss(tmp_path):
    root = lay(tmp_path / "checkout")
    environment = root / "environment.yml"
    lines = environment.read_text().splitlines(keepends=True)
    kept = [line for line in lines if '"h5py==' not in line]
    assert len(kept) == len(lines) - 1
    environment.write_text("".join(kept))
    folder = tmp_path / "run"
    folder.mkdir()
    cofw = "data/builtin/cofw/SHA256SUMS"
    missing = snakemake(root, folder, "--use-conda", target=cofw)
    assert missing.returncode and "No module named 'h5py'" in missing.stdout + missing.stderr
    assert not (folder / cofw).exists()
    assert snakemake(root, folder, target=cofw).returncode == 0  # the current environment has it
    shutil.rmtree(folder / ".snakemake/conda")  # gigabytes, where links are not possible


def test_without_conda_snakemake_stops_and_says_so(tmp_path):
    path = [p for p in os.environ["PATH"].split(os.pathsep) if not (Path(p) / "conda").exists()]
    assert shutil.which("conda", path=os.pathsep.join([str(BIN), *path])) is None
    done = snakemake(ROOT, tmp_path, "--use-conda", conda=False)
    assert done.returncode and "conda" in done.stderr
    assert not (tmp_path / "data").exists()
