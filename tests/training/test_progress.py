"""A run that is cut off goes on to the same bits."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from cadnet import integrity
from cadnet.data.align import align
from cadnet.data.synthetic.write_expressions import write_affectnet
from cadnet.training import TrainingError, engine
from cadnet.training import run as job
from tests.conftest import ROOT
from tests.training.conftest import experiment


class Killed(BaseException):
    """What SIGKILL would be, in the middle of a step."""


def run(params, store, tmp_path, name="cadnet", stop_after=None, identity="a", epochs=3):
    steps = 0

    def on_step(*_):
        nonlocal steps
        steps += 1
        if steps == stop_after:
            raise Killed

    trained = engine.train(
        store,
        experiment(params, name, epochs=epochs, batch_size=8),
        seed=5,
        state=tmp_path / "state.safetensors",
        identity=identity,
        on_step=on_step,
    )
    tensors = trained.model.state_dict() | {f"best {k}": v for k, v in trained.best.items()}
    return tensors, [(e.number, e.metrics) for e in trained.epochs], steps


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize("name", ["cadnet", "resnet18"])
def test_killed_anywhere_it_ends_in_the_same_bits(params, store, tmp_path, monkeypatch, name):
    """Dropout included, whose random numbers come from torch's own generator."""
    monkeypatch.setattr(engine, "SAVE_EVERY", 0.0)
    (tmp_path / "whole").mkdir()
    wanted, history, steps = run(params, store, tmp_path / "whole", name)
    assert steps > 12
    rng = random.Random(name)
    for trial in range(3):
        folder = tmp_path / str(trial)
        folder.mkdir()
        done = 0
        for stop in sorted(rng.sample(range(2, steps), 2)):
            with pytest.raises(Killed):
                run(params, store, folder, name, stop_after=max(2, stop - done))
            done = stop
        got, again, rest = run(params, store, folder, name)
        assert same(got, wanted) and again == history
        assert rest < steps


def test_a_state_of_another_run_or_a_broken_one_is_not_used(
    params,
    store,
    tmp_path,
    monkeypatch,
    capsys,
):
    monkeypatch.setattr(engine, "SAVE_EVERY", 0.0)
    with pytest.raises(Killed):
        run(params, store, tmp_path, stop_after=9)
    kept = (tmp_path / "state.safetensors").read_bytes()
    steps = run(params, store, tmp_path, identity="b")[2]
    assert "of other parameters" in capsys.readouterr().out
    for broken in (kept[:2000], b"", kept[:100] + b"x" * 500 + kept[600:]):
        (tmp_path / "state.safetensors").write_bytes(broken)
        assert run(params, store, tmp_path)[2] == steps
        assert "is not a whole state" in capsys.readouterr().out


def test_a_state_with_a_flipped_bit_is_not_used(params, store, tmp_path, monkeypatch, capsys):
    """In the middle of its weights, where it still reads as a whole state."""
    monkeypatch.setattr(engine, "SAVE_EVERY", 0.0)
    with pytest.raises(Killed):
        run(params, store, tmp_path, stop_after=9)
    state = tmp_path / "state.safetensors"
    integrity.record(state, integrity.file_digest(state))
    kept = bytearray(state.read_bytes())
    kept[len(kept) // 2] ^= 1
    state.write_bytes(kept)
    monkeypatch.setattr(engine, "SAVE_EVERY", 1e9)
    whole, _, steps = run(params, store, tmp_path)
    assert "its content differs" in capsys.readouterr().out
    state.unlink()
    again, _, from_the_first = run(params, store, tmp_path)
    assert steps == from_the_first and same(whole, again)


def test_a_loss_that_is_not_finite_keeps_the_model_before_it(params, store, tmp_path):
    spec = experiment(params, learning_rate=1e6, warmup_epochs=0, epochs=9)
    with pytest.raises(TrainingError, match="The model before this batch is in"):
        engine.train(store, spec, seed=0, state=tmp_path / "state.safetensors")
    kept = load_file(tmp_path / "last_finite.safetensors")
    assert all(bool(torch.isfinite(t).all()) for k, t in kept.items() if "head" in k)


def test_another_experiments_model_is_the_start(params, store):
    from cadnet.training.start import build, start_from

    before = engine.train(store, experiment(params, "resnet18", epochs=1), seed=0).model
    model = build(store, experiment(params, "cadnet"))
    shape = model.mean_shape.clone()
    tensors = before.state_dict() | {"mean_shape": torch.ones(68, 2)}
    anew = start_from(model, tensors)
    assert all(not name.startswith("backbone.") for name in anew) and "head.u" in anew
    assert torch.equal(model.backbone.conv1.weight, before.backbone.conv1.weight)
    assert torch.equal(model.mean_shape, shape)
    with pytest.raises(TrainingError, match="another backbone"):
        start_from(model, {"backbone.conv1.weight": torch.zeros(1)})


def test_expressions_of_one_kind_teach_nothing(params, tmp_path):
    from cadnet.data.store import Store

    counts = {"train": 6, "validation": 8}
    write_affectnet(tmp_path / "a", counts=counts, seed=0, size=96)
    spec = {
        "dataset": "affectnet", "origin": "official", "digest": "0" * 64, "expected": counts,
        "partial": "refuse", "validation": 0.1, "size": 32, "margin": 1.25,
    }  # fmt: skip
    align(tmp_path / "a", tmp_path / "a.arrow", spec)
    faces = Store(tmp_path / "a.arrow")
    chosen = experiment(params).model_copy(update={"model": params.models["cadnet_fer"]})
    faces.expression[:] = 2
    with pytest.raises(TrainingError, match="show 1 different expressions"):
        engine.train(faces, chosen, seed=0)


def test_a_process_killed_at_random_moments_ends_in_the_same_bits(params, data, tmp_path):
    """Real processes: SIGKILL twice, SIGTERM once, wherever they are, saving included."""
    spec = experiment(params, epochs=14, batch_size=8).model_dump(mode="json")
    arguments = ["--spec", json.dumps(spec), "--experiment", "cadnet", "--seed", "0"]
    arguments += ["--data", str(data), "--save-every", "0"]
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert job.main([*arguments, "--out", str(whole)]) == 0

    rng = random.Random()  # another run of this test kills elsewhere
    epochs = sorted(rng.sample(range(1, 9), 3))  # long before the last: none ends unkilled
    signals = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
    command = [sys.executable, "-m", "cadnet.training.run", *arguments, "--out", str(out)]
    for epoch, how in zip(epochs, signals, strict=True):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if line.startswith(f"epoch {epoch}/"):
                    break
            time.sleep(rng.uniform(0, 0.15))
            process.send_signal(how)
            process.communicate(timeout=60)  # it may say another line before it ends
        assert process.returncode == (143 if how == signal.SIGTERM else -9)
        assert (out / "state.safetensors").is_file() and not (out / "model.safetensors").exists()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "starting anew" not in done.stdout
    for name in ("model.safetensors", "best.safetensors", "history.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
    assert not (out / "state.safetensors").exists()


def test_a_start_that_is_cut_off_is_named(tmp_path):
    from cadnet.training.run import read_start

    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(100)}, path)
    assert read_start(path)["a"].shape == (100,) and read_start(None) is None
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(TrainingError, match="run again"):
        read_start(path)
