"""How long something takes, and how much memory: medians of runs in turn, torch's own counters."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

os.environ.setdefault("KINETO_LOG_LEVEL", "9")  # the profiler would log each start and stop

import torch
from torch.profiler import ProfilerActivity, profile

Run = Callable[[], object]
Result = TypeVar("Result")
TURNS = 5
"""In how many turns the repeats of one thing are made, where they are short."""


def seconds(run: Run, clock: Callable[[], float] = time.perf_counter) -> float:
    """How long one run takes."""
    started = clock()
    run()
    return clock() - started


def interleaved(
    runs: Sequence[Run],
    firsts: Sequence[float],
    budget: float,
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Times of several things, measured in turn, so that a slow moment of the machine meets all.

    A turn lasts ``budget`` / ``TURNS`` or one run. Its first run does not count where there are
    more: it finds the caches full of something else.

    Args:
        runs: what to measure.
        firsts: seconds that a first run of each took. Caches cold, it does not count, unless it
            alone takes the budget: then it is the only one.
        budget: seconds for the repeats of each.

    Returns:
        the seconds of each one's runs, at least one.
    """
    times = [[first] if first >= budget else [] for first in firsts]
    spent = [sum(made) for made in times]
    while min(spent) < budget:
        for index, run in enumerate(runs):
            if spent[index] < budget:
                made = _turn(run, budget / TURNS, clock)
                spent[index] += sum(made)
                times[index] += made[1:] or made
    return times


def _turn(run: Run, length: float, clock: Callable[[], float]) -> list[float]:
    made: list[float] = []
    while sum(made) < length:
        made.append(seconds(run, clock))
    return made


def peak(run: Callable[[], Result], device: torch.device) -> tuple[int, Result]:
    """Bytes that torch's allocator holds at most during a run, above those before; its result.

    The run frees only what it made itself. On a CPU torch's profiler counts; buffers inside the
    libraries below torch do not show in it. On a GPU one run before takes what then stays (the
    libraries' workspaces).
    """
    if device.type == "cuda":
        run()
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        result = run()
        return torch.cuda.max_memory_allocated(device) - before, result
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        result = run()
    assert record.profiler is not None
    assert record.profiler.kineto_results is not None
    held = highest = 0
    for event in record.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            highest = max(highest, held)
    return highest, result
