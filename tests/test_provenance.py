import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cadnet import provenance
from cadnet.provenance import OutputError, atomic_path, tree_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package: ``job`` imports ``lib`` inside a function; ``other`` stands apart."""
    root = tmp_path / "pkg"
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "job.py").write_text("def f():\n    from pkg import lib\n    return lib.x\n")
    (root / "lib.py").write_text('"""Doc."""\nx = 1\n')
    (root / "other.py").write_text("y = 1\n")
    monkeypatch.setattr(provenance, "PACKAGE_ROOT", tmp_path)

    def digest():
        provenance._parsed.cache_clear()
        return provenance.code_digest("pkg.job")

    yield root, digest
    provenance._parsed.cache_clear()


def test_comments_docstrings_layout_and_dates_leave_the_code_digest_alone(package):
    root, digest = package
    before = digest()
    (root / "lib.py").write_text('"""Other words."""\n# a comment\n\nx = (1)\n')
    os.utime(root / "job.py", (0, 0))
    (root / "other.py").write_text("y = 2\n")
    assert digest() == before


def test_an_edit_of_an_imported_module_changes_the_code_digest(package):
    root, digest = package
    before = digest()
    (root / "lib.py").write_text("x = 2\n")
    assert digest() != before


def test_the_static_closure_holds_all_that_a_job_really_imports():
    """What Python itself loads is what the digest covers, for every job."""
    jobs = {
        "cadnet.data.align": "import cadnet.data.sources.w300, cadnet.data.sources.cofw",
        "cadnet.training.predict": "",
        "cadnet.evaluation.score": "",
        "cadnet.paper.report": "",
    }
    for job, more in jobs.items():
        script = (
            f"import sys, json, {job}\n{more}\n"
            "print(json.dumps([m for m in sys.modules if m.split('.')[0] == 'cadnet']))"
        )
        loaded = json.loads(subprocess.check_output([sys.executable, "-c", script], text=True))
        extra = ["cadnet.data.sources.w300", "cadnet.data.sources.cofw"] if more else []
        assert set(loaded) <= set(provenance.imported_modules(job, *extra)), job


def test_the_many_jobs_of_scoring_and_reporting_start_without_the_slow_imports():
    slow = ("torch", "mlflow", "pandas", "matplotlib", "scipy")
    table = "cadnet.paper.tables, cadnet.paper.kinds.scores"
    for job in ("cadnet.evaluation.score", table, "cadnet.paper.report", "cadnet.paper.latex"):
        script = f"import sys, {job}; print([m for m in {slow} if m in sys.modules])"
        assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_tree_digest_sees_content_and_names_not_place_or_dates(tmp_path):
    def tree(name, files):
        for path, text in files.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(text)
        return tree_digest(tmp_path / name, tmp_path / f"{name}.json")

    first = tree("a", {"x/1.pts": "1", "2.pts": "2"})
    assert tree("b", {"2.pts": "2", "x/1.pts": "1"}) == first
    os.utime(tmp_path / "a" / "2.pts", (1, 1))
    assert tree_digest(tmp_path / "a", tmp_path / "a.json") == first
    assert tree("c", {"x/1.pts": "1", "2.pts": "3"}) != first
    assert tree("d", {"x/1.pts": "1", "3.pts": "2"}) != first
    assert tree("b", {"new.pts": ""}) != first


def test_tree_digest_reads_a_file_again_only_when_its_entry_changed(tmp_path, monkeypatch):
    root = tmp_path / "data"
    root.mkdir()
    for name in "ab":
        (root / name).write_text(name)
    read = []
    real = provenance.file_digest
    monkeypatch.setattr(provenance, "file_digest", lambda p: read.append(p.name) or real(p))
    cache = tmp_path / "cache.json"
    first = tree_digest(root, cache)
    assert tree_digest(root, cache) == first
    assert sorted(read) == ["a", "b"]
    (root / "a").write_text("longer")
    assert tree_digest(root, cache) != first
    assert read[2:] == ["a"]
    cache.write_text("{ broken")
    tree_digest(root, cache)
    assert sorted(read[3:]) == ["a", "b"]


def test_atomic_path_leaves_the_old_result_when_the_job_fails(tmp_path):
    final = tmp_path / "deep" / "result.csv"
    with atomic_path(final) as temporary:
        temporary.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(final) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert final.read_text() == "old"
    assert [p.name for p in final.parent.iterdir()] == ["result.csv"]


@pytest.mark.parametrize(
    ("number", "mend"),
    [(errno.ENOSPC, "no space is left"), (errno.EACCES, "permissions"), (errno.EROFS, "read-only")],
)
def test_disks_that_cannot_be_written_are_named_with_what_to_do(tmp_path, number, mend):
    final = tmp_path / "result.csv"
    with pytest.raises(OutputError, match=mend) as caught, atomic_path(final):
        raise OSError(number, os.strerror(number))
    assert str(final) in str(caught.value)


def test_a_really_full_disk_is_reported(tmp_path):
    """/dev/full gives ENOSPC on every write."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with (
        pytest.raises(OutputError, match="no space is left"),
        atomic_path(tmp_path / "x"),
        Path("/dev/full").open("w") as full,
    ):
        full.write("x" * 10)
        full.flush()


def test_a_full_disk_is_reported_also_where_a_library_gives_the_systems_words_alone(tmp_path):
    """As safetensors does. The disk is named as the place where it is mounted."""
    words = f"I/O error: {os.strerror(errno.ENOSPC)} (os error {errno.ENOSPC})"
    with (
        pytest.raises(OutputError, match="no space is left on /") as caught,
        atomic_path(tmp_path / "model.safetensors"),
    ):
        raise RuntimeError(words)
    disk = str(caught.value).split("left on ")[1].split(":")[0]
    assert os.path.ismount(disk) and tmp_path.is_relative_to(disk)
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "x"):
        raise RuntimeError("picture.jpg: Permission denied")  # of something that was read


def test_commit_outside_a_checkout_is_unknown(tmp_path):
    assert provenance.commit(tmp_path) == "unknown (not a git checkout)"


def test_canonical_json_refuses_nan():
    with pytest.raises(ValueError, match="Out of range"):
        provenance.canonical_json({"a": float("nan")})
