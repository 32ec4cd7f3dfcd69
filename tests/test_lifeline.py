"""Jobs end with their owner, and two are never at the same results: with real processes."""

import os
import subprocess
import sys
import time

import psutil

JOB = """
import sys, time
from cadnet import job

def run(options):
    print("at it", flush=True)
    time.sleep({seconds})
    return "done"

sys.exit(job.main(run, job.parser(None).parse_args()))
"""
OWNER = """
import os, subprocess, sys
environment = {**os.environ, "CADNET_OWNER": str(os.getpid())}
command = [sys.executable, "-c", sys.argv[1], "--log", sys.argv[2]]
subprocess.run(["bash", "-c", '"$@"; true', "bash", *command], env=environment)
"""


def waits_for(path, text):
    for _ in range(400):
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path}: never said {text!r}")


def test_a_job_ends_with_its_owner_though_the_shell_between_lives(tmp_path):
    log = tmp_path / "job.log"
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, JOB.replace("{seconds}", "120"), str(log)],
        start_new_session=True,
    )
    waits_for(log, "at it")
    below = psutil.Process(owner.pid).children(recursive=True)
    owner.kill()
    owner.wait(10)
    assert not psutil.wait_procs(below, timeout=20)[1]
    assert "the process that started this job is gone" in log.read_text()


def test_a_job_whose_owner_is_gone_already_does_not_begin():
    gone = subprocess.Popen(["true"])
    gone.wait(10)
    done = subprocess.run(
        [sys.executable, "-c", JOB.replace("{seconds}", "120")],
        env={**os.environ, "CADNET_OWNER": str(gone.pid)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 128 + 15
    assert "at it" not in done.stdout


def test_a_second_job_with_the_same_log_waits_for_the_first(tmp_path):
    log = tmp_path / "job.log"
    command = [sys.executable, "-c", JOB.replace("{seconds}", "3"), "--log", str(log)]
    first = subprocess.Popen(command)
    waits_for(log, "at it")
    second = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert "another process is at this job" in second.stderr.readline()
    assert first.poll() is None
    assert log.read_text() == "at it\n"
    assert first.wait(20) == 0
    # A kill of the first would free the second as well: the kernel holds the lock.
    assert second.wait(20) == 0
    second.communicate()
    assert log.read_text() == "at it\ndone\n"
