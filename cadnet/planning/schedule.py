"""When jobs would start and end on so many cores and GPUs: list scheduling, Snakemake's way."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple


class Task(NamedTuple):
    """A job to place.

    Attributes:
        cores: that it occupies.
        gpu: whether it occupies a GPU, where GPUs are counted.
        urgent: goes before others that are ready.
    """

    seconds: float
    needs: tuple[str, ...] = ()
    cores: int = 1
    gpu: bool = False
    urgent: bool = False


def finished(tasks: Mapping[str, Task], *, cores: int, gpus: int = 0) -> dict[str, float]:
    """Seconds from the start until each task's end.

    A task that is ready starts as soon as it fits; of several, urgent ones first, then in the order
    of ``tasks``. Without GPUs those that use one run on the cores.
    """
    order = {key: (not task.urgent, place) for place, (key, task) in enumerate(tasks.items())}
    after: dict[str, list[str]] = {key: [] for key in tasks}
    missing = {key: len(set(task.needs)) for key, task in tasks.items()}
    for key, task in tasks.items():
        for need in set(task.needs):
            after[need].append(key)
    ready = sorted((key for key in tasks if not missing[key]), key=order.__getitem__)
    running: list[tuple[float, str]] = []
    ends: dict[str, float] = {}
    now, free, free_gpus = 0.0, cores, gpus
    while ready or running:
        waiting = []
        for key in ready:
            task = tasks[key]
            uses_gpu = task.gpu and gpus > 0
            if min(task.cores, cores) <= free and (not uses_gpu or free_gpus):
                free -= min(task.cores, cores)
                free_gpus -= uses_gpu
                heapq.heappush(running, (now + task.seconds, key))
            else:
                waiting.append(key)
        ready = waiting
        now, key = heapq.heappop(running)
        ended = [key]
        while running and running[0][0] == now:
            ended.append(heapq.heappop(running)[1])
        for key in ended:
            ends[key] = now
            free += min(tasks[key].cores, cores)
            free_gpus += tasks[key].gpu and gpus > 0
            for follower in after[key]:
                missing[follower] -= 1
                if not missing[follower]:
                    ready.append(follower)
        ready.sort(key=order.__getitem__)
    return ends


def wall_time(tasks: Mapping[str, Task], *, cores: int, gpus: int = 0) -> float:
    """Seconds until all is done."""
    return max(finished(tasks, cores=cores, gpus=gpus).values(), default=0.0)


def critical_path(tasks: Mapping[str, Task]) -> float:
    """Seconds with as many cores and GPUs as could ever be used; ``tasks`` in a possible order."""
    ends: dict[str, float] = {}
    for key, task in tasks.items():
        ends[key] = task.seconds + max((ends[need] for need in task.needs), default=0.0)
    return max(ends.values(), default=0.0)
