import os
import subprocess
import sys
import time

import pytest

from cadnet import gpu


def test_without_gpus_nothing_is_claimed(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with gpu.claim() as mine:
        assert mine is None


def test_two_jobs_get_two_gpus_and_the_third_waits(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with gpu.claim(locks=tmp_path) as first:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == first == "0"
        script = (
            "import sys; from pathlib import Path; from cadnet import gpu\n"
            f"with gpu.claim(locks=Path({str(tmp_path)!r})) as mine: print(mine, flush=True); "
            "sys.stdin.read()"
        )
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "0,1"}

        def start():
            return subprocess.Popen(
                [sys.executable, "-c", script],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )

        second, third = start(), None
        try:
            assert second.stdout.readline().strip() == "1"
            third = start()
            time.sleep(1.5)
            second.kill()  # a killed job's GPU is free again
            assert third.stdout.readline().strip() == "1"
        finally:
            for process in (second, third):
                if process:
                    process.kill()
                    process.communicate()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_job_for_the_cpu_claims_none(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with gpu.claim("cpu", tmp_path) as mine:
        assert mine is None


def test_an_older_slurms_word_for_no_gpu_is_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "NoDevFiles")
    assert gpu.visible_gpus() == []


def test_jobs_of_slurm_do_not_wait_for_each_other(monkeypatch, tmp_path):
    """Each on a GPU of its own that both call 0; within a job, the second process waits."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(gpu.tempfile, "tempdir", str(tmp_path))
    script = "import sys; from cadnet import gpu\nwith gpu.claim() as mine: print(mine, flush=True)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    def claimed(job):
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, "SLURM_JOB_ID": job},
            capture_output=True,
            text=True,
            timeout=5,
        ).stdout.strip()

    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with gpu.claim() as mine:
        assert mine == "0"
        assert claimed("8") == "0"
        with pytest.raises(subprocess.TimeoutExpired):
            claimed("7")
    assert claimed("7") == "0"
