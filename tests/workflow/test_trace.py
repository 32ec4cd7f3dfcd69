"""cadnet trace after a run."""

import json
import shutil
import subprocess

import pytest

from cadnet import cli
from cadnet.paper.trace import RECORD
from tests.workflow.conftest import BIN


@pytest.fixture
def traced(smoke, monkeypatch, capsys):
    """A command's output, in the run's directory."""
    monkeypatch.chdir(smoke)

    def run(*arguments, code=0):
        assert cli.main(["trace", *arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


def commands(script):
    return [line for line in script.splitlines() if not line.startswith("#")]


def test_a_number_comes_with_all_that_it_was_made_from(traced, smoke):
    script = traced("T2", "CAD-Net", "full")
    record = json.loads((smoke / "results/cadnet/seed0/run.json").read_text())
    table = (smoke / "reports/tables/T2.md").read_text()
    number = script.splitlines()[0].removeprefix("# T2, row CAD-Net, column Full: ")
    assert number.endswith(" (1 seed)") and number in table
    for fact in (record["digest"], record["data_digest"], record["commit"], "built-in",
                 "300w, full: 32 faces", "nrmse_mean_io", "learning_rate: 0.02"):  # fmt: skip
        assert fact in script, fact
    assert "resnet18" not in "\n".join(script.splitlines()[1:40])


def test_the_commands_are_a_script_that_ends_with_the_number(traced, smoke):
    script = traced("T7", "cad-net", "300W → COFW")
    lines = commands(script)
    assert lines[-2].endswith("--configfile settings.yaml -- results/cadnet/scores.csv")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    shown = subprocess.run(
        ["bash", "-ec", lines[-1]], cwd=smoke, capture_output=True, text=True, check=True,
        env={"PATH": f"{BIN}:/usr/bin:/bin"},
    ).stdout  # fmt: skip
    number = script.splitlines()[0].split(": ")[1].split()[0]
    assert shown.split()[:2] == [number, "="]
    assert f"seed 0: {float(shown.split()[2]):.9g}" in script


def test_trivial_predictors_and_figures_are_traced_too(traced):
    trivial = traced("T2", "Mean shape (trivial predictor)", "Common")
    assert "experiment mean_shape" in trivial and "results/" in commands(trivial)[-1]
    assert traced("F9", "CAD-Net (full)", "300W → COFW").startswith("# T15, row CAD-Net (full)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("T99", "CAD-Net", "full"), "there is no table 'T99'; there are T2, T4, "),
        (("T2", "CADNet", "full"), "no row 'CADNet'; there are \"ODN\", "),
        (("T2", "CAD-Net", "whole"), 'no column \'whole\'; there are "Common", "Full"'),
        (("T2", "CAD-Net+", "full"), "not available: no run of cadnet_plus on it"),
        (("T2", "ODN", "full"), "is what the paper reports"),
        (("T3", "CAD-Net", "full"), "(Efficiency): its numbers are no means over training runs"),
        (("C1", "CAD-Net", "full"), "tables of such are T2, T4"),
    ],
)
def test_what_cannot_be_traced_is_said_with_what_can(traced, arguments, message):
    error = traced(*arguments, code=1)
    assert error.startswith("error: ") and message in error


def test_where_nothing_has_run_there_is_one_clear_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["trace", "T2", "CAD-Net", "full"]) == 1
    assert f"{RECORD}: is not there; run the pipeline here first" in capsys.readouterr().err


def test_no_commands_where_the_run_is_another_than_the_recorded_one(smoke, tmp_path, monkeypatch,
                                                                    capsys):  # fmt: skip
    for name in ("reports/provenance", "results"):
        shutil.copytree(smoke / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "results/cadnet/seed0/run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "data_digest": "0" * 64}))
    assert cli.main(["trace", "T2", "CAD-Net", "full"]) == 0
    script = capsys.readouterr().out
    assert not commands(script)
    assert "its training data are not those of the last whole run" in script
    path.write_text(json.dumps(record))
    scores = tmp_path / "results/cadnet/scores.csv"
    scores.write_text(scores.read_text().replace(",nrmse_mean_io,", ",nrmse_mean_io,1", 99))
    assert cli.main(["trace", "T2", "CAD-Net", "full"]) == 1
    assert "is not of the scores in results/cadnet/scores.csv" in capsys.readouterr().err
