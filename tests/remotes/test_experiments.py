"""`dvc exp run -S`, `dvc metrics diff`, `dvc plots diff`: a change tried, and its pages offline."""

from __future__ import annotations

import csv
import json
import re

import pytest

from tests.browser import PROGRAM, browser
from tests.remotes.conftest import EXPERIMENTS
from tests.remotes.expected import only, reads, showing, trained
from tests.remotes.repository import Repository, ran

pytestmark = pytest.mark.remotes


def longer() -> dict[str, int]:
    """The jobs after other training for all: they are trained, and a training step is timed."""
    read = reads(*EXPERIMENTS)
    shown = showing(lambda item: read(item) or item.needs_efficiency())
    return only({"measure": 1, **trained(*EXPERIMENTS), **shown})


@pytest.fixture(scope="module")
def tried(project: Repository, tmp_path_factory) -> Repository:
    """A clone, pulled, after an experiment with one more epoch."""
    project.run("dvc", "push")
    clone = project.clone(project.folder.parent / "trial")
    clone.run("dvc", "pull")
    (clone.home / "printed").write_text(
        clone.run("dvc", "exp", "run", "-n", "longer", "-S", "train.epochs=4")
    )
    return clone


def test_an_experiment_trains_with_its_parameter(tried: Repository):
    assert ran((tried.home / "printed").read_text()) == longer()
    for name in EXPERIMENTS:
        with (tried.folder / f"results/{name}/seed0/history.csv").open() as file:
            assert [row["epoch"] for row in csv.DictReader(file)][-1] == "4"
    assert "  epochs: 4" in (tried.folder / "params.yaml").read_text()
    shown = json.loads(tried.run("dvc", "exp", "show", "--json"))
    assert "longer" in json.dumps(shown)


def test_metrics_diff_names_what_the_experiment_changed(tried: Repository):
    changed = json.loads(tried.run("dvc", "metrics", "diff", "--json"))
    metrics = changed["results/metrics.json"]
    assert {name.split(".")[0] for name in metrics} == {*EXPERIMENTS, "cadnet_int8"}
    assert all(value["old"] != value["new"] for value in metrics.values())
    assert "epochs" in tried.run("dvc", "params", "diff")


def test_plots_diff_is_a_page_that_works_offline(tried: Repository):
    tried.run("dvc", "plots", "diff")
    page = tried.folder / "dvc_plots" / "index.html"
    text = page.read_text()
    assert all(f"curves/{name}.csv" in text for name in EXPERIMENTS)
    assert not re.search(r"""<(script|link|img)[^>]*(src|href)=["']?(https?:)?//""", text)
    if not PROGRAM:
        pytest.skip("no browser here")
    with browser() as opened:
        opened.open(page.as_uri())
        drawn = "document.querySelectorAll('canvas, svg').length"
        assert opened.run(
            "new Promise(done => { const look = () => "
            f"{drawn} >= {len(EXPERIMENTS)} ? done(true) : setTimeout(look, 100); look(); }})"
        )
        assert not [url for url in opened.requests() if not url.startswith(("file:", "blob:"))]
        assert [told for told in opened.errors() if told.get("type") != "warning"] == []


def test_back_to_the_commit_nothing_is_to_be_done(tried: Repository):
    tried.run("git", "checkout", "-q", ".")
    tried.run("dvc", "checkout")
    assert ran(tried.run("dvc", "repro")) == {}
    assert "Nothing to be done" in tried.run("snakemake", "--cores", "2", "-n", "--", "all")
    tried.run("dvc", "exp", "apply", "longer")
    assert ran(tried.run("dvc", "repro")) == {}
