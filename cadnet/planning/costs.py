"""How long each job takes, and on what."""

from __future__ import annotations

from dataclasses import dataclass

from cadnet.paper import declarations
from cadnet.params import Params
from cadnet.planning.counts import Pictures
from cadnet.planning.jobs import Job
from cadnet.planning.overheads import Cost, Overheads
from cadnet.planning.schedule import Task
from cadnet.planning.steps import Speed, Steps, gmacs, kind
from cadnet.schema import Experiment

_RUNS = 3
"""Of each model that `costs` times: in PyTorch and onnxruntime, and a batch."""
_LOOK = 1 / 3
"""Of a recorded step's time: its forward pass, which is all that a prediction needs."""


@dataclass(frozen=True)
class Spent:
    """Seconds of a job: on the CPU, and on the device that trains (a GPU, or the CPU too)."""

    cpu: float
    device: float


@dataclass
class Costs:
    """Seconds of jobs.

    Attributes:
        slower: this machine's time over the recorded one's, for what is recorded.
        steps: measured here; None: the recorded GPU's.
    """

    params: Params
    pictures: dict[str, Pictures]
    overheads: Overheads
    slower: float
    steps: Steps | None

    def __post_init__(self) -> None:
        self._speeds: dict[str, Speed] = {}
        self.scaled = False  # whether some speed was not measured, but scaled by multiply-adds

    def speed(self, experiment: Experiment) -> Speed:
        """Of an experiment's model: measured, or by its multiply-adds from one that was."""
        size = self.params.data.size
        key = kind(experiment, size)
        if self.steps and key in self.steps.speeds:
            return self.steps.speeds[key]
        self.scaled = True
        if key not in self._speeds:
            ours, like = gmacs(experiment, size), self._measured()
            factor = ours / like.gmacs
            self._speeds[key] = Speed(
                name=experiment.architecture, gmacs=ours,
                step=like.step * factor, look=like.look * factor,
            )  # fmt: skip
        return self._speeds[key]

    def _measured(self) -> Speed:
        if self.steps:
            return next(iter(self.steps.speeds.values()))
        recorded = self.overheads.gpu
        a_picture = 1 / recorded.pictures_per_second
        known = self.params.experiments[recorded.architecture]
        return Speed(
            name=recorded.architecture, gmacs=gmacs(known, self.params.data.size),
            step=a_picture, look=a_picture * _LOOK,
        )  # fmt: skip

    def spent(self, job: Job) -> Spent:
        """A job's seconds."""
        rules = self.overheads.rules
        cost = rules.get(job.key, rules.get(job.rule, Cost(job=0)))
        mine = cost.job + cost.unit * self.units(job) + self.overheads.snakemake.unit
        return Spent(self.slower * mine + self.timings(job), self.device(job))

    def device(self, job: Job) -> float:
        """Seconds of a job's training steps and predictions."""
        if job.experiment and job.rule in ("train", "trial"):
            speed, data = self.speed(job.experiment), self.pictures[job.experiment.train_on]
            an_epoch = data.train * speed.step + data.validation * speed.look
            return job.experiment.train.epochs * an_epoch
        if job.experiment and job.rule == "predict":
            return self._predicted(job.experiment) * self.speed(job.experiment).look
        return 0.0

    def timings(self, job: Job) -> float:
        """What `measure` and `costs` repeat for as long as they are told, whatever the machine."""
        seconds = self.params.efficiency.seconds
        if job.rule == "costs":
            return _RUNS * len(job.needs) * seconds
        return len(declarations.architectures()) * seconds if job.rule == "measure" else 0.0

    def units(self, job: Job) -> float:
        """How many units of work a job has: pictures, predictions or architectures."""
        selected, seeds = self.params.selected(), len(self.params.seeds)
        if job.rule == "builtin":
            return self.pictures[job.subject].all * (self.params.data.builtin.size / 160) ** 2
        if job.rule == "align":
            return self.pictures[job.subject].all
        if job.rule == "score" and job.experiment:
            return seeds * self._predicted(job.experiment)
        if job.rule in ("predict", "quantise") and job.experiment:
            return self._predicted(job.experiment)
        if job.rule in ("collect", "report") or job.subject in ("C1", "C3"):
            return seeds * sum(map(self._predicted, selected.values()))
        if job.rule == "measure":
            return len(declarations.architectures())
        return 0

    def _predicted(self, experiment: Experiment) -> int:
        return sum(self.pictures[name].predicted for name in experiment.test_on)

    def task(self, job: Job, *, cores: int) -> Task:
        """A job for the schedule."""
        spent = self.spent(job)
        threads = job.experiment.train.threads if job.experiment else 1
        uses_gpu = job.rule in ("train", "trial", "predict", "measure")
        return Task(
            seconds=spent.cpu + spent.device,
            needs=job.needs,
            cores=cores if job.rule in ("measure", "costs") else threads,
            gpu=uses_gpu,
            urgent=job.rule in ("trial", "choose"),
        )
