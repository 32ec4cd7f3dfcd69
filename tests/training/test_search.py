"""The hyper-parameter search: who wins, and who learns of it."""

import csv
import json

import pytest

from cadnet.params import ParameterError, load
from cadnet.training.search import judge, main, tuned
from tests.conftest import ROOT

GRIDS = {
    "rank": {"experiment": "cadnet", "parameter": "model.llb.rank", "values": [8, 16, 32]},
    "lambda_fer": {
        "experiment": "cadnet_fer",
        "parameter": "train.loss.lambda_fer",
        "values": [0.2, 0.6],
    },
}
NRMSE = {"rank": [7.0, 6.0, 6.0], "lambda_fer": [5.0, 9.0]}
ACCURACY = {"rank": [None, None, None], "lambda_fer": [40.0, 50.0]}


def record(grid, index):
    return {
        "validation_nrmse": NRMSE[grid][index],
        "validation_accuracy": ACCURACY[grid][index],
        "epochs": 4,
    }


def records():
    return {(g, i): record(g, i) for g in GRIDS for i in range(len(GRIDS[g]["values"]))}


def test_errors_decide_by_the_lowest_and_expressions_by_the_highest():
    chosen = {row["grid"]: row["value"] for row in judge(GRIDS, records()) if row["chosen"]}
    # Of equals the first wins; λ_fer is judged by accuracy, although its error is the higher one.
    assert chosen == {"rank": 16, "lambda_fer": 0.6}


def test_the_job_leaves_a_table_and_the_chosen_values(tmp_path):
    for (grid, index), content in records().items():
        folder = tmp_path / "search" / grid / f"trial{index}"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(content))
    files = sorted(tmp_path.glob("search/*/*/run.json"), reverse=True)
    arguments = ["--grids", json.dumps(GRIDS), "--trials", *map(str, files)]
    arguments += ["--table", str(tmp_path / "search.csv"), "--chosen", str(tmp_path / "c.json")]
    assert main(arguments) == 0
    with (tmp_path / "search.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert [row["value"] for row in rows if row["chosen"] == "True"] == ["16", "0.6"]
    best = json.loads((tmp_path / "c.json").read_text())
    assert best == {"model.llb.rank": 16, "train.loss.lambda_fer": 0.6}


def test_loss_weights_are_taken_over_and_nothing_else():
    spec = {
        "model": {"llb": {"rank": 8}},
        "train": {"epochs": 3, "loss": {"lambda_fer": 1, "b": 2}},
    }
    chosen = {"model.llb.rank": 64, "train.loss.lambda_fer": 0.2}
    assert tuned(spec, chosen) == {
        "model": {"llb": {"rank": 8}},
        "train": {"epochs": 3, "loss": {"lambda_fer": 0.2, "b": 2}},
    }
    assert spec["train"]["loss"]["lambda_fer"] == 1


def test_a_trial_is_its_experiment_but_for_one_value():
    params = load(ROOT / "params.yaml", {})
    base, trial = params.experiments["cadnet"], params.trial("rank", 2)
    assert trial.model.llb.rank == 32 and base.model.llb.rank == 8
    assert trial.train.epochs == params.search.epochs and trial.test_on == [base.train_on]
    changed = trial.model.model_copy(update={"llb": base.model.llb})
    assert changed == base.model
    assert trial.train.model_copy(update={"epochs": base.train.epochs}) == base.train


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"experiment": "nobody"}, "search.grids.rank.experiment: unknown experiment 'nobody'"),
        ({"parameter": "model.llb.rang"}, "search.grids.rank.parameter: cadnet has no model.llb"),
        ({"experiment": "cadnet_plus"}, "search.grids.rank.experiment: must not start from"),
    ],
)
def test_grids_that_cannot_be_searched_are_refused(grid, message):
    with pytest.raises(ParameterError, match=message):
        load(ROOT / "params.yaml", {"search": {"grids": {"rank": grid}}})
