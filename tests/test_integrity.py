"""Digests of results, through real job processes where a job records."""

import os
import subprocess
import sys

import pytest

from cadnet import integrity, job
from cadnet.cli import main
from cadnet.integrity import CorruptedError, record_of, verified
from cadnet.provenance import atomic_path

JOB = """
import sys
from pathlib import Path
from cadnet import integrity, job
from cadnet.provenance import atomic_path

def run(options):
    text = "".join(path.read_text() for path in options.given) + options.text
    with atomic_path(options.out) as temporary:
        temporary.write_text(text)
    return "done"

parser = job.parser(None)
parser.add_argument("--given", type=Path, nargs="*", default=[])
parser.add_argument("--text", default="")
parser.add_argument("--out", type=Path)
sys.exit(job.main(run, parser.parse_args()))
"""


def do(*arguments):
    command = [sys.executable, "-c", JOB, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def flip(path, place=0):
    """One bit; date and size stay."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def made(tmp_path):
    """A folder with what two jobs wrote, the second from the first's."""
    folder = tmp_path / "results"
    first, second = folder / "a" / "first.csv", folder / "second.csv"
    assert do("--text", "one", "--out", first).returncode == 0
    done = do("--given", first, "--text", "two", "--out", second)
    assert done.returncode == 0, done.stderr
    return folder, first, second


def test_a_record_is_what_sha256sum_reads(made):
    folder, first, second = made
    for path in (first, second):
        assert record_of(path).is_file()
        checked = subprocess.run(
            ["sha256sum", "-c", record_of(path).relative_to(path.parent)],
            cwd=path.parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert checked.stdout == f"{path.name}: OK\n"
    assert sorted(p.name for p in folder.rglob(".*")) == [".digests", ".digests"]


def test_a_flipped_bit_is_refused_by_name_until_the_file_is_made_again(made):
    _, first, second = made
    before = second.read_bytes()
    flip(first)
    refused = do("--given", first, "--text", "two", "--out", second)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {first}: its content differs from what its job wrote")
    assert "remove it and run `snakemake all` again" in refused.stderr
    assert "Traceback" not in refused.stderr and second.read_bytes() == before
    first.unlink()
    assert do("--text", "one", "--out", first).returncode == 0
    assert do("--given", first, "--text", "two", "--out", second).returncode == 0
    assert second.read_bytes() == before


def test_a_damaged_record_is_refused_too(made):
    _, first, _ = made
    record_of(first).write_bytes(b"")
    with pytest.raises(CorruptedError, match=r"first\.csv"):
        verified(first)


def test_a_file_of_ones_own_is_taken_as_it_is(made, tmp_path):
    folder, first, second = made
    mine = tmp_path / "mine.csv"
    mine.write_text("mine")
    assert verified(mine) == mine
    assert do("--given", mine, "--out", second).returncode == 0
    # Also where a job's file was: written by hand through the same door, it has no record.
    with atomic_path(first) as temporary:
        temporary.write_text("mine")
    assert not record_of(first).exists()
    assert verified(first).read_text() == "mine"
    assert verified(folder / "absent.csv")


def test_a_large_file_is_read_once_a_process(made, monkeypatch):
    _, first, _ = made
    read = []
    real = integrity.file_digest
    monkeypatch.setattr(integrity, "file_digest", lambda path: read.append(path) or real(path))
    for _ in range(3):
        verified(first)
    assert read == [first]
    flip(first)
    os.utime(first, (1, 1))
    with pytest.raises(CorruptedError):
        verified(first)


def test_cadnet_verify_lists_what_differs_and_what_is_gone(made, capsys):
    folder, first, second = made
    assert main(["verify", str(folder)]) == 0
    assert capsys.readouterr().out == "2 files are as their jobs wrote them\n"
    flip(first)
    second.unlink()
    assert main(["verify", str(folder)]) == 1
    said = capsys.readouterr().err
    assert f"{first}: its content differs" in said and f"{second}: is gone" in said
    assert "2 of 2 files are not as their jobs wrote them" in said
    assert main(["verify", str(folder / "nothing")]) == 1
    assert "run the pipeline first" in capsys.readouterr().err


def test_recording_ends_with_the_job(tmp_path):
    """A process that calls a job's main, as tests and notebooks do, is no job after it."""
    options = job.parser(None).parse_args([])

    def run(_):
        with atomic_path(tmp_path / "of_the_job.csv") as temporary:
            temporary.write_text("x")
        return "done"

    assert job.main(run, options) == 0
    with atomic_path(tmp_path / "later.csv") as temporary:
        temporary.write_text("x")
    assert record_of(tmp_path / "of_the_job.csv").is_file()
    assert not record_of(tmp_path / "later.csv").exists()


def test_folders_and_processes_that_are_no_jobs_record_nothing(tmp_path):
    with atomic_path(tmp_path / "result.csv") as temporary:
        temporary.write_text("x")
    assert not (tmp_path / integrity.FOLDER).exists()
    with integrity.recording(), atomic_path(tmp_path / "folder") as temporary:
        temporary.mkdir()
    assert (tmp_path / "folder").is_dir() and not (tmp_path / integrity.FOLDER).exists()
