"""A number recomputed in a fresh clone by the commands that `cadnet trace` prints; the records of
two fresh runs of one commit; Snakemake's own report. Minutes: `make provenance`."""

import os
import subprocess
import sys

import pytest

from cadnet.paper import declarations
from cadnet.records import layout
from tests.browser import PROGRAM, browser
from tests.workflow.conftest import BIN, NOT_SEARCHED, lay, snakemake
from tests.workflow.test_dvc import commit, run

pytestmark = pytest.mark.provenance
CONFIG = (
    "only=[cadnet]",
    f"search={{grids: {{{', '.join(f'{name}: null' for name in NOT_SEARCHED)}}}}}",
    "train={epochs: 2}",
)
SET_UP = "make .venv/ready && source .venv/bin/activate"
CLICK = (
    "Array.from(document.querySelectorAll('a, button'))"
    ".find(e => e.innerText.trim() === '{}').click()"
)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A repository of the sources as they are here, after a whole run in it."""
    root = lay(tmp_path_factory.mktemp("published") / "root")
    (root / ".gitignore").write_text("/data/\n/results/\n/reports/\n/logs/\n/mlruns/\n.snakemake/\n"
                                     "__pycache__/\n")  # fmt: skip
    run(root, "git", "init", "-q")
    commit(root, "sources")
    done = snakemake(root, root=root, config=CONFIG)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def script(published):
    """What `cadnet trace` prints for CAD-Net on 300W Full."""
    return subprocess.run(
        [sys.executable, "-m", "cadnet.cli", "trace", "T2", "CAD-Net", "full"],
        cwd=published, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(published)},
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def clone(published, script, tmp_path_factory):
    """A fresh clone, and what the printed commands say in it."""
    folder = tmp_path_factory.mktemp("clone")
    run(folder, "git", "clone", "-q", str(published), str(folder / "clone"))
    assert script.count(SET_UP) == 1
    commands = script.replace(SET_UP, f"export PATH={BIN}:$PATH")
    path = folder / "trace.sh"
    path.write_text(commands)
    return folder / "clone", run(folder / "clone", "bash", "-e", str(path))


def test_a_fresh_clone_gives_the_same_digits(published, script, clone):
    folder, printed = clone
    number = script.splitlines()[0].split(": ")[1].split()[0]
    (value,) = [
        line.split()[-1] for line in script.splitlines() if line.startswith("#     seed 0:")
    ]
    (last,) = [line for line in printed.splitlines() if line.startswith(f"{number} = ")]
    assert float(last.split()[2]) == pytest.approx(float(value), rel=1e-8)
    scores = "results/cadnet/scores.csv"
    assert (folder / scores).read_bytes() == (published / scores).read_bytes()
    head = run(folder, "git", "rev-parse", "HEAD").strip()
    assert f"git checkout --quiet {head}" in script


def test_two_fresh_runs_of_a_commit_have_the_same_records(published, clone):
    folder, _ = clone
    done = snakemake(folder, root=folder, config=CONFIG)
    assert done.returncode == 0, done.stderr
    known = declarations.declared()
    timed = {f"tables/{n}.csv" for n, t in known.tables.items() if t.states_times()}
    timed |= {
        f"figures/{n}.png"
        for n, figure in known.figures.items()
        if any(item.states_times() for item in declarations.sources(figure))
    }
    first, second = (root / layout.FOLDER for root in (published, folder))
    differ = {
        name
        for name in layout.files(["300w", "cofw", "aflw"], **declarations.outputs())
        if (first / name).read_bytes() != (second / name).read_bytes()
    }
    assert differ <= timed


def test_the_report_of_snakemake_opens_without_a_network(published, tmp_path):
    if PROGRAM is None:
        pytest.skip("no Chromium here")
    path = tmp_path / "report.html"
    done = snakemake(published, "--report", str(path), root=published, config=CONFIG)
    assert done.returncode == 0, done.stderr
    with browser() as page:
        page.open(path.as_uri())
        assert "robust facial landmark" in page.run("document.body.innerText")
        page.run(CLICK.format("Tables"))
        page.run("new Promise(done => setTimeout(done, 500))")
        shown = page.run("document.body.innerText")
        missing = [t.title for t in declarations.declared().tables.values() if t.title not in shown]
        assert not missing
        failed = [e for e in page.errors() if e.get("type", "error") not in ("warning", "log")]
        assert not failed and page.requests() == [path.as_uri()]
