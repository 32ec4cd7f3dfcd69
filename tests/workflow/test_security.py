"""Names that a shell would take for commands, and passwords: through the real DAG."""

import json
import subprocess
import time

import pytest
import yaml

from cadnet.params import load
from tests.conftest import ROOT
from tests.workflow.conftest import jobs, snakemake

HOSTILE = 'it\'s "a" $(touch pwned) `touch pwned` ü 表 *?[a] ~;&|<>#%!'
PASSWORD = "s3cret-pw"


@pytest.fixture
def place(tmp_path):
    """A working directory, which holds somebody's data, both with names that a shell would run."""
    # Not both kinds of quotes: MLflow's sqlite store fails there, and tracking with it.
    folder = tmp_path / "the project's $(touch pwned) ü"
    (folder / HOSTILE / "300w").mkdir(parents=True)
    return folder


def configured(place, **changes):
    """A file of parameters: experiments and a search with such names, over all kinds of rules."""
    first = {
        "title": HOSTILE,
        "architecture": "cadnet",
        "tuned": True,
        "train_on": "300w",
        "test_on": ["300w", "cofw"],
        "model": {"backbone": {"width": 1.0, "weights": "imagenet"}},
    }
    grids = dict.fromkeys(load(ROOT / "params.yaml").search.grids)
    grid = {"experiment": HOSTILE, "parameter": "train.loss.lambda_u", "values": [0.1, 0.2]}
    second = {**first, "start_from": HOSTILE}
    tree = {
        "preset": "smoke",
        "only": [HOSTILE, f"{HOSTILE} 2"],
        "data": {"raw": str(place / HOSTILE), "fetch": ["cofw"]},
        "experiments": {HOSTILE: first, f"{HOSTILE} 2": second},
        "search": {"grids": {**grids, HOSTILE: grid}},
        **changes,
    }
    path = place.parent / "mine.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    return path


def received(commands, place):
    """What bash hands each command's `python`, an argument list each; it is not run."""
    script = "python() { printf '%s\\0' \"$@\"; printf '\\n\\0'; }\nset -euo pipefail\n"
    script += "\n".join(commands)
    done = subprocess.run(["bash", "-c", script], cwd=place, capture_output=True, check=True)
    assert done.stderr == b""
    return [part.split("\0") for part in done.stdout.decode().split("\0\n\0") if part]


def following(arguments, option):
    return arguments[arguments.index(option) + 1] if option in arguments else None


def test_names_reach_every_job_as_they_are(place):
    """Every shell command of the DAG, through bash itself."""
    (place / HOSTILE / "300w" / "face.pts").write_text("")
    done = snakemake(place, "-n", "-p", "--configfile", str(configured(place)), config=[])
    planned = jobs(done)
    assert {"fetch", "weights", "align", "train", "trial", "predict", "score"} <= set(planned)
    text = done.stdout + done.stderr
    commands = [part.split("\n")[0] for part in text.split("Shell command: ")[1:]]
    commands = [command for command in commands if command != "None"]
    assert len(commands) == sum(planned.values()) - planned["all"]
    calls = received(commands, place)
    assert len(calls) == len(commands)
    names = {following(call, "--experiment") for call in calls} - {None}
    assert names == {HOSTILE, f"{HOSTILE} 2", f"search/{HOSTILE}"}
    assert str(place / HOSTILE / "300w") in {following(call, "--root") for call in calls}
    outs = {following(call, "--out") for call in calls if following(call, "--experiment")}
    assert f"results/{HOSTILE} 2/seed0" in outs and f"results/search/{HOSTILE}/trial1" in outs
    assert f"results/{HOSTILE}/seed0/model.safetensors" in {following(c, "--start") for c in calls}
    titles = [json.loads(following(c, "--spec"))["title"] for c in calls if "--experiment" in c]
    assert HOSTILE in titles
    assert not [*place.parent.rglob("pwned")]


def test_no_password_anywhere_even_where_a_job_fails(place):
    """The user of a tracking server, given as most people would, and a dataset that is damaged."""
    (place / HOSTILE / "300w" / "face.pts").write_text("")
    secret = f"tracking={{uri: 'http://ann:{PASSWORD}@127.0.0.1:9'}}"
    configfile = str(configured(place))
    done = snakemake(
        place, "-p", "--configfile", configfile, config=[secret], target="data/aligned/300w.json"
    )
    assert done.returncode == 1
    assert "300w" in done.stderr and "http://***@127.0.0.1:9" in done.stderr
    follower = place / "logs/follow.log"
    for _ in range(100):
        if follower.is_file() and "cannot be used" in follower.read_text():
            break
        time.sleep(0.2)
    assert "http://***@127.0.0.1:9 cannot be used" in follower.read_text()
    assert PASSWORD not in done.stdout + done.stderr
    files = [path for path in place.rglob("*") if path.is_file()]
    assert any(".snakemake/log" in str(path) for path in files)
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


@pytest.mark.names
def test_hostile_names_from_faces_to_scores(place):
    """The same with jobs that run: faces in the official layout, two experiments, the search."""
    source = place / "data/builtin/300w"
    done = snakemake(place, config=["only=[resnet18]"], target="data/builtin/300w/SHA256SUMS")
    assert done.returncode == 0, done.stderr
    (place / HOSTILE / "300w").rmdir()
    source.rename(place / HOSTILE / "300w")
    scratch = {"model": {"backbone": {"width": 0.125, "weights": "scratch"}}, "test_on": ["300w"]}
    tree = yaml.safe_load(configured(place).read_text())
    for experiment in tree["experiments"].values():
        experiment.update(scratch)
    tree["data"] |= {"partial": "allow", "fetch": []}
    path = place.parent / "mine.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True))
    target = "results/scores.csv"
    done = snakemake(place, "--configfile", str(path), config=[], target=target)
    assert done.returncode == 0, done.stdout + done.stderr
    scores = (place / target).read_text()
    assert HOSTILE.replace('"', '""') in scores
    runs = json.loads((place / "results/runs.json").read_text())
    assert {run["experiment"] for run in runs} == {HOSTILE, f"{HOSTILE} 2"}
    assert all(run["mlflow_run_id"] for run in runs)
    assert not [*place.parent.rglob("pwned")]
