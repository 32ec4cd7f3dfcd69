import json

import pytest
import yaml

from cadnet import cli
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
