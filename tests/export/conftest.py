"""A run of the pipeline as far as exporting reads it: models, records, scores."""

import json

import pytest

from tests.predictor.conftest import save_model

SCORES = """\
experiment,seed,train_on,dataset,subset,metric,value,images
cadnet_fer,0,affectnet,affectnet,test,accuracy,41.25,240
cadnet_fer,1,affectnet,affectnet,test,accuracy,99,240
cadnet_fer,0,affectnet,affectnet,test,mask_coverage,50,240
majority,,affectnet,affectnet,test,accuracy,12.5,240
"""


def write_run(folder, params, name, **changes):
    """A model and its record."""
    model = save_model(folder / "model.safetensors", params, name)
    record = {
        "experiment": name, "seed": 0, "title": "CAD-Net", "train_on": "affectnet",
        "origin": "built-in", "data_digest": "d" * 64, "commit": "c" * 40, "digest": "p" * 64,
        "epochs": 3, "initialisation": "from scratch", "precision": "float32", "device": "cpu",
        "trainable_parameters": 12345, "parameters": {"start_from": None},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record | changes))
    return model


@pytest.fixture
def results(tmp_path, params):
    """``results`` with a scored run of ``cadnet_fer``."""
    folder = tmp_path / "results"
    write_run(folder / "cadnet_fer" / "seed0", params, "cadnet_fer")
    (folder / "cadnet_fer" / "scores.csv").write_text(SCORES)
    (folder / "data.json").write_text(json.dumps({"affectnet": {"origin": "built-in"}}))
    return folder
