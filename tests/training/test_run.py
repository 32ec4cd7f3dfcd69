"""What a job leaves behind, and shows."""

import csv
import io
import json

import pytest
import torch
from safetensors.torch import load_file

from cadnet import job
from cadnet.data.store import Store
from cadnet.tracking import journal
from cadnet.training import ACCURACY, VALIDATION, TrainingError, engine, run
from cadnet.training.inference import validate
from cadnet.training.progress import Epoch, best_epoch
from cadnet.training.step import Step
from tests.training.conftest import experiment


def start(params, data, out, **changes):
    spec = experiment(params, epochs=4, **changes).model_dump(mode="json")
    return run.run(run.Job(spec, name="cadnet", seed=0, data=data, out=out))


@pytest.fixture(scope="module")
def done(params, data, tmp_path_factory):
    """Results with train.keep last and best; the rate makes an early epoch the best."""
    folder = tmp_path_factory.mktemp("done")
    changes = {"learning_rate": 6e-3, "schedule": "step", "warmup_epochs": 0, "batch_size": 8}
    for keep in ("last", "best"):
        start(params, data, folder / keep, keep=keep, **changes)
    return folder


def test_the_best_epoch_is_kept_beside_the_last(done, data):
    last, best = (load_file(done / f"last/{name}.safetensors") for name in ("model", "best"))
    swapped = [load_file(done / f"best/{name}.safetensors") for name in ("last", "model")]
    for one, other in zip((last, best), swapped, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    rows = list(csv.DictReader((done / "last/history.csv").open()))
    errors = [float(row[VALIDATION]) for row in rows]
    assert [row["best"] for row in rows].index("1") == errors.index(min(errors)) < 3
    assert (done / "last/history.csv").read_bytes() == (done / "best/history.csv").read_bytes()
    records = [json.loads((done / f"{keep}/run.json").read_text()) for keep in ("last", "best")]
    assert [r["validation_nrmse"] for r in records] == pytest.approx([errors[-1], min(errors)])
    assert [r["epoch"] for r in records] == [4, errors.index(min(errors)) + 1]
    assert records[0]["best"]["epoch"] == records[1]["epoch"]
    # The files are what these figures were measured on.
    store = Store(data)
    for keep, record in zip(("last", "best"), records, strict=True):
        from cadnet.training import checkpoint

        model, _ = checkpoint.load(done / f"{keep}/model.safetensors")
        found = validate(model, store, store.rows(split="validation"), torch.device("cpu"))
        assert found[VALIDATION] == pytest.approx(record["validation_nrmse"], rel=1e-6)


def test_the_journal_says_what_an_epoch_cost(done):
    lines = journal.read(done / "last" / journal.NAME)
    epochs = [line["metrics"] for line in lines if line["kind"] == "epoch"]
    assert len(epochs) == 4
    for metrics in epochs:
        assert {"loss", "loss_landmarks", "loss_low_rank", "loss_attention"} < metrics.keys()
        assert {"learning_rate", VALIDATION} < metrics.keys()
        assert 0 <= metrics["seconds_waiting"] < metrics["seconds_per_epoch"]
        assert metrics["images_per_second"] > 0
        assert metrics["system/peak_memory_mib"] >= metrics["system/memory_mib"] - 1


def epochs(*metrics):
    return [Epoch(number, one, {}) for number, one in enumerate(metrics, start=1)]


def test_the_best_epoch_has_the_lowest_error_or_the_highest_accuracy():
    faces = epochs(*({VALIDATION: error} for error in (9.0, 7.0, float("nan"), 7.0, 8.0)))
    assert best_epoch(faces).number == 2  # of equals the first
    both = epochs({VALIDATION: 1.0, ACCURACY: 50.0}, {VALIDATION: 2.0, ACCURACY: 60.0})
    assert best_epoch(both).number == 2
    assert best_epoch(epochs({"loss": 1.0})) is None


def test_the_best_of_no_held_out_faces_is_refused(params, store):
    none = Store.__new__(Store)
    none.__dict__.update(store.__dict__)
    none.split = store.split.copy()
    none.split[none.split == "validation"] = "test"
    assert engine.train(none, experiment(params, epochs=1), seed=0).best == {}
    with pytest.raises(TrainingError, match="no held-out faces"):
        engine.train(none, experiment(params, epochs=1, keep="best"), seed=0)


def test_memory_that_runs_out_names_the_batch_size_to_try(params, store, monkeypatch):
    def full(self, batch, epoch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.\nMore.")

    monkeypatch.setattr(Step, "__call__", full)
    with pytest.raises(
        TrainingError, match=r"24 faces a batch: try train.batch_size 12 \(CUDA out"
    ):
        engine.train(store, experiment(params, batch_size=24), seed=0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_watched_run_shows_loss_error_speed_and_time_left(params, data, tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(job, "_terminal", terminal)
    real = job.bar

    def at_once(**options):
        bar = real(**options, ascii=True)
        bar.mininterval = 0
        return bar

    monkeypatch.setattr(job, "bar", at_once)
    start(params, data, tmp_path / "out", batch_size=8)
    shown = terminal.getvalue()
    last = shown.split("\r")[-3]
    assert last.startswith("cadnet seed 0: ") and "%|" in last and "<00:0" in last
    assert "images/s" in last and "loss " in last and "validation NRMSE " in last


def test_after_a_kill_the_bar_begins_where_the_run_stands(params, monkeypatch):
    monkeypatch.setattr(job, "_terminal", Terminal())
    watch = run.Watch("a", params.train)
    watch.step(1.0, 808, 1000)
    watch.step(0.5, 816, 1000)
    assert (watch.bar.n, watch.bar.initial, watch.bar.total) == (816, 808, 1000)
    assert "loss 0.5000" in str(watch.bar)


def test_where_nobody_watches_there_are_lines(params, data, tmp_path, capsys):
    start(params, data, tmp_path / "out")
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"epoch {k}/4" for k in range(1, 5)]
    assert all("loss" in line and "NRMSE" in line and "images/s" in line for line in lines)
    assert not err
