"""Two at once, a clock that moved, a killed DVC."""

from __future__ import annotations

import os
import random
import subprocess
import time

import psutil
import pytest
import yaml

from tests.chaos.small import BIN, CONFIG, FINAL, PARTS, environment, run, start
from tests.workflow.conftest import SOURCES, lay
from tests.workflow.test_dvc import FILES

pytestmark = pytest.mark.chaos


def test_of_two_snakemakes_at_once_the_second_is_refused(undisturbed, tmp_path):
    folder = undisturbed.restore(0)
    said = tmp_path / "said"
    first = start(folder, said, FINAL)
    while b"Job stats" not in said.read_bytes():
        time.sleep(0.1)
        assert first.poll() is None, said.read_text()
    second = run(folder, FINAL)
    assert second.returncode == 1
    assert "another snakemake is at work" in second.stderr
    assert "Directory cannot be locked" in second.stderr
    assert first.wait(900) == 0, said.read_text()
    undisturbed.compare()


@pytest.mark.parametrize("days", [-400, 400, None])
def test_a_clock_that_moved(undisturbed, days):
    """None: each file its own way. A run may do things again, but gives the same, and comes to an
    end: the next one has nothing to do."""
    folder, rng = undisturbed.restore(4), random.Random(1)
    paths = [p for top in ("data", "results", "reports") for p in sorted((folder / top).rglob("*"))]
    for path in paths:
        moved = time.time() + 86400 * (days if days is not None else rng.choice([-400, 400]))
        os.utime(path, (moved, moved))
    done = run(folder, FINAL)
    assert done.returncode == 0, done.stderr
    undisturbed.compare()
    last = run(folder, FINAL)
    assert last.returncode == 0, last.stderr
    assert "Nothing to be done" in last.stderr


@pytest.fixture
def repository(undisturbed, tmp_path):
    """A repository with the small pipeline as its DVC stage, nothing done yet."""
    root = lay(tmp_path / "repository", [*SOURCES, *FILES])
    stage = yaml.safe_load((root / "dvc.yaml").read_text())
    paper = stage["stages"]["paper"]
    made = ("data/", "results", "reports/tables", ".snakemake/metadata")
    paper["outs"] = [out for out in paper["outs"] if next(iter(out)).startswith(made)]
    asked = " ".join(f"'{text}'" for text in CONFIG)
    settings = f"--config {asked} -- {' '.join(FINAL)}"
    assert paper["cmd"].endswith("-- all")
    paper["cmd"] = paper["cmd"].removesuffix("-- all") + settings
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"paper": paper}}))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


@pytest.mark.parametrize("part", [1, 2])
def test_a_killed_dvc_leaves_nobody_at_work_and_goes_on(undisturbed, repository, tmp_path, part):
    variables = {**environment(), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    said = tmp_path / "said"
    with said.open("wb") as file:
        dvc = subprocess.Popen(
            ["dvc", "repro"], cwd=repository, env=variables, stdin=subprocess.DEVNULL,
            stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    # It is killed once it has made what comes before that part, and two seconds later.
    while not all((repository / name).exists() for name in PARTS[part - 1]):
        time.sleep(0.2)
        assert dvc.poll() is None, said.read_text()
    time.sleep(2)
    below = psutil.Process(dvc.pid).children(recursive=True)
    assert any("snakemake" in " ".join(p.cmdline()) for p in below)
    dvc.kill()
    dvc.wait(30)
    again = subprocess.run(
        ["dvc", "repro"], cwd=repository, env=variables, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout + again.stderr
    assert not psutil.wait_procs(below, timeout=10)[1]
    for name, expected in undisturbed.content.items():
        assert (repository / name).read_bytes() == expected, name
