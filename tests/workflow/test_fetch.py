"""A DAG that starts at a download: built-in COFW, zipped, from a server on this machine."""

import hashlib
import json
import shutil

import pytest
import yaml

from cadnet.data.synthetic.write_cofw import write_cofw, write_cofw68
from tests.server import serving, zipped
from tests.workflow.conftest import jobs, snakemake

ALIGNED = "data/aligned/cofw.arrow"
COUNTS = {"train": 1345, "test": 507}


@pytest.fixture
def published(checkout, tmp_path, monkeypatch):
    """COFW and COFW68 in miniature, where this checkout looks for them; and its sources' root."""
    cofw, cofw68 = tmp_path / "cofw", tmp_path / "cofw68"
    cofw.mkdir()
    write_cofw(cofw, counts={"train": 6, "test": 4}, seed=1, size=224)
    write_cofw68(cofw68, counts={"test": 4}, seed=1, size=224)
    pictures = zipped({f"COFW/{path.name}": path.read_bytes() for path in cofw.iterdir()})
    annotations = zipped(
        {
            f"cofw68-benchmark-1/{path.relative_to(cofw68)}": path.read_bytes()
            for path in (cofw68 / "COFW68_Data").rglob("*.mat")
        }
    )
    with serving() as server:
        server.files = {"COFW_color.zip": pictures, "annotations.zip": annotations}
        file = checkout / "cadnet/data/access.yaml"
        known = yaml.safe_load(file.read_text())
        digest = hashlib.sha256(pictures).hexdigest()
        changes = {"url": server.url("COFW_color.zip"), "sha256": digest}
        known["cofw"]["archives"][0] |= changes
        known["cofw68"]["archives"][1] |= changes
        first = known["cofw68"]["archives"][0]
        first |= {"url": server.url("annotations.zip"), "digests": {}}
        first["members"]["COFW68_Data/test_annotations/*_points.mat"]["count"] = 4
        file.write_text(yaml.safe_dump(known))
        yield server, checkout


def test_a_download_is_gone_on_from_and_aligned_as_official(published, tmp_path):
    server, root = published
    work = tmp_path / "work"
    work.mkdir()
    config = [
        "data={fetch: [cofw, cofw68], partial: allow}",
        "experiments={cadnet: {test_on: [300w, cofw68]}}",
    ]

    def run(*arguments):
        return snakemake(work, *arguments, root=root, config=config, target=ALIGNED)

    assert jobs(run("-n")) == {"fetch": 1, "align": 1}
    whole = len(server.files["COFW_color.zip"])
    assert whole > 600_000
    server.cut = whole // 4  # too little for the job's three tries
    failed = run()
    assert failed.returncode == 1
    assert ["Range" in headers for headers in server.asked] == [False, True, True]
    assert "the same command goes on from there" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (work / "data/fetched/cofw/SHA256SUMS").exists()
    server.cut = None
    done = run()
    assert done.returncode == 0, done.stderr
    assert len(server.sent) == 4 and server.sent[-1] < whole / 2
    about = json.loads((work / "data/aligned/cofw.json").read_text())
    assert about["origin"] == "official" and about["counts"] == {"train": 6, "test": 4}
    assert about["expected"] == COUNTS
    manifest = work / "data/fetched/cofw/SHA256SUMS"
    assert about["digest"] == hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert jobs(run("-n")) == {}

    # COFW68 takes COFW's pictures from beside it: only the annotations are asked for.
    before = len(server.asked)
    other = "data/aligned/cofw68.arrow"
    done = snakemake(work, root=root, config=config, target=other)
    assert done.returncode == 0, done.stderr
    assert len(server.asked) == before + 1
    about = json.loads((work / "data/aligned/cofw68.json").read_text())
    assert about["origin"] == "official" and about["counts"] == {"test": 4}

    # The user's own copy wins as soon as it is there.
    shutil.copytree(tmp_path / "cofw", work / "data/raw/cofw")
    assert jobs(run("-n")) == {"align": 1}
