"""The undisturbed run, once for all tests of a session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chaos.small import Reference, reference


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """See ``Reference``."""
    return reference(tmp_path_factory.mktemp("chaos"))


@pytest.fixture
def mount() -> Iterator[Callable[..., Path]]:
    """Mounts a small disk of its own at a folder, as root may."""
    mounted: list[Path] = []

    def tmpfs(place: Path, options: str) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield tmpfs
    for place in mounted:
        if os.path.ismount(place):
            subprocess.run(["umount", "--lazy", str(place)], check=True)
