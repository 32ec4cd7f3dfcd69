import json

import pytest
import yaml

from cadnet import cli
from cadnet.data.sources import SOURCE_MODULES
from cadnet.params import Params


def test_params_prints_what_a_run_would_use(capsys):
    assert cli.main(["--config", "{preset: smoke, train: {epochs: 5}}", "params"]) == 0
    tree = yaml.safe_load(capsys.readouterr().out)
    assert tree["preset"] == "smoke" and tree["data"]["size"] == 32
    assert tree["experiments"]["cadnet"]["train"]["epochs"] == 5
    assert set(tree) == set(Params.model_fields)


def test_spec_prints_one_experiment_resolved(capsys):
    assert cli.main(["--config", "{preset: smoke}", "spec", "adb_llb"]) == 0
    spec = json.loads(capsys.readouterr().out)
    assert spec["model"]["dgb"] is None and spec["model"]["llb"] == {"rank": 8}
    assert spec["train"]["epochs"] == 3


def test_data_status_counts_what_is_there_and_says_how_to_get_the_rest(small_300w, capsys):
    root, _ = small_300w
    next((root / "afw").glob("*.pts")).write_text("version: 1")
    assert cli.main(["--config", f"{{data: {{raw: {root.parent}}}}}", "data", "status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    of = {line.split()[0]: (i, line) for i, line in enumerate(lines) if not line.startswith(" ")}
    assert set(of) == set(SOURCE_MODULES)
    at, line = of["300w"]
    assert "partial" in line and "23 of   3837 faces" in line
    assert "afw/ (3 of 337 faces)" in lines[at + 1]
    assert any("no { … } around the points" in line for line in lines)
    at, line = of["300vw"]
    assert "missing" in line and "0 of    114 videos" in line
    assert "ibug.doc.ic.ac.uk/resources/300-VW" in lines[at + 1]
    assert lines[at + 2].endswith(f"{root.parent}/300vw/")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spec", "cadnett"], "unknown experiment 'cadnett'; there are resnet18, cadnet"),
        (["--config", "{trian: {}}", "params"], "trian: unknown key"),
        (["--params", "nowhere.yaml", "params"], "nowhere.yaml"),
    ],
)
def test_errors_are_one_clear_line(capsys, arguments, message):
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and "Traceback" not in error


def test_models_lists_every_architecture_with_its_cost(capsys):
    assert cli.main(["--config", "{preset: smoke}", "models"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}
    assert {"cadnet", "resnet18", "dgb_llb", "cadnet_rank64", "resnet18_fer_only"} <= set(lines)
    assert "landmarks 68 × 2" in lines["cadnet"] and "masks" in lines["cadnet"]
    assert "landmarks" not in lines["resnet18_fer_only"] and "expression 8" in lines["cadnet_fer"]
