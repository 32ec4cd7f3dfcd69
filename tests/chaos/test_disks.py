"""Disks that are full or read-only: said by name, nothing half under a final name, then mended."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest

from tests.chaos.small import CONFIG, FINAL, content, environment, run, start, verify

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_disk_that_fills_up(undisturbed, mount, tmp_path, part):
    """Another program takes all that is left while jobs run."""
    folder = undisturbed.restore(part)
    shutil.rmtree(folder)
    mount(folder, "size=400m")
    shutil.copytree(undisturbed.states[part], folder, dirs_exist_ok=True)
    said = tmp_path / "said"
    snakemake = start(folder, said, FINAL)
    while b"Job stats" not in said.read_bytes():
        time.sleep(0.1)
        assert snakemake.poll() is None, said.read_text()
    free = shutil.disk_usage(folder).free - 100_000
    subprocess.run(["fallocate", "-l", str(free), str(folder / "filler")], check=True)
    assert snakemake.wait(300) != 0
    text = said.read_text()
    assert f"no space is left on {folder}: free some and run again" in text, text
    # What has its final name is whole.
    checked = verify(folder)
    assert "its content differs" not in checked.stderr, checked.stderr
    refused = run(folder, FINAL)
    assert refused.returncode == 1
    assert "MB are left on its disk; free some and run again" in refused.stderr
    (folder / "filler").unlink()
    again = run(folder, FINAL)
    assert again.returncode == 0, again.stdout + again.stderr
    undisturbed.compare()


def test_a_full_disk_below_mlflows_store_stops_no_training(undisturbed, mount, tmp_path):
    store = mount(tmp_path / "full", "size=64k")
    folder = undisturbed.restore(1)
    config = [*CONFIG, f"tracking={{uri: 'sqlite:///{store}/mlflow.db'}}"]
    done = run(folder, FINAL, config)
    assert done.returncode == 0, done.stderr
    assert f"MLflow store sqlite:///{store}/mlflow.db cannot be used" in done.stderr
    assert content(folder) == undisturbed.content
    # Elsewhere later, by the command of docs/faults.md: what the journals kept is sent.
    command = [sys.executable, "-m", "cadnet.tracking.forward", "--out", "results/tracking.json"]
    subprocess.run(command, cwd=folder, env=environment(), check=True)
    undisturbed.compare()


@pytest.mark.parametrize("place", ["results/cadnet/seed0", "data/aligned"])
def test_a_read_only_place(undisturbed, mount, place):
    folder = undisturbed.restore(0)
    mount(folder / place, "ro")
    refused = run(folder, FINAL)
    assert refused.returncode == 1
    assert f"{folder / place}: cannot be written" in refused.stderr, refused.stderr
    subprocess.run(["umount", str(folder / place)], check=True)
    again = run(folder, FINAL)
    assert again.returncode == 0, again.stderr
    undisturbed.compare()
