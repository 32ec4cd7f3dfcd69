"""One GPU a job: Snakemake counts GPUs but assigns none.

Each job takes the first GPU whose lock is free and lets torch see that one alone. The lock goes
when the process ends, however it ends.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_NONE = ("", "-1", "NoDevFiles")  # the last is what older SLURMs give to a job without GPUs


def visible_gpus() -> list[str]:
    """Identifiers of the GPUs that this process may use; a scheduler's own choice is kept."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name not in _NONE]
    try:
        listing = subprocess.run(
            # From the PATH: where it lies differs from driver to driver.
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return listing.split()


def _allocation() -> str:
    """What keeps the locks of two jobs of SLURM on one node apart: where each sees its own GPUs
    alone, each calls its first one 0."""
    job = os.environ.get("SLURM_JOB_ID")
    return f"-slurm{job}" if job else ""


@contextmanager
def claim(device: str = "auto", locks: Path | None = None) -> Iterator[str | None]:
    """Holds one GPU for the block, waiting for one if all are taken; nothing without GPUs.

    Call before torch touches CUDA. ``device="cpu"`` claims none.
    """
    gpus = [] if device == "cpu" else visible_gpus()
    if not gpus:
        yield None
        return
    folder = locks or Path(tempfile.gettempdir(), f"cadnet-gpus-{os.getuid()}{_allocation()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        for gpu in gpus:
            lock = FileLock(folder / f"{gpu.replace('/', '_')}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            before = os.environ.get("CUDA_VISIBLE_DEVICES")
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu
            try:
                yield gpu
            finally:
                if before is None:
                    del os.environ["CUDA_VISIBLE_DEVICES"]
                else:
                    os.environ["CUDA_VISIBLE_DEVICES"] = before
                lock.release()
            return
        time.sleep(1)
