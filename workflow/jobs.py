"""How the workflow's processes are started."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path


def own_python_first() -> None:
    """`python` in a rule is the one that runs Snakemake, also where no environment is activated.

    An environment of --use-conda still goes before it.
    """
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])


def complaint(folder: Path) -> str:
    """What hinders a run in a folder; empty where nothing does."""
    for place in (folder, folder / ".snakemake", folder / "results", folder / "reports"):
        if place.exists() and not os.access(place, os.W_OK):
            return (
                f"{place}: cannot be written; change its permissions, or run with "
                "--directory on a disk that is not read-only"
            )
    return ""


def exports(root: Path) -> str:
    """A prefix of shell commands, which run in the working directory: --directory may move it."""
    text = f"PYTHONPATH={shlex.quote(str(root))}"
    return f"export {text.replace('{', '{{').replace('}', '}}')}; "


def track_in(uri: str) -> None:
    """The MLflow store of all jobs. Its address may hold a password: it goes through the
    environment, which no log, record or list of processes shows."""
    os.environ["MLFLOW_TRACKING_URI"] = uri


def follow_journals(root: Path) -> None:
    """Start the process that forwards journals to MLflow while jobs run; it ends with this one."""
    Path("logs").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cadnet.tracking.forward"]
    subprocess.Popen(
        [*command, "--follow", str(os.getpid()), "--log", "logs/follow.log"],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
