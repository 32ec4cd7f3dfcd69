"""A tracking server with PostgreSQL and accounts: three seeds, many at once, killed in mid-run."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import requests
import yaml

from cadnet.tracking import journal as journals
from cadnet.tracking.forward import Forwarder, main
from cadnet.tracking.postgres import Cluster, programs
from cadnet.tracking.serve import credentials, read_credentials
from tests import browser
from tests.conftest import ROOT
from tests.test_tracking import START, run_job
from tests.workflow.conftest import BIN

pytestmark = [
    pytest.mark.tracking,
    pytest.mark.skipif(programs() is None, reason="no PostgreSQL (apt-get install postgresql)"),
]
EPOCHS = 12
GRIDS = ("rank", "lambda_fer", "lambda_u", "lambda_v", "gamma_drop", "gamma_final")


class Server:
    """`python -m cadnet.tracking.serve` on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"

    def command(self, *more: str) -> list[str]:
        place = ("--folder", str(self.folder), "--port", str(self.port))
        return [sys.executable, "-m", "cadnet.tracking.serve", *place, *more]

    def start(self) -> None:
        with self.log.open("w") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=ROOT)
        for _ in range(1200):
            if f"MLflow: {self.url}" in self.log.read_text():
                return
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError("no server within two minutes")

    def family(self) -> list[psutil.Process]:
        """Every process of the server and of its database."""
        postmaster = self.folder / "postgres/data/postmaster.pid"
        heads = [psutil.Process(self.process.pid)]
        heads.append(psutil.Process(int(postmaster.read_text().splitlines()[0])))
        return [p for head in heads for p in (head, *head.children(recursive=True))]

    def kill(self) -> None:
        """As a power cut would."""
        family = self.family()
        for process in family:
            process.kill()
        psutil.wait_procs(family, timeout=20)
        self.process.wait(20)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)

    def account(self, name: str) -> tuple[str, str]:
        return read_credentials(credentials(self.folder, name))

    def environment(self, name: str = "admin", **more: str) -> dict[str, str]:
        user, password = self.account(name)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
        return {
            **kept,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": password,
            **more,
        }


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp(prefix="cadnet-"))  # PostgreSQL's user can get there
    folder.chmod(0o711)
    made = Server(folder)
    made.start()
    yield made
    assert made.stop() == 0
    assert not (folder / "postgres/data/postmaster.pid").exists()
    shutil.rmtree(folder)


@pytest.fixture
def as_admin(server, monkeypatch):
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, server.environment()[name])
    return Forwarder(server.url, Path("unused"))


def points(forwarder, run_id):
    """Every metric point of a run: (name, step) → value."""
    names = forwarder.client.get_run(run_id).data.metrics
    histories = [(n, forwarder.client.get_metric_history(run_id, n)) for n in names]
    return {(name, p.step): p.value for name, history in histories for p in history}


def recorded(folder):
    """The same of a run's own record."""
    epochs = [e for e in journals.read(folder / journals.NAME) if e["kind"] == "epoch"]
    return {(name, e["step"]): value for e in epochs for name, value in e["metrics"].items()}


def found(forwarder, role, experiment):
    query = f"tags.`cadnet.role` = '{role}' AND tags.`cadnet.experiment` = '{experiment}'"
    return forwarder.client.search_runs([forwarder.experiment_id], query)


def test_nobody_gets_in_without_an_account(server):
    get = f"{server.url}/api/2.0/mlflow/experiments/search?max_results=5"
    wrong = [None, ("admin", "password1234"), ("admin", "password"), ("anybody", "")]
    assert [requests.get(get, auth=auth, timeout=30).status_code for auth in wrong] == [401] * 4
    assert requests.get(server.url, timeout=30).status_code == 401
    artifacts = f"{server.url}/api/2.0/mlflow-artifacts/artifacts"
    assert requests.get(artifacts, timeout=30).status_code == 401
    assert requests.get(get, auth=server.account("admin"), timeout=30).status_code == 200


def test_it_listens_on_this_machine_only_and_shows_no_password(server):
    family = server.family()
    ports = [c for p in family for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert {(c.laddr.ip, c.laddr.port) for c in ports} == {("127.0.0.1", server.port)}
    password = server.account("admin")[1]
    assert len(password) >= 32
    seen = server.log.read_text() + "".join(" ".join(p.cmdline()) for p in family)
    assert password not in seen and (server.folder / "key").read_text() not in seen
    for secret in (credentials(server.folder, "admin"), server.folder / "key"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert not any(p.username() == "root" for p in family if "postgres" in p.name())


def test_a_second_server_on_the_same_folder_is_refused(server):
    done = subprocess.run(server.command(), capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 1 and "a server runs on" in done.stderr


def test_a_colleague_adds_to_the_same_experiment_and_deletes_nothing_of_others(
    server, as_admin, tmp_path
):
    done = subprocess.run(server.command("--account", "anna"), cwd=ROOT, timeout=90)
    assert done.returncode == 0
    run_job(tmp_path / "results", experiment="annas")
    command = [sys.executable, "-m", "cadnet.tracking.forward", "--uri", server.url]
    subprocess.run(command, cwd=tmp_path, env=server.environment("anna"), check=True, timeout=120)
    (run,) = found(as_admin, "seed", "annas")
    assert run.info.status == "FINISHED" and len(points(as_admin, run.info.run_id)) == 12
    (others,) = [as_admin.parent("admins", "")]
    delete = f"{server.url}/api/2.0/mlflow/runs/delete"
    anna = server.account("anna")
    answer = requests.post(delete, json={"run_id": others}, auth=anna, timeout=30)
    assert answer.status_code == 403


def eight_at_once(folder, uri, environment, experiment):
    """Eight jobs, each with a forwarder of its own that follows it, all started in one moment."""
    job = f"""
        import sys, time
        from pathlib import Path
        from cadnet.tracking.journal import journal
        start = {{**{START!r}, "experiment": {experiment!r}, "seed": int(sys.argv[1])}}
        folder = Path("job" + sys.argv[1], {experiment!r}, "seed" + sys.argv[1])
        with journal(folder, **start) as written:
            for step in range(1, 31):
                written.epoch(step, {{"loss": step + start["seed"] / 10}})
                time.sleep(0.2)
    """
    common = {"cwd": folder, "env": environment}
    script = textwrap.dedent(job)
    jobs = [subprocess.Popen([sys.executable, "-c", script, str(k)], **common) for k in range(8)]
    forward = [sys.executable, "-m", "cadnet.tracking.forward", "--uri", uri]
    sent = [
        subprocess.Popen([*forward, "--results", f"job{k}", "--follow", str(job.pid)], **common)
        for k, job in enumerate(jobs)
    ]
    assert [job.wait(120) for job in jobs] == [0] * 8
    assert [process.wait(400) for process in sent] == [0] * 8


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "server"])
def test_eight_jobs_at_once_lose_nothing(server, tmp_path, monkeypatch, kind):
    """The first two on an empty store, which they make themselves."""
    cluster = Cluster(server.folder / "postgres")
    if kind == "postgresql":
        cluster.start("empty")
    uri = {
        "sqlite": f"sqlite:///{tmp_path}/mlflow.db",
        "postgresql": cluster.url("empty"),
        "server": server.url,
    }[kind]
    eight_at_once(tmp_path, uri, server.environment(), kind)
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, server.environment()[name])
    forwarder = Forwarder(uri, tmp_path)
    (parent,) = found(forwarder, "experiment", kind)
    runs = {run.data.params["seed"]: run for run in found(forwarder, "seed", kind)}
    assert sorted(runs) == sorted(map(str, range(8)))
    for seed, run in runs.items():
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        sent = points(forwarder, run.info.run_id)
        assert len(sent) == 90  # 30 epochs; the loss, memory, processor time
        assert sent == recorded(tmp_path / f"job{seed}" / kind / f"seed{seed}")


def pipeline(folder, uri, environment):
    """The smoke preset of CAD-Net, three seeds, up to what tracks it."""
    config = {
        "preset": "smoke", "only": ["cadnet"], "seeds": [0, 1, 2], "train": {"epochs": EPOCHS},
        "search": {"grids": dict.fromkeys(GRIDS)}, "tracking": {"uri": uri},
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [str(BIN / "snakemake"), "--cores", "2", "--directory", str(folder)]
    command += ["--configfile", str(folder / "config.yaml"), "--", "results/tracking.json"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)


@pytest.fixture(scope="module")
def tracked(server, tmp_path_factory):
    """A working directory after three seeds that the server has tracked."""
    folder = tmp_path_factory.mktemp("tracked")
    # The address holds the password, as some write it.
    user, password = server.account("admin")
    uri = f"http://{user}:{password}@127.0.0.1:{server.port}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    running = pipeline(folder, uri, clean)
    seen = ""
    while running.poll() is None:
        for process in psutil.process_iter(["cmdline"]):
            seen += " ".join(process.info["cmdline"] or [])
        time.sleep(0.5)
    assert running.returncode == 0
    assert password not in seen
    return folder


def ids(folder):
    return json.loads((folder / "results/tracking.json").read_text())["runs"]


def test_three_seeds_with_all_that_leads_back(server, as_admin, tracked):
    assert set(ids(tracked)) == {f"cadnet/seed{k}" for k in range(3)}
    (parent,) = found(as_admin, "experiment", "cadnet")
    assert len(found(as_admin, "seed", "cadnet")) == 3
    for place, run_id in ids(tracked).items():
        run, folder = as_admin.client.get_run(run_id), tracked / "results" / place
        start = journals.read(folder / journals.NAME)[0]
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert start["commit"].startswith(run.data.tags["mlflow.source.git.commit"])
        assert run.data.params["train.epochs"] == str(EPOCHS)
        assert run.data.params["seed"] == place[-1]
        (data,) = run.inputs.dataset_inputs
        assert json.loads(data.dataset.source)["sha256"] == start["dataset"]["digest"]
        sent = points(as_admin, run_id)
        assert sent == recorded(folder)
        assert len({name for name, _ in sent}) >= 10
        assert [s for n, s in sorted(sent) if n == "loss"] == list(range(1, EPOCHS + 1))
        got = as_admin.client.download_artifacts(run_id, "model.safetensors")
        assert Path(got).read_bytes() == (folder / "model.safetensors").read_bytes()


def test_the_password_of_an_address_is_written_nowhere(server, tracked):
    secret = server.account("admin")[1].encode()
    files = [p for p in tracked.rglob("*") if p.is_file() and p.name != "config.yaml"]
    assert len(files) > 20 and not [p for p in files if secret in p.read_bytes()]
    assert "***" in (tracked / "results/tracking.json").read_text()


def test_a_server_killed_in_mid_run_has_all_of_it_later(server, tracked, tmp_path, monkeypatch):
    """Training goes on; after a restart the runs hold what those of an undisturbed run hold."""
    folder = shutil.copytree(tracked, tmp_path / "killed")
    shutil.rmtree(folder / "results")
    monkeypatch.chdir(folder)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    running = pipeline(folder, server.url, server.environment())
    before = set(ids(tracked).values())
    query = "tags.`cadnet.role` = 'seed' AND tags.`cadnet.experiment` = 'cadnet'"
    watcher = Forwarder(server.url, tmp_path)

    def cut():
        """The runs of which some epochs are there and others to come."""
        runs = watcher.client.search_runs([watcher.experiment_id], query)
        return [
            r.info.run_id
            for r in runs
            if r.info.run_id not in before and r.info.status == "RUNNING" and r.data.metrics
        ]

    while not (under_way := cut()):
        assert running.poll() is None, "all over before the server was killed"
        time.sleep(0.2)
    server.kill()
    assert running.wait(400) == 0
    written = json.loads((folder / "results/tracking.json").read_text())
    assert "cannot be used" in written["problem"]
    models = [folder / f"results/cadnet/seed{k}/model.safetensors" for k in range(3)]
    assert all(model.is_file() for model in models)

    server.start()
    assert main(["--uri", server.url, "--out", "results/tracking.json"]) == 0
    assert json.loads((folder / "results/tracking.json").read_text())["problem"] == ""
    assert set(under_way) <= set(ids(folder).values())
    forwarder = Forwarder(server.url, tmp_path)
    timed = ("system/", "seconds_", "images_per_second")
    for place, run_id in ids(folder).items():
        run, sent = forwarder.client.get_run(run_id), points(forwarder, run_id)
        assert run.info.status == "FINISHED"
        assert sent == recorded(folder / "results" / place)
        undisturbed = points(forwarder, ids(tracked)[place])  # which outlived the kill
        assert set(sent) == set(undisturbed)
        for (name, step), value in sent.items():
            assert name.startswith(timed) or value == undisturbed[name, step]
        files = {a.path for a in forwarder.client.list_artifacts(run_id)}
        assert files == {"history.csv", "model.safetensors"}


def until(page, script, seconds=60):
    """What an expression of the page gives, as soon as it gives anything."""
    end = time.monotonic() + seconds
    while not (value := page.run(script)):
        assert time.monotonic() < end, script
        time.sleep(0.5)
    return value


LINKS = "[...document.querySelectorAll('a')].map(a => a.innerText)"
DRAWN = """JSON.stringify([...document.querySelectorAll('.js-plotly-plot')].map(plot =>
    plot.data.map(trace => [trace.type, (trace.dimensions || []).map(axis => axis.label),
        (trace.dimensions?.[0].values || trace.x || []).length])))"""


def coloured(page):
    """Pixels of the parallel lines in what a person sees: their colours are saturated, all else
    left of the scale of colours is grey."""
    box = page.run(
        "(b => [b.x, b.y, 0.7 * b.width, b.height].map(Math.round))"
        "(document.querySelector('.js-plotly-plot').getBoundingClientRect())"
    )
    picture = base64.b64decode(page.call("Page.captureScreenshot")["data"])
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    x, y, width, height = box
    inside = cv2.cvtColor(pixels[y : y + height, x : x + width], cv2.COLOR_BGR2HSV)
    return int(((inside[..., 1] > 80) & (inside[..., 2] > 60)).sum())


def walk(page, base, number, runs, pictures):
    """docs/mlflow.md's way from the list of experiments to a comparison, with a picture each."""

    def visit(name, url, script):
        page.open("about:blank")  # a change of the fragment alone loads nothing
        page.open(f"{base}/#/{url}", 1500, 1000)
        value = until(page, script)
        time.sleep(2)
        page.picture(pictures / f"{name}.png")
        return value

    ml = "workflowType=machine_learning"
    visit("experiments", f"experiments?{ml}", f"{LINKS}.includes('cadnet')")
    visit("runs", f"experiments/{number}/runs?{ml}", f"{LINKS}.includes('cadnet')")
    page.run(
        "[...document.querySelectorAll('.ag-row a')].find(a => a.innerText == 'cadnet')"
        ".closest('.ag-row').querySelector('button').click()"
    )
    until(page, f"{LINKS}.filter(t => t.startsWith('cadnet/seed')).length >= 3")
    page.picture(pictures / "seeds.png")
    page.run("location.hash += '&compareRunsMode=CHART'")
    until(page, "document.querySelectorAll('.js-plotly-plot').length > 3")
    time.sleep(2)
    page.picture(pictures / "charts.png")

    listed = ",".join(f"%22{run}%22" for run in runs)
    which = f"runs=[{listed}]&experiments=[%22{number}%22]"
    visit("compare", f"compare-runs?{which}", "document.querySelector('.parcoords') != null")
    ((kind, axes, lines),) = json.loads(page.run(DRAWN))[0]
    assert (kind, axes[0], lines) == ("parcoords", "seed", 3) and len(axes) >= 2
    assert coloured(page) > 500

    curve = "validation_nrmse_mean_io"
    address = f"metric?{which}&metric=%22{curve}%22&plot_metric_keys=[%22{curve}%22]"
    visit("curve", address, "document.querySelectorAll('.js-plotly-plot .lines path').length > 2")
    return [trace[2] for trace in json.loads(page.run(DRAWN))[0]]


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium")
def test_the_pages_show_the_runs(server, as_admin, tracked, tmp_path):
    """In a browser; the pictures go to the folder that CADNET_PICTURES names."""
    login = base64.b64encode(":".join(server.account("admin")).encode()).decode()
    runs = [run_id for _, run_id in sorted(ids(tracked).items())]
    pictures = Path(os.environ.get("CADNET_PICTURES", tmp_path))
    with browser.browser() as page:
        headers = {"Authorization": f"Basic {login}"}
        page.call("Network.setExtraHTTPHeaders", headers=headers)
        drawn = walk(page, server.url, as_admin.experiment_id, runs, pictures)
    assert len(drawn) >= 3 and set(drawn) == {EPOCHS}
