"""A tracking server for shared use: MLflow with PostgreSQL, accounts, and the runs' files.

    python -m cadnet.tracking.serve                  start; Ctrl-C or SIGTERM stops it cleanly
    python -m cadnet.tracking.serve --account anna   an account for a colleague, while it runs

It listens on this machine only. All that it keeps lies in one folder: the database, the runs'
files, the credentials of each account (mode 600). docs/mlflow.md says how to use it.
"""

from __future__ import annotations

import argparse
import configparser
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import requests
from filelock import FileLock, Timeout

from cadnet import job
from cadnet.tracking.postgres import Cluster, PostgresError

ADMIN = "admin"


class ServerError(Exception):
    """The server cannot be had; the message says why and what to do."""


def write_secret(path: Path, text: str) -> None:
    """A file that only its owner may read, from its first byte on; never over another."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.rename(path)


def credentials(folder: Path, name: str) -> Path:
    """Where an account's credentials lie, in the format of ~/.mlflow/credentials."""
    return folder / "accounts" / name


def make_credentials(path: Path) -> tuple[str, str]:
    """Fresh credentials in a file of that name → name and password."""
    name, password = path.name, secrets.token_urlsafe(24)
    text = f"[mlflow]\nmlflow_tracking_username = {name}\nmlflow_tracking_password = {password}\n"
    write_secret(path, text)
    return name, password


def read_credentials(path: Path) -> tuple[str, str]:
    """Name and password of such a file."""
    file = configparser.ConfigParser(interpolation=None)
    file.read(path, encoding="utf-8")
    found = file["mlflow"]
    return found["mlflow_tracking_username"], found["mlflow_tracking_password"]


def environment(folder: Path, cluster: Cluster) -> dict[str, str]:
    """What `mlflow server` is told by its environment: nobody else reads that, unlike arguments."""
    key, admin, accounts = folder / "key", credentials(folder, ADMIN), folder / "accounts.ini"
    if not key.is_file():
        write_secret(key, secrets.token_hex(32))
    if not admin.is_file():
        make_credentials(admin)
    # Whoever has an account adds to what the others track; only who made a thing may delete it.
    # A password is checked once a minute: each check takes a tenth of a second of a processor.
    accounts.write_text(
        f"[mlflow]\ndefault_permission = EDIT\nadmin_username = {ADMIN}\n"
        "auth_cache_ttl_seconds = 60\n"
        f"database_uri = {cluster.url('accounts')}\n"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    return {
        **kept,
        "MLFLOW_BACKEND_STORE_URI": cluster.url("tracking"),
        "MLFLOW_AUTH_CONFIG_PATH": str(accounts),
        "MLFLOW_AUTH_ADMIN_PASSWORD": read_credentials(admin)[1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": key.read_text(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    try:
        found = psutil.Process(process.pid)
        family = [*found.children(recursive=True), found]
    except psutil.NoSuchProcess:
        return
    for member in family:
        member.terminate()
    for member in psutil.wait_procs(family, timeout=10)[1]:
        member.kill()


def local() -> requests.Session:
    """Requests to this machine: no proxy, no credentials of others."""
    session = requests.Session()
    session.trust_env = False
    return session


def await_answer(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until the server answers; raises if it has ended, or says nothing for two minutes."""
    for _ in range(600):
        if process.poll() is not None:
            raise ServerError(f"mlflow server ended with status {process.returncode}")
        try:
            if local().get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    raise ServerError("mlflow server does not answer")


def serve(folder: Path, port: int, workers: int) -> str:
    """Run the server until somebody ends it."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ServerError(f"port {port} is taken; choose another with --port")
    cluster, url = Cluster(folder / "postgres"), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth",
               "--host", "127.0.0.1", "--port", str(port), "--workers", str(workers),
               "--serve-artifacts",
               "--artifacts-destination", str(folder / "artifacts")]  # fmt: skip
    process = None
    try:
        cluster.start("tracking", "accounts")
        # In a session of its own: Ctrl-C is for this process, which stops both in their order.
        process = subprocess.Popen(
            command, env=environment(folder, cluster), cwd=folder, start_new_session=True
        )
        await_answer(process, url)
        print(f"MLflow: {url}; the password of {ADMIN}: {credentials(folder, ADMIN)}", flush=True)
        raise ServerError(f"mlflow server ended with status {process.wait()}")
    except (KeyboardInterrupt, SystemExit):
        return "stopped"
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if process is not None:
            end(process)
        if cluster.data.is_dir():
            cluster.stop()


def account(folder: Path, port: int, name: str) -> str:
    """An account on the running server, its credentials beside the others'."""
    path, admin = credentials(folder, name), credentials(folder, ADMIN)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ServerError(f"{name!r}: a name has letters, digits, dots and dashes")
    if path.exists():
        raise ServerError(f"{name} has an account: {path}")
    if not admin.is_file():
        raise ServerError(f"{folder}: no server was started here")
    user, password = make_credentials(path)
    try:
        answer = local().post(
            f"http://127.0.0.1:{port}/api/2.0/mlflow/users/create",
            json={"username": user, "password": password},
            auth=read_credentials(admin),
            timeout=60,
        )
        answer.raise_for_status()
    except requests.RequestException as error:
        path.unlink()
        raise ServerError(f"no account for {name}: {error}") from None
    return f"give {name} this file, as ~/.mlflow/credentials: {path}"


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = job.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=Path("mlflow-server"), help="keeps it all")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2, help="processes that answer")
    parser.add_argument("--account", metavar="NAME", help="make an account and end")

    def run(options: argparse.Namespace) -> str:
        folder = options.folder.resolve()
        if options.account is not None:
            return account(folder, options.port, options.account)
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))
        # Others may pass, to what is theirs below: PostgreSQL's user, where root starts it.
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        try:
            with FileLock(folder / "lock", timeout=0):
                return serve(folder, options.port, options.workers)
        except Timeout:
            raise ServerError(f"a server runs on {folder}") from None

    return job.main(run, parser.parse_args(arguments), PostgresError, ServerError)


if __name__ == "__main__":
    sys.exit(main())
