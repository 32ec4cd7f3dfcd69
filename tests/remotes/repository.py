"""A git repository with the pipeline in it, worked on with git and DVC as a user does."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

from tests.conftest import ROOT
from tests.workflow.conftest import BIN

DVC = ROOT / ".venv" / "remotes" / "bin" / "dvc"
"""The DVC that reaches S3 and SSH (`make .venv/remotes/ready`)."""
_LINE = re.compile(r"^\d\d:\d\d:\d\d +\d+/\d+  (.*?) \(\d+ s\)$", re.MULTILINE)


class Repository:
    """A folder under git and DVC.

    Attributes:
        folder: where it lies.
        home: the user's, with no settings but the test's.
        variables: of the environment, besides.
    """

    def __init__(self, folder: Path, home: Path, **variables: str) -> None:
        self.folder = folder
        self.home = home
        self.variables = variables

    def environment(self) -> dict[str, str]:
        """As on a machine of its own: neither settings nor credentials of who runs the tests."""
        foreign = ("AWS_", "DVC_", "GIT_", "MLFLOW_", "SSH_")
        own = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        who = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER")
               for what in ("NAME", "EMAIL")}  # fmt: skip
        kept = {f"DVC_{name}_DIR": str(self.home / name.lower())
                for name in ("GLOBAL_CONFIG", "SYSTEM_CONFIG", "SITE_CACHE")}  # fmt: skip
        path = f"{BIN}{os.pathsep}{own['PATH']}"
        return {**own, **who, **kept, "HOME": str(self.home), "PATH": path, **self.variables}

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command, however it ends. `dvc` is the one that reaches all remotes."""
        program = str(DVC) if command[0] == "dvc" else command[0]
        return subprocess.run(
            [program, *command[1:]], cwd=self.folder, env=self.environment(),
            capture_output=True, text=True, timeout=1200, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def run(self, *command: str) -> str:
        """A command that must go well; what it printed."""
        done = self.attempt(*command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def commit(self, message: str) -> None:
        """All that git does not ignore."""
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", message)

    def clone(self, folder: Path, **variables: str) -> Repository:
        """A fresh clone of what is committed, for another person."""
        home = folder.with_name(f"{folder.name}-home")
        home.mkdir()
        made = Repository(folder, home, **variables)
        command = ["git", "clone", "-q", str(self.folder), str(folder)]
        subprocess.run(command, check=True, env=made.environment())
        return made

    def edit(self, old: str, new: str, name: str = "params.yaml") -> None:
        """Change one place of a file."""
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) == 1, f"{name}: {old!r} is there {text.count(old)} times"
        path.write_text(text.replace(old, new))


def ran(printed: str) -> dict[str, int]:
    """How many jobs of each rule a run did: planned in Snakemake's table, and each of them done.

    An empty dict where DVC had nothing to do.
    """
    if "Job stats:" not in printed:
        assert "Stage 'paper' didn't change" in printed, printed
        return {}
    lines = printed[printed.index("Job stats:") :].splitlines()[3:]
    rows = dict(line.split() for line in lines[: lines.index("")])
    total = int(rows.pop("total"))
    assert len(_LINE.findall(printed)) == total, printed
    return {rule: int(count) for rule, count in rows.items()}


def titles(printed: str) -> Counter[str]:
    """What the jobs that were done are called, without what they said last."""
    return Counter(line.split(":")[0] for line in _LINE.findall(printed))
