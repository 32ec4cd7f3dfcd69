"""Journals and their way to a real MLflow store (sqlite)."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from cadnet.tracking import journal as journals
from cadnet.tracking.forward import Forwarder, Passes, main
from cadnet.tracking.store import batches, flatten

START = {
    "experiment": "cadnet",
    "seed": 0,
    "parameters": {"title": "CAD-Net", "train": {"epochs": 3, "loss": {"a": 0.1}}},
    "digest": "d" * 64,
    "commit": "c" * 40,
    "dataset": {"name": "300w", "digest": "e" * 64, "origin": "built-in", "n": 7},
}


def run_job(results, epochs=3, error=None, **changes):
    start = {**START, **changes}
    folder = results / start["experiment"] / f"seed{start['seed']}"
    with journals.journal(folder, **start) as written:
        for step in range(1, epochs + 1):
            written.epoch(step, {"loss": 1 / step, "validation_nrmse_mean_io": 10.0 - step})
        if error:
            raise error
    return folder


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """A store with its schema made, to be copied: making it takes seconds."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    Forwarder(f"sqlite:///{path}", path.parent)
    return path.read_bytes()


@pytest.fixture
def forwarder(tmp_path, empty_store):
    path = tmp_path / "mlflow.db"
    path.write_bytes(empty_store)
    return Forwarder(f"sqlite:///{path}", tmp_path / "artifacts")


def runs(forwarder, role):
    return forwarder.client.search_runs(
        [forwarder.experiment_id], f"tags.`cadnet.role` = '{role}'", order_by=["start_time ASC"]
    )


def steps(forwarder, run, metric="loss"):
    return [p.step for p in forwarder.client.get_metric_history(run.info.run_id, metric)]


def test_runs_are_children_of_their_experiment_with_all_that_leads_back(forwarder, tmp_path):
    results = tmp_path / "results"
    for experiment, seed in (("cadnet", 0), ("cadnet", 1), ("it's", 0)):
        folder = run_job(results, experiment=experiment, seed=seed)
        (folder / "history.csv").write_text("epoch\n")
    ids = forwarder.forward_all(results)
    assert set(ids) == {"cadnet/seed0", "cadnet/seed1", "it's/seed0"}
    parents = {run.info.run_name: run.info.run_id for run in runs(forwarder, "experiment")}
    assert set(parents) == {"cadnet", "it's"}
    run = forwarder.client.get_run(ids["cadnet/seed1"])
    assert run.data.tags["mlflow.parentRunId"] == parents["cadnet"]
    assert run.data.tags["mlflow.source.git.commit"] == "c" * 40
    assert run.data.params["train.loss.a"] == "0.1"
    assert run.data.params["seed"] == "1"
    assert run.info.status == "FINISHED"
    assert steps(forwarder, run) == [1, 2, 3]
    assert run.data.metrics["validation_nrmse_mean_io"] == 7.0
    assert run.data.metrics["system/memory_mib"] > 1
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("300w", "e" * 36)
    artifacts = forwarder.client.list_artifacts(run.info.run_id)
    assert [a.path for a in artifacts] == ["history.csv"]


def test_forwarding_again_adds_nothing(forwarder, tmp_path):
    run_job(tmp_path / "results")
    first = forwarder.forward_all(tmp_path / "results")
    other = Forwarder(forwarder.client.tracking_uri, tmp_path)
    assert other.forward_all(tmp_path / "results") == first
    assert len(runs(forwarder, "seed")) == len(runs(forwarder, "experiment")) == 1
    assert steps(forwarder, runs(forwarder, "seed")[0]) == [1, 2, 3]


def test_a_failed_job_that_runs_again_goes_on_in_its_run(forwarder, tmp_path):
    results = tmp_path / "results"
    with pytest.raises(RuntimeError):
        run_job(results, epochs=2, error=RuntimeError("boom"))
    (first,) = forwarder.forward_all(results).values()
    assert forwarder.client.get_run(first).info.status == "FAILED"
    run_job(results, epochs=3)
    (second,) = forwarder.forward_all(results).values()
    assert second == first
    run = forwarder.client.get_run(first)
    assert run.info.status == "FINISHED"
    assert run.data.tags["cadnet.resumed"] == "true"
    assert steps(forwarder, run) == [1, 2, 3]


@pytest.mark.parametrize("change", [{"digest": "f" * 64}, {"commit": "f" * 40}, {}])
def test_what_changed_or_had_finished_is_a_new_run(forwarder, tmp_path, change):
    results = tmp_path / "results"
    run_job(results)
    first = forwarder.forward_all(results)
    run_job(results, **change)
    assert forwarder.forward_all(results) != first
    assert len(runs(forwarder, "seed")) == 2


def start_job(results, more):
    script = f"""
        import time
        from pathlib import Path
        from cadnet import job
        from cadnet.tracking.journal import journal
        START = {START!r}
        def run(options):
            with journal(Path({str(results / "cadnet/seed0")!r}), **START) as written:
                for step in (1, 2):
                    written.epoch(step, {{"loss": 1.0}})
                {more}
            return "done"
        job.main(run, job.parser("").parse_args([]))
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    path = results / "cadnet" / "seed0" / journals.NAME
    for _ in range(200):
        if path.exists() and len(journals.read(path)) == 3:
            return process
        time.sleep(0.05)
    raise AssertionError("the job did not start")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_job_is_marked_so_and_its_epochs_are_kept(forwarder, tmp_path, number):
    results = tmp_path / "results"
    process = start_job(results, "time.sleep(60)")
    (run_id,) = forwarder.forward_all(results).values()
    assert forwarder.client.get_run(run_id).info.status == "RUNNING"
    process.send_signal(number)
    process.wait(10)
    forwarder.forward_all(results)
    run = forwarder.client.get_run(run_id)
    assert run.info.status == "KILLED"
    assert steps(forwarder, run) == [1, 2]


def test_a_half_written_line_waits(tmp_path):
    folder = run_job(tmp_path)
    path = folder / journals.NAME
    lines = journals.read(path)
    text = path.read_text()
    path.write_text(text[: text.rindex('"kind": "end"')])
    assert journals.read(path) == lines[:-1]


def test_another_process_with_the_same_number_is_not_the_job(tmp_path):
    lines = journals.read(run_job(tmp_path) / journals.NAME)[:-1]
    lines[0]["process"].update(pid=os.getpid(), started=12345.0)
    assert journals.status(lines) == "KILLED"


@pytest.mark.parametrize("uri", ["sqlite:////dev/null/x/mlflow.db", "http://127.0.0.1:9"])
def test_without_a_store_the_pipeline_goes_on_and_says_so(tmp_path, uri, capsys):
    run_job(tmp_path / "results")
    out = tmp_path / "tracking.json"
    arguments = ["--uri", uri, "--results", str(tmp_path / "results"), "--out", str(out)]
    assert main(arguments) == 0
    written = json.loads(out.read_text())
    assert written["runs"] == {}
    assert uri in written["problem"]
    assert "journals are kept" in capsys.readouterr().err
    assert journals.read(tmp_path / "results" / "cadnet" / "seed0" / journals.NAME)


def test_no_password_is_recorded_or_shown(tmp_path, capsys):
    out = tmp_path / "tracking.json"
    uri = "http://ann:s3cret-pw@127.0.0.1:9"
    assert main(["--uri", uri, "--results", str(tmp_path), "--out", str(out)]) == 0
    said = capsys.readouterr()
    for text in (out.read_text(), said.out, said.err):
        assert "http://***@127.0.0.1:9" in text and "s3cret-pw" not in text


def test_no_password_reaches_parameters_or_journals(tmp_path):
    assert flatten({"title": "from https://ann:pw@host/x"}) == {"title": "from https://***@host/x"}
    with pytest.raises(OSError, match="pw@host"):
        run_job(tmp_path, error=OSError("https://ann:pw@host/x refuses"))
    lines = journals.read(tmp_path / "cadnet" / "seed0" / journals.NAME)
    assert lines[-1]["error"] == "OSError: https://***@host/x refuses"


def test_a_store_that_comes_back_gets_everything(tmp_path, empty_store, capsys):
    """The follower goes on trying: it is the same object that fails and then succeeds."""
    run_job(tmp_path / "results")
    hindrance = tmp_path / "mlruns"
    hindrance.write_text("no folder")
    passes = Passes(f"sqlite:///{hindrance}/mlflow.db", tmp_path / "results")
    passes.once()
    passes.once()
    assert passes.problem and not passes.ids
    assert capsys.readouterr().err.count("warning") == 1
    hindrance.unlink()
    hindrance.mkdir()
    (hindrance / "mlflow.db").write_bytes(empty_store)
    passes.once()
    assert not passes.problem
    forwarder = Forwarder(passes.uri, tmp_path)
    (run,) = runs(forwarder, "seed")
    assert steps(forwarder, run) == [1, 2, 3]


def test_a_long_run_is_sent_in_few_calls_and_whole(forwarder, tmp_path):
    run_job(tmp_path / "results", epochs=600)  # 2400 values; MLflow takes 1000 a call
    (run_id,) = forwarder.forward_all(tmp_path / "results").values()
    assert steps(forwarder, forwarder.client.get_run(run_id)) == list(range(1, 601))
    epochs = [{"step": k, "metrics": dict.fromkeys(range(300))} for k in range(7)]
    assert [len(group) for group in batches(epochs)] == [3, 3, 1]


def test_a_run_that_was_cut_off_when_it_was_made_is_completed(forwarder, tmp_path):
    """The store went away after it had the run, and before parameters and data."""
    folder = run_job(tmp_path / "results")
    run_id = forwarder.child(journals.read(folder / journals.NAME)[0]).info.run_id
    assert not forwarder.client.get_run(run_id).data.params
    assert forwarder.forward_all(tmp_path / "results") == {"cadnet/seed0": run_id}
    run = forwarder.client.get_run(run_id)
    assert run.data.params["seed"] == "0" and len(run.inputs.dataset_inputs) == 1
    assert run.info.status == "FINISHED"


def test_two_forwarders_at_once_on_an_empty_store_lose_and_double_nothing(tmp_path):
    results, uri = tmp_path / "results", f"sqlite:///{tmp_path}/mlflow.db"
    for seed in range(4):
        run_job(results, seed=seed, digest=str(seed) * 64)
    command = [sys.executable, "-m", "cadnet.tracking.forward", "--uri", uri]
    jobs = [subprocess.Popen([*command, "--results", str(results)], cwd=tmp_path) for _ in range(2)]
    assert [process.wait(120) for process in jobs] == [0, 0]
    forwarder = Forwarder(uri, tmp_path)
    found = runs(forwarder, "seed")
    assert len(found) == 4
    assert len(runs(forwarder, "experiment")) == 1
    assert all(steps(forwarder, run) == [1, 2, 3] for run in found)


def test_a_follower_ends_with_the_process_it_follows(tmp_path, empty_store):
    (tmp_path / "mlflow.db").write_bytes(empty_store)
    leader = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(6)"])
    follower = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cadnet.tracking.forward",
            "--uri",
            f"sqlite:///{tmp_path}/mlflow.db",
        ]
        + ["--results", str(tmp_path / "results"), "--follow", str(leader.pid)],
        cwd=tmp_path,
    )
    run_job(tmp_path / "results")
    leader.wait(30)
    assert follower.wait(60) == 0
    (run,) = runs(Forwarder(f"sqlite:///{tmp_path}/mlflow.db", tmp_path), "seed")
    assert run.info.status == "FINISHED"


def test_parameters_are_flat_and_within_mlflows_limit():
    assert flatten({"a": {"b": 1, "c": {"d": None}}, "e": "x" * 900}) == {
        "a.b": "1", "a.c.d": "None", "e": "x" * 500,
    }  # fmt: skip
