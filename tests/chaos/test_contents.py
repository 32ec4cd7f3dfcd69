"""Bits that flip while dates and sizes stay: never used silently, mended as the message says."""

from __future__ import annotations

import os

import pytest

from tests.chaos.small import FINAL, run, verify

pytestmark = pytest.mark.chaos
FLIPPED = {
    "data/aligned/300w.arrow": 1,
    "data/aligned/300w.json": 1,
    "results/cadnet/seed0/model.safetensors": None,
    "results/cadnet/seed0/predictions.parquet": 2,
    "results/cadnet/seed0/run.json": 2,
    "results/cadnet/scores.csv": 3,
    "results/cadnet/errors.parquet": None,
}
"""Files, and the state in which what reads them is still to come; None: it is removed."""
READERS = {
    "results/cadnet/seed0/model.safetensors": "results/cadnet/seed0/predictions.parquet",
    "results/cadnet/errors.parquet": "results/errors.parquet",
}


def flip(path):
    """One bit in the middle, as a bad disk or cable does."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(status.st_size // 2)
        byte = file.read(1)[0] ^ 1
        file.seek(status.st_size // 2)
        file.write(bytes([byte]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("name", FLIPPED)
def test_a_flipped_bit(undisturbed, name):
    state = FLIPPED[name]
    folder = undisturbed.restore(4 if state is None else state)
    if state is None:
        (folder / READERS[name]).unlink()
    flip(folder / name)
    checked = verify(folder)
    assert checked.returncode == 1
    assert f"{name}: its content differs" in checked.stderr
    targets = (*FINAL, READERS[name]) if state is None else FINAL
    refused = run(folder, targets)
    assert refused.returncode == 1, refused.stderr
    assert f"{name}: its content differs from what its job wrote" in refused.stderr
    assert "remove it and run `snakemake all` again" in refused.stderr
    (folder / name).unlink()
    again = run(folder, targets)
    assert again.returncode == 0, again.stderr
    undisturbed.compare()


def test_a_flipped_bit_in_a_final_table_is_found_and_mended(undisturbed):
    folder, name = undisturbed.restore(4), "reports/tables/T2.csv"
    flip(folder / name)
    checked = verify(folder)
    assert checked.returncode == 1 and f"{name}: its content differs" in checked.stderr
    (folder / name).unlink()
    assert run(folder, [name]).returncode == 0
    undisturbed.compare()
