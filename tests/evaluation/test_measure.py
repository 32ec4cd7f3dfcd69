"""The measuring job: complete, consistent with independent counts, the same again."""

import csv
import json

import pytest
import torch

from cadnet import integrity
from cadnet.evaluation import measure
from cadnet.evaluation.efficiency import build
from cadnet.evaluation.timing import peak
from cadnet.training.optimiser import optimiser

METRICS = [
    "parameters", "multiply_adds", "backbone_multiply_adds", "frames", "parameter_memory_mib",
    "inference_memory_mib", "latency_ms_batch1", "fps_batch1", "fps_batch32",
    "train_batch", "train_memory_mib", "train_step_ms", "images_per_second_training",
]  # fmt: skip
TIMED = {
    "latency_ms_batch1", "fps_batch1", "fps_batch32", "train_step_ms",
    "images_per_second_training",
}  # fmt: skip


def entry(params, name, **changes):
    """As the workflow hands one over."""
    return {
        "name": name,
        "model": params.models[name].model_dump(mode="json"),
        "size": params.data.size,
        "device": "cpu",
        "threads": 1,
        "train": params.train.model_dump(mode="json"),
        **changes,
    }


def measured(spec):
    rows = measure.measure(measure.read_spec(spec), 0.03)
    return {(row.architecture, row.metric): row for row in rows}


@pytest.fixture(scope="module")
def found(params):
    return measured([entry(params, name) for name in ("cadnet_fer", "cadnet_3d", "heatmap")])


def test_every_architecture_has_every_metric_in_order(found):
    assert list(found) == [(n, m) for n in ("cadnet_fer", "cadnet_3d", "heatmap") for m in METRICS]
    for (_, metric), row in found.items():
        assert (row.repeats > 0) == (metric in TIMED), metric
        if row.repeats:
            assert row.low <= row.value <= row.high, metric
        else:
            assert row.low is row.high is None, metric
        assert row.value > 0
        assert (row.device, row.threads, row.size) == ("cpu", 1, 32)


def test_counts_against_the_network_itself(found, params):
    network = build(params.models["heatmap"])
    assert found["heatmap", "parameters"].value == sum(p.numel() for p in network.parameters())
    state = [*network.parameters(), *network.buffers()]
    size = sum(t.numel() * t.element_size() for t in state)
    assert found["heatmap", "parameter_memory_mib"].value == size / 2**20


def test_rates_are_pictures_over_times(found, params):
    assert params.train.batch_size == 32
    for name, frames, batch in (("heatmap", 1, 32), ("cadnet_fer", 1, 32), ("cadnet_3d", 5, 30)):
        of = {metric: found[name, metric].value for metric in METRICS}
        assert (of["frames"], of["train_batch"]) == (frames, batch)
        assert of["fps_batch1"] * of["latency_ms_batch1"] == pytest.approx(1000 * frames)
        rate = of["images_per_second_training"] * of["train_step_ms"]
        assert rate == pytest.approx(1000 * batch)


def test_what_is_counted_is_the_same_on_the_next_day(found, params):
    again = measured([entry(params, name) for name in ("heatmap", "cadnet_fer")])
    counted = [key for key, row in again.items() if not row.repeats]
    assert len(counted) == 2 * 8
    assert {key: again[key] for key in counted} == {key: found[key] for key in counted}


def saved_for_backward(network, images):
    """Bytes of the activations that autograd keeps, each storage once."""
    storages = {}
    own = {t.untyped_storage().data_ptr() for t in (*network.parameters(), *network.buffers())}
    own.add(images.untyped_storage().data_ptr())

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = (storage.nbytes(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        kept_alive = network(images)
    assert kept_alive.landmarks.shape == (len(images), 68, 2)
    return sum(size for size, _ in storages.values())


def test_training_memory_against_what_a_step_must_hold(params):
    """Momentum, the gradients of the step before, and the activations kept for the next ones."""
    name = "cadnet_resnet34"
    network = build(params.models[name]).train()
    images = torch.rand(params.train.batch_size, 3, 32, 32)
    weights = 4 * sum(p.numel() for p in network.parameters())
    expected = 2 * weights + saved_for_backward(network, images)
    of = measured(entry(params, name))[name, "train_memory_mib"].value * 2**20
    assert expected <= of < 1.1 * expected


def test_measuring_changes_no_weight_and_leaves_no_gradients(params):
    subject = measure.Subject(measure.read_spec(entry(params, "cadnet"))[0], torch.device("cpu"))
    before = {k: v.clone() for k, v in subject.network.named_parameters()}
    training = subject.training()
    # Neither gradients nor momentum stay: a second time needs as much.
    needed = [peak(training.from_the_first, subject.device)[0] for _ in range(2)]
    assert needed[0] == needed[1]
    assert all(p.grad is None for p in subject.network.parameters())
    training.update()
    assert all(torch.equal(v, before[k]) for k, v in subject.network.named_parameters())
    assert all(p.grad is not None for p in subject.network.parameters())
    # With the experiment's own rate the same step moves them.
    optimiser(subject.network, params.train).step()
    assert not torch.equal(subject.network.head.u, before["head.u"]) or not torch.equal(
        subject.network.head.v, before["head.v"]
    )


def test_threads_are_those_of_the_entry_in_every_run(params):
    one, two = measure.read_spec([entry(params, "cadnet", threads=threads) for threads in (1, 2)])
    runs = [measure.Subject(e, torch.device("cpu")).inference(1) for e in (one, two)]
    for run, threads in ((runs[0], 1), (runs[1], 2), (runs[0], 1)):
        run()
        assert torch.get_num_threads() == threads


def test_the_job_writes_a_table_that_names_the_machine(params, tmp_path):
    out = tmp_path / "efficiency.csv"
    spec = json.dumps(entry(params, "resnet18", device="all"))
    assert measure.main(["--spec", spec, "--seconds", "0.01", "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open()))
    assert [row["metric"] for row in rows if row["device"] == "cpu"] == METRICS
    assert all(row["device_name"] for row in rows)
    assert {row["device"] for row in rows} == {"cpu"} | (
        {"cuda"} if torch.cuda.is_available() else set()
    )
    assert {path.name for path in tmp_path.iterdir()} == {out.name, integrity.FOLDER}


def test_the_cpus_name_is_the_systems(monkeypatch, tmp_path):
    information = tmp_path / "cpuinfo"
    information.write_text("processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nmodel name\t: Other\n")
    monkeypatch.setattr(measure, "Path", lambda name: information)
    measure.device_name.cache_clear()
    assert measure.device_name(torch.device("cpu")) == "A CPU @ 2 GHz"
    information.unlink()
    measure.device_name.cache_clear()
    assert measure.device_name(torch.device("cpu"))
    measure.device_name.cache_clear()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device": "tpu"}, "device"),
        ({"colour": 1}, "colour"),
        ({"size": 0}, "size"),
    ],
)
def test_a_wrong_spec_is_one_clear_message(params, tmp_path, capsys, change, message):
    spec = json.dumps([entry(params, "cadnet", **change)])
    assert measure.main(["--spec", spec, "--out", str(tmp_path / "x.csv")]) == 1
    assert message in capsys.readouterr().err
    assert measure.main(["--spec", "[]", "--out", str(tmp_path / "x.csv")]) == 1
    assert "no architecture" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_absent_is_said_so(params, tmp_path, capsys):
    spec = json.dumps(entry(params, "cadnet", device="cuda"))
    assert measure.main(["--spec", spec, "--out", str(tmp_path / "x.csv")]) == 1
    assert "torch sees no GPU" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_is_measured_like_a_cpu(params):
    of = measured(entry(params, "cadnet", device="cuda"))
    assert [metric for _, metric in of] == METRICS
    assert {row.device_name for row in of.values()} == {torch.cuda.get_device_name()}
    again = measured(entry(params, "cadnet", device="cuda"))
    for metric in ("inference_memory_mib", "train_memory_mib"):
        assert again["cadnet", metric] == of["cadnet", metric]
