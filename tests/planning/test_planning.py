"""The plan against Snakemake's own, a naive simulation, and counts made by hand."""

import random
from collections import Counter

import pytest

from cadnet.paper import typeset
from cadnet.params import load
from cadnet.planning import space
from cadnet.planning.counts import pictures
from cadnet.planning.jobs import jobs
from cadnet.planning.report import plan, text
from cadnet.planning.schedule import Task, critical_path, finished, wall_time
from cadnet.planning.steps import Speed, Steps, gmacs, kind
from tests.conftest import ROOT
from tests.workflow.conftest import FEW, snakemake
from tests.workflow.conftest import jobs as planned

TEX = typeset.program() is not None


@pytest.fixture(scope="module")
def paper():
    return load(ROOT / "params.yaml", {"preset": "paper"})


def test_the_jobs_are_snakemakes(params, tmp_path):
    ours = Counter(job.rule for job in jobs(params, official=False, pdf=TEX))
    assert dict(ours) == planned(snakemake(tmp_path, "-n", config=[]))


def test_of_selected_experiments_too(tmp_path):
    few = load(
        ROOT / "params.yaml",
        {
            "preset": "smoke",
            "only": ["resnet18", "cadnet"],
            "search": {"grids": dict.fromkeys(["rank", "lambda_u", "lambda_v", "gamma_final"])},
        },
    )
    ours = Counter(job.rule for job in jobs(few, official=False, pdf=TEX))
    assert dict(ours) == planned(snakemake(tmp_path, "-n", config=FEW))


def test_every_job_comes_after_those_that_it_needs(paper):
    done = set()
    for job in jobs(paper, official=True, pdf=True):
        assert set(job.needs) <= done, job
        done.add(job.key)
    assert {"weights 18", "pdf ", "train cadnet_plus_aflw/2"} <= done
    assert not any(key.startswith("builtin") for key in done)


def test_counts_are_the_official_ones_or_those_of_the_parameters(paper, params):
    official = pictures(paper, "300w", official=True)
    assert official == (2833, 315, 689)
    assert pictures(paper, "cofw", official=True).test == 507
    assert pictures(paper, "300vw", official=True).all == pytest.approx(218595, abs=2)
    assert pictures(paper, "affectnet", official=True).all == 287651 + 4000
    assert pictures(params, "300w", official=False) == (65, 7, 32)
    assert pictures(params, "300vw", official=False).test == 3 * params.data.builtin.frames


def naive(tasks, cores, gpus):
    """The same in ticks: at each, what is done ends, then what fits starts."""
    ends, running, started, tick = {}, {}, set(), 0
    while len(ends) < len(tasks):
        for key in [key for key, end in running.items() if end == tick]:
            ends[key] = running.pop(key)
        used = sum(tasks[key].cores for key in running)
        used_gpus = sum(tasks[key].gpu for key in running)
        for key in sorted(tasks, key=lambda key: not tasks[key].urgent):
            task = tasks[key]
            if key in started or not set(task.needs) <= set(ends):
                continue
            if used + task.cores <= cores and (not gpus or used_gpus + task.gpu <= gpus):
                running[key], used = tick + task.seconds, used + task.cores
                used_gpus += task.gpu
                started.add(key)
        tick += 1
    return ends


@pytest.mark.parametrize("seed", range(30))
def test_the_schedule_is_that_of_a_naive_simulation(seed):
    rng = random.Random(seed)
    cores, gpus = rng.randint(1, 4), rng.randint(0, 2)
    tasks = {}
    for index in range(40):
        needs = rng.sample([*tasks], rng.randint(0, min(3, len(tasks))))
        tasks[str(index)] = Task(
            rng.randint(1, 9), tuple(needs), rng.randint(1, cores), rng.random() < 0.5,
            rng.random() < 0.2,
        )  # fmt: skip
    assert finished(tasks, cores=cores, gpus=gpus) == naive(tasks, cores, gpus)
    assert wall_time(tasks, cores=1000, gpus=1000) == critical_path(tasks)


def steps(params, *names):
    """Made-up speeds of all kinds of steps, or of some experiments'."""
    chosen = {n: e for n, e in params.selected().items() if not names or n in names}
    speeds = {
        kind(e, params.data.size): Speed(name=n, step=1.0, look=0.1, gmacs=1.0)
        for n, e in chosen.items()
    }
    return Steps(machine="here", preset=params.preset, memory_mib=100.0, speeds=speeds)


def planned_for(params, cores, *names):
    return plan(
        params, cores=cores, gpus=0, steps=steps(params, *names), official=False, slower=1.0
    )


def test_training_takes_its_steps_and_validation_and_more_cores_help(params):
    made = planned_for(params, 1)
    count, _, seconds = made.rules["train"]
    expected = 0.0
    for experiment in params.experiments.values():
        data = pictures(params, experiment.train_on, official=False)
        expected += experiment.train.epochs * (data.train + 0.1 * data.validation)
    assert (count, seconds) == (43, pytest.approx(expected))
    both = planned_for(params, 2)
    assert made.path * 0.9 < both.wall < 0.6 * made.wall
    assert "train" in text(made) and "measured on this machine (here)" in text(made)
    assert "by their multiply-adds" not in text(made)


def test_what_was_not_measured_is_scaled_by_multiply_adds_and_said(params):
    few = params.model_copy(update={"only": ["resnet18", "cadnet"]})
    made = planned_for(few, 2, "cadnet")
    assert "by their multiply-adds, not measured" in text(made)
    size = params.data.size
    ratio = gmacs(params.experiments["resnet18"], size)  # the measured one counts as 1
    data = pictures(params, "300w", official=False)
    an_epoch = data.train + 0.1 * data.validation
    assert made.rules["train"][2] == pytest.approx(3 * an_epoch * (1 + ratio))


def test_disk_is_that_of_crops_and_models(paper):
    made = jobs(paper, official=True, pdf=False)
    known = {name: pictures(paper, name, official=True) for name in paper.datasets()}
    found = space.on_disk(paper, made, known, official=True)
    total = sum(counts.all for counts in known.values())
    assert found["aligned crops"] == pytest.approx(total * 224 * 224 * 3, rel=0.01)
    assert found["built-in faces"] == 0 and found["models"] > 138 * 3 * 4 * 11e6
