"""Locks of a killed Snakemake go, those of a living one stay: with real processes."""

import os
import subprocess
import sys

from tests.conftest import ROOT

ANNOUNCE = """
import sys
from pathlib import Path
from workflow.locks import announce
print(announce(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def at_work(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", ANNOUNCE, str(folder)], cwd=ROOT, env={**os.environ},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return process, process.stdout.readline().strip()


def end(process):
    process.kill()
    process.communicate()


def test_only_a_dead_ones_locks_are_removed(tmp_path):
    lock = tmp_path / ".snakemake" / "locks" / "0.output.lock"
    lock.parent.mkdir(parents=True)
    first, said = at_work(tmp_path)
    assert said == ""
    lock.write_text("results/scores.csv\n")  # as Snakemake does after it has read the Snakefile
    second, said = at_work(tmp_path)
    assert "another snakemake is at work" in said and lock.exists()
    end(first)
    third, said = at_work(tmp_path)
    assert "another snakemake is at work" in said and lock.exists()
    end(second)
    end(third)
    fourth, said = at_work(tmp_path)
    assert "was killed" in said and not lock.exists()
    end(fourth)
