"""SIGKILL at random moments of the whole run, then the same command again and nothing else.

A moment is drawn from the seconds that the undisturbed run took, one from each tenth of them. The
run starts from a copy of the state before the part in which the moment lies.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import psutil
import pytest

from tests.chaos.small import FINAL, run, start

pytestmark = pytest.mark.chaos
TIMES = 10


def a_job(snakemake, rng):
    """A job, or what brings journals to MLflow."""
    while snakemake.poll() is None:
        try:
            processes = psutil.Process(snakemake.pid).children(recursive=True)
            jobs = [p for p in processes if any("cadnet." in word for word in p.cmdline()[1:3])]
        except psutil.Error:
            continue
        if jobs:
            rng.choice(jobs).kill()
            snakemake.wait(900)
            return True
        time.sleep(0.02)
    return False


def snakemake_itself(snakemake, rng):
    """Its jobs live on, if only for a moment."""
    snakemake.kill()
    return snakemake.wait(30) == -signal.SIGKILL


def the_session(snakemake, rng):
    """As when a machine's owner ends a user's session."""
    os.killpg(snakemake.pid, signal.SIGKILL)
    return snakemake.wait(30) == -signal.SIGKILL


@pytest.mark.parametrize("kill", [a_job, snakemake_itself, the_session])
@pytest.mark.parametrize("number", range(TIMES))
def test_after_a_kill_the_same_command_gives_the_same_bytes(undisturbed, kill, number, tmp_path):
    rng = random.Random(f"{kill.__name__} {number}")
    moment = (number + rng.random()) / TIMES * sum(undisturbed.seconds)
    part = 0
    while moment > undisturbed.seconds[part]:
        moment -= undisturbed.seconds[part]
        part += 1
    for _ in range(5):
        folder = undisturbed.restore(part)
        snakemake = start(folder, tmp_path / "said", FINAL)
        try:
            snakemake.wait(moment)
        except subprocess.TimeoutExpired:
            if kill(snakemake, rng):
                break
        moment *= 0.7  # it was faster than the undisturbed run
    else:
        raise AssertionError("never caught it")
    again = run(folder, FINAL)
    assert again.returncode == 0, again.stdout + again.stderr
    more = undisturbed.compare()
    print(f"\npart {part}, {moment:.1f} s in; Snakemake ended with {snakemake.returncode}; "
          f"{more} runs of jobs that had finished")  # fmt: skip
