import os
import subprocess
import sys
import time

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
