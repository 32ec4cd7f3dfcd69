"""Push, clone, pull, change one parameter, repro: over a folder, over S3, over SSH."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.remotes.conftest import EXPERIMENTS
from tests.remotes.expected import REPORT, faces, only, showing, trained
from tests.remotes.repository import Repository, ran
from tests.remotes.servers import S3, SSH, s3, ssh

pytestmark = pytest.mark.remotes


def pulled(
    project: Repository, folder: Path, *setting_up: list[str], **variables: str
) -> Repository:
    """A fresh clone with the remote's results, in which DVC and Snakemake have nothing to do."""
    clone = project.clone(folder, **variables)
    for command in setting_up:
        clone.run("dvc", *command)
    clone.run("dvc", "pull")
    assert "up to date" in clone.run("dvc", "status")
    assert ran(clone.run("dvc", "repro")) == {}
    assert "Nothing to be done" in clone.run("snakemake", "--cores", "2", "-n", "--", "all")
    assert clone.run("git", "status", "--porcelain") == ""
    return clone


def weights(project: Repository) -> dict[str, bytes]:
    """The trained models."""
    names = {name: f"results/{name}/seed0/model.safetensors" for name in EXPERIMENTS}
    return {name: (project.folder / path).read_bytes() for name, path in names.items()}


def test_a_folder_beside_the_checkout_is_the_remote_unless_another_is_named(project):
    """And a training parameter of one experiment retrains that one."""
    project.run("dvc", "push")
    assert (project.folder.parent / "cadnet-store").is_dir()
    clone = pulled(project, project.folder.parent / "colleague")
    before = weights(clone)
    assert before == weights(project)

    title = "title: CAD-Net, architecture: cadnet, "
    clone.edit(title, f"{title}train: {{ batch_size: 8 }}, ")
    assert ran(clone.run("dvc", "repro")) == only(trained("cadnet"))
    after = weights(clone)
    assert after["cadnet"] != before["cadnet"]
    assert after["cadnet_aflw"] == before["cadnet_aflw"]
    assert ran(clone.run("dvc", "repro")) == {}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    with s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    with ssh(tmp_path_factory.mktemp("ssh")) as server:
        yield server


def test_s3(later: Repository, bucket: S3, tmp_path):
    """Credentials from the environment, or in .dvc/config.local, which git ignores.

    Longer timings train nothing: what models cost is measured again, with what shows it.
    """
    later.run("dvc", "remote", "add", "-d", "s3", f"s3://{bucket.bucket}/results")
    later.run("dvc", "remote", "modify", "s3", "endpointurl", bucket.url)
    later.commit("a remote")
    refused = later.attempt("dvc", "push")
    assert refused.returncode and "credentials" in refused.stderr.lower()
    later.run("dvc", "remote", "modify", "--local", "s3", "access_key_id", bucket.key)
    later.run("dvc", "remote", "modify", "--local", "s3", "secret_access_key", bucket.secret)
    assert "pushed" in later.run("dvc", "push")
    assert later.run("git", "status", "--porcelain") == ""
    assert bucket.secret not in later.run("git", "grep", "-I", "", "HEAD", "--", ".dvc")

    in_environment = {"AWS_ACCESS_KEY_ID": bucket.key, "AWS_SECRET_ACCESS_KEY": bucket.secret}
    clone = pulled(later, tmp_path / "colleague", **in_environment)
    clone.edit("    efficiency: { seconds: 0.2 }", "    efficiency: { seconds: 0.25 }")
    timed = {"measure": 1, "costs": 1, **showing(lambda item: item.states_times()), **REPORT}
    assert ran(clone.run("dvc", "repro")) == only(timed)


def test_ssh(later: Repository, host: SSH, tmp_path):
    """A key in .dvc/config.local; a setting of pictures alone redraws them alone."""
    folder = tmp_path / "store"
    later.run("dvc", "remote", "add", "-d", "ssh", f"ssh://{host.user}@127.0.0.1{folder}")
    later.commit("a remote")
    own = [["remote", "modify", "--local", "ssh", "port", str(host.port)]]
    for command in own:
        later.run("dvc", *command)
    assert later.attempt("dvc", "push").returncode
    own.append(["remote", "modify", "--local", "ssh", "keyfile", str(host.keyfile)])
    later.run("dvc", *own[-1])
    assert "pushed" in later.run("dvc", "push")
    assert (folder / "files" / "md5").is_dir()

    clone = pulled(later, tmp_path / "colleague", *own)
    clone.edit("  faces: builtin #", "  faces: all #")
    shown = dict.fromkeys(("examples", "figure"), faces(*EXPERIMENTS))
    assert ran(clone.run("dvc", "repro")) == only({**shown, **REPORT, "paper": 0})
