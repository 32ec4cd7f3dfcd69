"""How the workflow's processes are started."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cadnet.lifeline import OWNER

_LEAST_FREE = 32 * 2**20
"""Bytes: on a disk with less, Snakemake itself ends in the middle of its bookkeeping."""
_WRITTEN = ("data/aligned", "logs", "results", "reports")


def own_python_first() -> None:
    """`python` in a rule is the one that runs Snakemake, also where no environment is activated.

    An environment of --use-conda still goes before it.
    """
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])


def _written_to(folder: Path) -> Iterator[Path]:
    """The folders that are there of those that a run writes to."""
    yield folder
    if (folder / ".snakemake").is_dir():
        yield folder / ".snakemake"
    for name in _WRITTEN:
        for place, _, _ in os.walk(folder / name):
            yield Path(place)


def complaint(folder: Path) -> str:
    """What hinders a run in a folder; empty where nothing does."""
    for place in _written_to(folder):
        if not os.access(place, os.W_OK):
            return (
                f"{place}: cannot be written; change its permissions, or run with "
                "--directory on a disk that is not read-only"
            )
        if (free := shutil.disk_usage(place).free) < _LEAST_FREE:
            return (
                f"{place}: {free / 2**20:.0f} MB are left on its disk; free some and run again, or "
                "run with --directory on another disk"
            )
    return ""


def exports(root: Path) -> str:
    """A prefix of shell commands, which run in the working directory: --directory may move it.

    Jobs end with this process, which starts their shells.
    """
    variables = {"PYTHONPATH": str(root), OWNER: str(os.getpid())}
    text = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"export {text.replace('{', '{{').replace('}', '}}')}; "


def track_in(uri: str) -> None:
    """Name the tracking store to the jobs: it may hold a password, and commands are printed where
    one fails, and seen by all who list the machine's processes."""
    os.environ["MLFLOW_TRACKING_URI"] = uri


def follow_journals(root: Path) -> None:
    """Start the process that forwards journals to MLflow while jobs run; it ends with this one."""
    Path("logs").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cadnet.tracking.forward"]
    subprocess.Popen(
        [*command, "--follow", str(os.getpid()), "--log", "logs/follow.log"],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdin=subprocess.DEVNULL,
        # It lives a moment longer than this process, and would hold its readers up.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
