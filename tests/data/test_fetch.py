"""Downloads against a server on this machine: whole, broken off, changed, malicious."""

import errno
import hashlib
import io
import json
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from typing import get_args

import numpy as np
import pytest

from cadnet import cli
from cadnet.data import download, fetch, origin
from cadnet.data.access import Access, Archive, access, matching
from cadnet.data.download import FetchError
from cadnet.data.sources import SOURCE_MODULES
from cadnet.params import Data
from cadnet.provenance import OutputError
from tests.conftest import ROOT
from tests.server import serving, zipped

NOISE = np.random.default_rng(0).bytes(600_000)
FILES = {"faces.mat": NOISE[:400_000], "more/a_1.mat": b"one", "more/a_2.mat": b"two"}
BODY = zipped({**FILES, "readme.txt": b"not wanted"})
MEMBERS = {"faces.mat": {"bytes": 400_000}, "more/*_*.mat": {"bytes": 3, "count": 2}}


@pytest.fixture
def server():
    with serving() as running:
        running.files["set.zip"] = BODY
        yield running


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(download, "RETRIES", download.RETRIES.new(backoff_factor=0))


@pytest.fixture
def out(tmp_path):
    return tmp_path / "raw" / "cofw"


def archive(server, body=BODY, **changes):
    entry = {
        "url": server.url("set.zip"),
        "bytes": 1_000_000,
        "sha256": hashlib.sha256(body).hexdigest(),
        "members": MEMBERS,
    }
    return Archive.model_validate(entry | changes)


def holds(folder):
    """Everything below a folder, hidden files too."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def refused(out, *archives, match):
    with pytest.raises(FetchError, match=match) as error:
        fetch.fetch(out, list(archives))
    return str(error.value)


def part(out):
    (path,) = out.parent.glob(".cofw.fetch/*.part")
    return path


def test_the_wanted_files_arrive_whole_with_their_digests(server, out):
    message = fetch.fetch(out, [archive(server)])
    assert message == f"3 files, 400 kB, in {out}"
    found = holds(out.parent)
    manifest = found.pop("cofw/SHA256SUMS").decode()
    assert found == {f"cofw/{name}": content for name, content in FILES.items()}
    checked = subprocess.run(["sha256sum", "--check"], input=manifest, cwd=out, text=True)
    assert checked.returncode == 0 and len(manifest.splitlines()) == 3


@pytest.mark.parametrize("tags", [True, False])
def test_a_broken_download_is_gone_on_from(server, out, tags):
    server.tags, server.cut = tags, 300_000
    message = refused(out, archive(server), match=r"connection broke after \d+ kB")
    assert "the same command goes on from there" in message
    came = part(out).read_bytes()
    assert not out.exists() and came == BODY[: len(came)] and 200_000 < len(came) <= 300_000
    server.cut = None
    fetch.fetch(out, [archive(server)])
    assert server.sent == [300_000, len(BODY) - len(came)]
    assert ("If-Range" in server.asked[-1]) == tags
    assert (out / "faces.mat").read_bytes() == FILES["faces.mat"]
    assert [path.name for path in out.parent.iterdir()] == ["cofw"]


def test_without_version_and_digest_nothing_is_gone_on_from(server, out):
    server.tags, server.cut = False, 300_000
    refused(out, archive(server, sha256=None), match="cannot be had")
    assert holds(out.parent) == {}
    server.cut = None
    fetch.fetch(out, [archive(server, sha256=None)])
    assert server.sent == [300_000, len(BODY)]


def test_a_server_without_ranges_starts_over(server, out):
    server.cut, server.ranges = 300_000, False
    refused(out, archive(server), match="connection broke")
    server.cut = None
    fetch.fetch(out, [archive(server)])
    assert server.sent == [300_000, len(BODY)] and "Range" in server.asked[-1]


@pytest.mark.parametrize("digest", [True, False])
def test_a_file_that_changed_meanwhile_starts_over(server, out, digest):
    server.cut = 300_000
    other = zipped({**FILES, "faces.mat": NOISE[200_000:]})
    known = {"sha256": hashlib.sha256(other).hexdigest() if digest else None}
    refused(out, archive(server, **known), match="connection broke")
    server.files["set.zip"], server.cut = other, None
    fetch.fetch(out, [archive(server, **known)])
    assert (out / "faces.mat").read_bytes() == NOISE[200_000:]


def test_another_address_does_not_go_on_from_the_first_ones_bytes(server, out):
    server.cut = 300_000
    refused(out, archive(server, sha256=None), match="connection broke")
    server.cut = None
    moved = server.url("set.zip") + "&again"
    fetch.fetch(out, [archive(server, sha256=None, url=moved)])
    assert "Range" not in server.asked[-1]


@pytest.mark.parametrize("digest", [True, False])
def test_what_came_whole_before_is_not_sent_again(server, out, digest):
    """The process was killed between the last byte and the unpacking."""
    known = {} if digest else {"sha256": None}
    work = out.with_name(".cofw.fetch")
    work.mkdir(parents=True)
    download.download(archive(server, **known), work)
    fetch.fetch(out, [archive(server, **known)])
    assert server.sent == [len(BODY)]


def test_a_wrong_hash_is_deleted_and_told(server, out):
    message = refused(out, archive(server, sha256="0" * 64), match="It is deleted")
    assert hashlib.sha256(BODY).hexdigest() in message and "expected " + "0" * 64 in message
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("lengths", [True, False])
def test_a_file_larger_than_it_may_be_is_not_taken(server, out, lengths):
    server.lengths = lengths
    refused(out, archive(server, bytes=300_000), match=r"at most 300 kB were expected")
    assert list(out.parent.iterdir()) == []


def test_a_missing_file_is_told(server, out):
    refused(out, archive(server, url=server.url("gone.zip")), match="answers 404 Not Found")
    assert list(out.parent.iterdir()) == []


def test_a_failing_server_costs_nothing_that_has_come(server, out):
    server.cut = 300_000
    refused(out, archive(server), match="connection broke")
    came, body = part(out).stat().st_size, server.files.pop("set.zip")
    refused(out, archive(server), match="answers 404")
    server.files["set.zip"], server.cut = body, None
    fetch.fetch(out, [archive(server)])
    assert server.sent == [300_000, len(BODY) - came]


def test_without_a_network_the_message_says_so(server, out):
    closed = archive(server, url="http://127.0.0.1:9/set.zip")
    message = refused(out, closed, match="cannot be had")
    assert "Connection refused" in message and "is there a network" in message
    assert list(out.parent.iterdir()) == []


def test_a_disk_that_is_too_small_is_seen_before(server, out, monkeypatch):
    usage = shutil.disk_usage(ROOT)._replace(free=1_400_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    refused(out, archive(server), match=r"1 MB are needed there and 1 MB are free")
    assert server.asked == []
    fetch.fetch(out, [archive(server, bytes=999_000)])


def entry(name, mode=0):
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (entry("../evil"), "leads out of its folder"),
        (entry("more/../../evil"), "leads out of its folder"),
        (entry("/tmp/evil"), "is an absolute name"),
        (entry("C:/evil"), "is an absolute name"),
        (entry("more\\..\\evil"), "no part of a name"),
        (entry("link", stat.S_IFLNK | 0o777), "is a link or a device"),
        (entry("more/a_3.mat", stat.S_IFIFO | 0o666), "is a link or a device"),
        (entry("faces.mat"), "is in it twice"),
    ],
)
def test_a_dangerous_entry_refuses_the_whole_archive(server, out, bad, reason):
    memory = io.BytesIO(BODY)
    with warnings.catch_warnings(), zipfile.ZipFile(memory, "a") as opened:
        warnings.simplefilter("ignore")
        opened.writestr(bad, "/etc/passwd")
    server.files["set.zip"] = memory.getvalue()
    refused(out, archive(server, memory.getvalue()), match=reason)
    assert list(out.parent.iterdir()) == []
    assert list(out.parent.parent.iterdir()) == [out.parent]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"members": {"faces.mat": {"bytes": 399_999}}}, "faces.mat in it would have 400000 bytes"),
        ({"members": {"more/*.mat": {"bytes": 3, "count": 3}}}, "2 of 3 more/.* are in it"),
        ({"members": {"other.mat": {"bytes": 3}}}, "0 of 1 other.mat are in it"),
        ({"digests": {"more/a_1.mat": "0" * 64}}, "sha256 of more/a_1.mat is 7692c3"),
    ],
)
def test_members_other_than_declared_are_refused(server, out, changes, reason):
    refused(out, archive(server, **changes), match=reason)
    assert list(out.parent.iterdir()) == []


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_says(server, out):
    """The directory says 100 bytes where ten million are packed."""
    body = bytearray(zipped({"faces.mat": bytes(10_000_000)}))
    for at in (22, body.index(b"PK\x01\x02") + 24):
        assert int.from_bytes(body[at : at + 4], "little") == 10_000_000
        body[at : at + 4] = (100).to_bytes(4, "little")
    server.files["set.zip"] = bytes(body)
    members = {"faces.mat": {"bytes": 100}}
    refused(out, archive(server, bytes(body), members=members), match="is no whole zip file")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("body", [BODY[:-100], b"<html>", b"", BODY[:5000] + b"x" + BODY[5001:]])
def test_what_is_no_zip_is_refused_and_not_kept(server, out, body):
    server.files["set.zip"] = body
    refused(out, archive(server, sha256=None), match="is no whole zip file")
    assert list(out.parent.iterdir()) == []


def test_one_folder_around_the_files_does_not_matter(server, out):
    server.files["set.zip"] = body = zipped({f"set-1/{n}": c for n, c in FILES.items()})
    fetch.fetch(out, [archive(server, body)])
    assert set(holds(out)) == {*FILES, "SHA256SUMS"}
    server.files["set.zip"] = body = zipped({f"{n}/faces.mat": b"" for n in "ab"})
    refused(out.with_name("other"), archive(server, body), match="in two of its folders")


def test_the_users_files_stay_as_they_are(server, out):
    fetch.fetch(out, [archive(server)])
    (out / "faces.mat").write_bytes(b"mine")
    before = holds(out)
    assert "is already there" in fetch.fetch(out, [archive(server)])
    (out / "more/a_1.mat").unlink()
    refused(out, archive(server), match="never overwritten")
    assert set(before) - set(holds(out)) == {"more/a_1.mat"} and len(server.sent) == 1


def test_the_pipelines_own_folder_is_replaced(server, out):
    out.mkdir(parents=True)
    (out / "old.mat").write_text("")
    spec = {"dataset": "cofw", "archives": [archive(server).model_dump()]}
    assert fetch.main(["--spec", json.dumps(spec), "--out", str(out)]) == 0
    assert set(holds(out)) == {*FILES, "SHA256SUMS"}


def test_the_job_refuses_what_has_no_archive(out, capsys):
    spec = json.dumps(origin.fetch_spec("300w"))
    assert fetch.main(["--spec", spec, "--out", str(out)]) == 1
    assert "300w cannot be downloaded" in capsys.readouterr().err and not out.exists()


def test_a_disk_that_fills_up_keeps_what_has_come(server, out, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full)
        with pytest.raises(OutputError, match="no space is left on "):
            fetch.fetch(out, [archive(server)])
    assert not out.exists() and part(out).read_bytes() == BODY
    assert not (part(out).parent / "files").exists()
    fetch.fetch(out, [archive(server)])
    assert server.sent == [len(BODY)]


def test_of_two_fetches_at_once_one_is_refused(server, out):
    server.go_on.clear()
    first = threading.Thread(target=fetch.fetch, args=(out, [archive(server)]))
    first.start()
    assert server.started.wait(10)
    refused(out, archive(server), match="another fetch of the same dataset is going on")
    server.go_on.set()
    first.join(10)
    assert set(holds(out.parent)) == {*(f"cofw/{name}" for name in FILES), "cofw/SHA256SUMS"}
    assert len(server.asked) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_job_leaves_only_what_is_gone_on_from(server, out, number):
    server.go_on.clear()
    server.files["set.zip"], whole = BODY, len(BODY)
    server.cut = 300_000
    spec = json.dumps({"dataset": "cofw", "archives": [archive(server).model_dump()]})
    command = [sys.executable, "-m", "cadnet.data.fetch", "--spec", spec, "--out", str(out)]
    job = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    assert server.started.wait(30)
    for _ in range(200):
        if any(out.parent.glob(".cofw.fetch/*.part")) and part(out).stat().st_size:
            break
        time.sleep(0.02)
    job.send_signal(number)
    job.wait(10)
    came = part(out).stat().st_size
    assert not out.exists() and 0 < came <= 300_000
    server.go_on.set()
    server.cut = None
    fetch.fetch(out, [archive(server)])
    assert server.sent[-1] == whole - came
    assert [path.name for path in out.parent.iterdir()] == ["cofw"]


def test_files_that_lie_beside_are_copied_and_not_fetched(server, out):
    beside = out.with_name("whole")
    fetch.fetch(beside, [archive(server)])
    member = {"members": {"faces.mat": MEMBERS["faces.mat"]}, "also_in": "whole"}
    fetch.fetch(out, [archive(server, **member)])
    assert holds(out)["faces.mat"] == FILES["faces.mat"] and len(server.sent) == 1
    shutil.rmtree(beside)
    shutil.rmtree(out)
    fetch.fetch(out, [archive(server, **member)])
    assert set(holds(out)) == {"faces.mat", "SHA256SUMS"} and len(server.sent) == 2


# --- what is declared ---------------------------------------------------------------------------


def test_data_fetch_takes_the_datasets_that_have_archives():
    (item,) = get_args(Data.model_fields["fetch"].annotation)
    assert list(get_args(item)) == [name for name, known in access().items() if known.archives]


def test_declared_digests_are_those_of_the_real_files(real_data):
    digests = access()["cofw68"].archives[0].digests
    assert len(digests) == 5
    for path, digest in digests.items():
        real = real_data / "cofw68" / path.rpartition("/")[2]
        assert hashlib.sha256(real.read_bytes()).hexdigest() == digest, path


def test_a_star_does_not_reach_into_folders():
    paths = ["a/1_p.mat", "a/b/1_p.mat", "1_p.mat", "c/a/1_p.mat"]
    assert matching("a/*_p.mat", paths) == ["a/1_p.mat"]
    assert matching("1_p.mat", paths) == ["1_p.mat"]


def test_the_users_folder_wins_over_a_download_and_that_over_built_in_faces(
    params, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    data = params.data.model_copy(update={"raw": str(tmp_path / "raw"), "fetch": ["cofw"]})
    found = origin.locate(data, "cofw")
    assert (found.root, found.kind) == (origin.FETCHED / "cofw", "official")
    assert (found.digest, found.expected) == (None, None)
    assert origin.locate(data, "cofw68").kind == "built-in"
    (tmp_path / "raw/cofw").mkdir(parents=True)
    (tmp_path / "raw/cofw/COFW_test_color.mat").write_text("")
    assert origin.locate(data, "cofw").root == tmp_path / "raw/cofw"


# --- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in SOURCE_MODULES if name not in ("cofw", "cofw68", "menpo_profile")]
)
def test_the_command_prints_the_steps_where_owners_are_to_be_asked(name, tmp_path, capsys):
    raw = tmp_path / "raw"
    arguments = ["--config", f"{{data: {{raw: {raw}}}}}", "data", "fetch", name]
    assert cli.main(arguments) == 1
    told = capsys.readouterr().err
    for text in (access()[name].licence, access()[name].get, f"{raw / name}/"):
        assert text in told
    assert not raw.exists()
    (raw / name).mkdir(parents=True)
    (raw / name / "face.jpg").write_text("")
    assert cli.main(arguments) == 0
    assert "is already there" in capsys.readouterr().out


def test_the_command_fetches_into_the_users_folder_or_another(
    server, tmp_path, capsys, monkeypatch
):
    known = Access(title="A set", licence="CC BY 4.0", get="", archives=[archive(server)])
    monkeypatch.setattr("cadnet.data.access.access", lambda: {"cofw": known})
    raw = ["--config", f"{{data: {{raw: {tmp_path / 'raw'}}}}}"]
    assert cli.main([*raw, "data", "fetch", "cofw"]) == 0
    assert "CC BY 4.0" in capsys.readouterr().out
    assert cli.main([*raw, "data", "fetch", "cofw", "--to", str(tmp_path / "else/where")]) == 0
    assert holds(tmp_path / "raw/cofw") == holds(tmp_path / "else/where") != {}
    assert cli.main([*raw, "data", "fetch", "cofww"]) == 1
    assert "unknown dataset 'cofww'; there are cofw" in capsys.readouterr().err
