"""Several Snakemakes in one folder: the live ones are respected, a dead one's locks are removed."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

_held: list[IO[str]] = []
"""Open while this process lives: the kernel lets go of its lock, however the process ends."""


def announce(folder: Path) -> str:
    """Say to others that a Snakemake is at work here; call before Snakemake locks its files.

    Snakemake's own lock says nothing of whose it is, and outlives a killed one. So every Snakemake
    of this workflow holds a shared lock of the kernel's. Who gets it for itself alone is the only
    one here: locks that it finds are a dead one's.

    Returns:
        What the user should know; empty where there is nothing to say.
    """
    place = folder / ".snakemake" / "cadnet" / "at-work"
    place.parent.mkdir(parents=True, exist_ok=True)
    file = place.open("a")
    _held.append(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(file, fcntl.LOCK_SH)
        return (
            f"another snakemake is at work in {folder}. If it makes the same files, this one is "
            "refused: wait for it, or stop it. Do not --unlock."
        )
    except OSError:
        return ""  # a file system without such locks: Snakemake says when to --unlock
    stale = list((folder / ".snakemake" / "locks").glob("*.lock"))
    for lock in stale:
        lock.unlink(missing_ok=True)
    fcntl.flock(file, fcntl.LOCK_SH)
    return "the last snakemake here was killed; its locks are removed" if stale else ""
