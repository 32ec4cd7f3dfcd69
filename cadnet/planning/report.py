"""The plan of a run as text."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from cadnet.paper import typeset
from cadnet.params import Params
from cadnet.planning import space
from cadnet.planning.costs import Costs
from cadnet.planning.counts import Pictures, pictures
from cadnet.planning.jobs import jobs
from cadnet.planning.overheads import Overheads, overheads
from cadnet.planning.schedule import critical_path, wall_time
from cadnet.planning.steps import Steps

_DEVICE = ("train", "trial", "predict")


@dataclass(frozen=True)
class Plan:
    """What a run is expected to take; times in seconds.

    Attributes:
        rules: jobs, seconds on the CPU, seconds of training and prediction on their device.
        memory: MiB at most, by what holds it.
        rests_on: where the numbers come from.
    """

    title: str
    rules: dict[str, tuple[int, float, float]]
    wall: float
    path: float
    disk: dict[str, float]
    memory: dict[str, float]
    gpus: int
    cores: int
    rests_on: list[str]


def plan(
    params: Params, *, cores: int, gpus: int, steps: Steps | None, official: bool, slower: float
) -> Plan:
    """Predicts a run on this machine; training on GPUs where there are some to be.

    Args:
        steps: measured with the same parameters; None: the recorded GPU's.
        official: the owners' datasets, whole; else built-in faces.
        slower: this machine's time for what is recorded, over the recorded one's.
    """
    known = {name: pictures(params, name, official=official) for name in params.datasets()}
    recorded = overheads()
    costs = Costs(params, known, recorded, slower, steps)
    made = jobs(params, official=official, pdf=typeset.program() is not None)
    tasks = {job.key: costs.task(job, cores=cores) for job in made}
    rules: dict[str, tuple[int, float, float]] = defaultdict(lambda: (0, 0.0, 0.0))
    for job in made:
        count, cpu, device = rules[job.rule]
        spent = costs.spent(job)
        rules[job.rule] = (count + 1, cpu + spent.cpu, device + spent.device)
    # The forwarder of journals takes its share of the cores while jobs run.
    startup = (recorded.snakemake.job + recorded.forwarder.job / cores) * slower
    return Plan(
        title=f"{params.preset}: {len(params.selected())} experiments, "
        f"{len(params.seeds)} seeds, {'official' if official else 'built-in'} data",
        rules=dict(rules),
        wall=startup + wall_time(tasks, cores=cores, gpus=gpus),
        path=startup + critical_path(tasks),
        disk=space.on_disk(params, made, known, official=official),
        memory=_memory(params, known, steps, cores=cores, gpus=gpus),
        gpus=gpus,
        cores=cores,
        rests_on=_sources(params, costs, recorded, official),
    )


def _memory(
    params: Params, known: dict[str, Pictures], steps: Steps | None, *, cores: int, gpus: int
) -> dict[str, float]:
    largest = max(known.values(), key=lambda pictures: pictures.all)
    held = largest.all * space.HELD / 2**20
    if steps and not gpus:
        job = steps.memory_mib + held
        return {"a job": job, f"{cores} at once": cores * job}
    name, step = space.step_memory(params)
    base = 1500.0  # torch with CUDA's libraries
    return {f"the GPU, {name} in float32": step, "a job, beside it": base + held}


def _sources(params: Params, costs: Costs, recorded: Overheads, official: bool) -> list[str]:
    said = ["faces: official counts" if official else "faces: as the parameters have them drawn"]
    if costs.steps:
        said.append(f"steps: measured on this machine ({costs.steps.machine}), with batches")
    else:
        said.append(f"steps: {recorded.gpu.architecture} as measured on {recorded.gpu.where}")
    if costs.scaled:
        said.append("        other architectures by their multiply-adds, not measured")
    said.append(
        f"other jobs: recorded on {recorded.machine}; this machine takes {costs.slower:.2f} times "
        "as long to start one"
    )
    if official:
        said.append("        recorded on small pictures: larger ones take longer")
    return said


def _hours(seconds: float) -> str:
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.1f} d"
    if seconds >= 2 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.1f} min" if seconds >= 120 else f"{seconds:.1f} s"


def _bytes(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def text(plan: Plan) -> str:
    """As a person reads it."""
    where = "GPU" if plan.gpus else "CPU, steps"
    lines = [plan.title, "", f"{'':<12}{'jobs':>6}{'CPU':>12}{where:>12}"]
    order = sorted(plan.rules.items(), key=lambda item: -(item[1][1] + item[1][2]))
    for rule, (count, cpu, device) in order:
        on_device = _hours(device) if rule in _DEVICE else ""
        lines.append(f"{rule:<12}{count:>6}{_hours(cpu):>12}{on_device:>12}")
    count, cpu, device = (sum(column) for column in zip(*plan.rules.values(), strict=True))
    lines.append(f"{'total':<12}{count:>6}{_hours(cpu):>12}{_hours(device):>12}")
    places = f"{plan.cores} cores" + (
        f", {plan.gpus} GPU{'s'[: plan.gpus > 1]}" if plan.gpus else ""
    )
    lines += [
        "",
        f"wall time   {_hours(plan.wall)} on {places}; {_hours(plan.path)} at least, however many",
        f"disk        {_bytes(sum(plan.disk.values()))}: "
        + ", ".join(f"{name} {_bytes(size)}" for name, size in plan.disk.items() if size),
        "memory      "
        + ", ".join(f"{name} {size / 1024:.1f} GiB" for name, size in plan.memory.items()),
        "",
        *plan.rests_on,
    ]
    return "\n".join(lines)
