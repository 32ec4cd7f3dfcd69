"""Models in 8 bits: what they say, from which faces, under which name; and what models cost."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from cadnet.data.align import align
from cadnet.data.store import Store
from cadnet.data.synthetic.write import write_300w
from cadnet.evaluation.efficiency import cost
from cadnet.export import costs, int8
from cadnet.export.formats import facts_of
from cadnet.training.predict import predict_sets
from tests.data.test_align import spec
from tests.export.conftest import write_run
from tests.predictor.conftest import SIZE
from tests.training.conftest import COUNTS


@pytest.fixture(scope="module")
def made(tmp_path_factory, params):
    """A run, the same model in 8 bits, and the store that both saw."""
    root = tmp_path_factory.mktemp("faces")
    write_300w(root, counts=COUNTS, seed=0, size=64)
    data = root / "300w.arrow"
    align(root, data, spec(COUNTS, size=SIZE))
    whole, small = root / "results/cadnet/seed0", root / "results/cadnet_int8/seed0"
    write_run(whole, params, "cadnet")
    arguments = ["--run", whole / "run.json", "--name", "cadnet_int8", "--train", data,
                 "--data", data, "--calibration", 16, "--out", small]  # fmt: skip
    assert int8.main(list(map(str, arguments))) == 0
    return SimpleNamespace(data=data, whole=whole, small=small)


def points(table):
    return np.array(table["landmarks"].to_pylist()).reshape(-1, 68, 2)


def test_eight_bits_say_nearly_the_same_of_the_same_faces(made):
    ours = pq.read_table(made.small / "predictions.parquet")
    whole = predict_sets(made.whole / "model.safetensors", [made.data], device="cpu", threads=1)
    assert ours.schema == whole.schema and ours["key"] == whole["key"]
    difference = np.abs(points(ours) - points(whole))
    varies = np.abs(points(whole) - np.median(points(whole), axis=0))  # from face to face
    assert 0 < np.median(difference) < 0.1 * np.median(varies), (difference.mean(), varies.mean())


def test_weights_are_of_8_bits_and_the_file_says_what_it_is(made):
    import onnx

    file = made.small / "model.onnx"
    weights = [w for w in onnx.load(file).graph.initializer if len(w.dims) == 4]
    assert weights and all(w.data_type == onnx.TensorProto.INT8 for w in weights)
    facts = facts_of(file)
    assert facts["quantised"] == 16 and facts["experiment"] == "cadnet" and facts["size"] == SIZE


def test_its_record_is_the_runs_own_under_its_name(made):
    ours, whole = (json.loads((f / "run.json").read_text()) for f in (made.small, made.whole))
    assert ours["experiment"] == "cadnet_int8" and ours["quantised"] == "cadnet"
    assert {k: ours[k] for k in ("seed", "digest", "commit", "data_digest")} == {
        k: whole[k] for k in ("seed", "digest", "commit", "data_digest")
    }


def test_calibration_is_by_training_faces_at_even_steps(made):
    store = Store(made.data)
    rows = int8.calibration_rows(store, 5)
    assert len(set(rows)) == 5 and (store.split[rows] == "train").all()
    assert len(int8.calibration_rows(store, 10**6)) == (store.split == "train").sum()


def test_costs_are_counted_and_timed(made, params):
    out = made.small.parents[1] / "compression.csv"
    arguments = ["--models", made.whole / "model.safetensors", "--int8", made.small / "model.onnx",
                 "--seconds", 0.01, "--out", out]  # fmt: skip
    threads = torch.get_num_threads()
    assert costs.main(list(map(str, arguments))) == 0
    torch.set_num_threads(threads)
    with out.open() as file:
        found = {(r["architecture"], r["metric"]): float(r["value"]) for r in csv.DictReader(file)}
    counted = cost(params.experiments["cadnet"].model, SIZE)
    for name in ("cadnet", "cadnet_int8"):
        assert found[name, "parameters"] == counted.parameters
        assert found[name, "multiply_adds"] == counted.multiply_adds
        assert found[name, "latency_ms_onnx"] > 0 and found[name, "fps_onnx_batch32"] > 0
    file = made.small / "model.onnx"
    assert found["cadnet_int8", "file_mib"] == pytest.approx(file.stat().st_size / 2**20)
    assert found["cadnet_int8", "file_mib"] < 0.7 * found["cadnet", "file_mib"]
    assert ("cadnet_int8", "latency_ms_torch") not in found and found["cadnet", "latency_ms_torch"]
