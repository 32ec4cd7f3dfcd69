"""profiles/slurm on a real slurmctld and slurmd: `make slurm`, minutes."""

import itertools
import os
import shutil
import signal
import subprocess
import time

import pytest

from cadnet.tracking import journal
from cadnet.training.engine import SAVE_EVERY
from tests.cluster.conftest import (
    CONFIG,
    locally,
    on_cluster,
    records,
    submission,
)
from tests.conftest import ROOT
from tests.workflow.conftest import EXPERIMENTS, TRIALS, jobs, snakemake

pytestmark = pytest.mark.slurm
ON_GPUS = {"train": 4, "predict": 4, "trial": TRIALS, "measure": 1}
LONG = (
    "only=[resnet18]",
    "seeds=[0, 1]",
    "experiments={resnet18: {train: {epochs: 400}}}",  # time enough to be killed
)


def test_every_job_is_one_of_slurms_and_those_that_learn_have_a_gpu_each(ran):
    found = records(ran)
    assert {job.state for job in found} == {"COMPLETED"}
    assert (ran / "reports/index.html").is_file()
    on_gpus = [job for job in found if job.gpus]
    counts = {rule: sum(job.rule == rule for job in on_gpus) for rule in ON_GPUS}
    assert counts == ON_GPUS and len(on_gpus) == sum(ON_GPUS.values())
    for job in on_gpus:
        assert job.gpus == "gres:gpu:1"
        assert len(job.visible) == 1 and job.visible <= {"0", "1", "2", "3"}
    for job in found:
        assert job in on_gpus or job.visible == {"none"}
    rules = {job.rule for job in found}
    assert {"builtin", "align", "choose", "score", "collect", "table", "figure", "report"} <= rules
    assert not rules & {"track", "fetch", "weights", "all"}  # these are for snakemake's machine


def test_seeds_run_at_the_same_time_on_different_gpus(ran):
    trained = [job for job in records(ran) if job.rule == "train"]
    for experiment in EXPERIMENTS:
        one, other = (job for job in trained if job.wildcards.startswith(f"{experiment}_"))
        assert one.overlaps(other)
    for job, other in itertools.combinations(trained, 2):
        assert not job.overlaps(other) or job.visible != other.visible


def test_a_second_run_has_nothing_to_do_with_and_without_the_cluster(ran):
    """Memory, time and tries are SLURM's business: they rerun nothing."""
    assert jobs(on_cluster(ran)) == {}
    assert jobs(on_cluster(ran, "--default-resources", "mem_mb=9999", "runtime=9")) == {}
    assert jobs(snakemake(ran, config=CONFIG)) == {}


def test_the_results_are_those_of_one_machine(ran, tmp_path):
    locally(tmp_path, target="results/scores.csv")
    names = ["results/scores.csv", "results/search.csv"]
    names += [f"results/{e}/seed{s}/model.safetensors" for e in EXPERIMENTS for s in (0, 1)]
    for name in names:
        assert (tmp_path / name).read_bytes() == (ran / name).read_bytes(), name


def wait_for(what, process, seconds=300):
    """Until something is so, while the workflow runs; returns it."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := what():
            return found
        assert process.poll() is None, f"ended before: {process.communicate()}"
        time.sleep(0.5)
    pytest.fail(f"nothing happened in {seconds} s")


def test_a_killed_job_is_tried_again_and_goes_on_where_it_was(later, tmp_path):
    """One seed's job is cancelled, as when its time is up; the other's process gets kill -9."""
    shutil.rmtree(later / "results")
    undisturbed = shutil.copytree(later, tmp_path / "undisturbed")
    seeds = [later / f"results/resnet18/seed{seed}" for seed in (0, 1)]
    target = "results/resnet18/scores.csv"
    process = subprocess.Popen(
        submission(later, config=LONG, target=target),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def attempt(folder):
        path = folder / journal.NAME
        lines = journal.read(path) if path.is_file() else []
        return lines if len(lines) > 3 else None

    try:
        first = [wait_for(lambda s=seed: attempt(s), process)[0] for seed in seeds]
        pid = first[1]["process"]["pid"]
        os.kill(pid, signal.SIGSTOP)
        running = [job for job in records(later) if job.rule == "train"]
        (cancelled,) = [job.number for job in running if job.wildcards == "resnet18_0"]
        subprocess.run(["scancel", cancelled], check=True)
        # A state is saved every 30 seconds, in which a fast machine would be done.
        time.sleep(SAVE_EVERY + 1)
        os.kill(pid, signal.SIGCONT)
        wait_for((seeds[1] / "state.safetensors").is_file, process)
        os.kill(pid, signal.SIGKILL)
        said, _ = process.communicate(timeout=900)
    finally:
        process.kill()
    assert process.returncode == 0, said
    for number, (seed, start) in enumerate(zip(seeds, first, strict=True)):
        tries = [job for job in records(later) if job.wildcards == f"resnet18_{number}"]
        tries = sorted((job.number, job.state) for job in tries if job.rule == "train")
        assert [state for _, state in tries] == [["CANCELLED", "FAILED"][number], "COMPLETED"]
        assert journal.read(seed / journal.NAME)[0]["attempt"] != start["attempt"]
        log = (later / f"logs/train/resnet18/seed{number}.log").read_text()
        assert log.startswith("goes on in epoch ")
        assert not (seed / "state.safetensors").exists()
    locally(undisturbed, config=LONG, target=target)
    for name in ("seed0/model.safetensors", "seed1/model.safetensors", "seed0/history.csv",
                 "seed1/history.csv", "scores.csv"):  # fmt: skip
        assert (later / "results/resnet18" / name).read_bytes() == (
            undisturbed / "results/resnet18" / name
        ).read_bytes(), name


def test_a_job_that_always_fails_ends_the_workflow_and_is_named(later):
    started = time.monotonic()
    config = (*CONFIG, "experiments={resnet18: {train: {learning_rate: 1.0e+9, warmup_epochs: 0}}}")
    done = on_cluster(later, config=config, target="results/resnet18/seed0/model.safetensors")
    assert time.monotonic() - started < 180
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "Error in rule train" in said and "logs/train/resnet18/seed0.log" in said
    assert "is not finite" in said  # the job's own words
    tries = [job for job in records(later) if job.rule == "train" and job.state == "FAILED"]
    assert len(tries) == 2
