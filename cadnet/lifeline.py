"""A process that ends with another one, however that one ends.

Jobs end with the Snakemake that started them, Snakemake with the ``dvc repro`` that started it. A
parent's death signal (``PR_SET_PDEATHSIG``) would not do: between the two is a shell.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable

OWNER = "CADNET_OWNER"
"""The environment variable with the number of the process to end with."""

_GRACE = 60.0  # seconds in which a job may save where it stands


def when_gone(pid: int, then: Callable[[], None]) -> None:
    """Calls ``then`` once a process is gone, in a thread; at once if it is gone already.

    Where the kernel cannot tell (before Linux 5.3), never.
    """
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        then()
        return
    except OSError:
        return

    def wait() -> None:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.poll()
        then()

    threading.Thread(target=wait, daemon=True).start()


def _end() -> None:
    with contextlib.suppress(OSError):  # a full disk
        print("the process that started this job is gone: ending too", flush=True)
    # To the main thread: another would take it, and leave that one in its system call.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    threading.Thread(target=_insist, daemon=True).start()


def _insist() -> None:
    time.sleep(_GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


def end_with_owner() -> None:
    """A job: SIGTERM to itself once its owner is gone, if it has one; SIGKILL a minute later."""
    if owner := os.environ.get(OWNER):
        when_gone(int(owner), _end)


def die_with_owner() -> None:
    """Snakemake: dies at once with its owner, if it has one.

    Its jobs then end by themselves, and the next run finds what a killed one leaves. The variable
    is not for the processes that it starts.
    """
    if owner := os.environ.pop(OWNER, ""):
        when_gone(int(owner), lambda: os.kill(os.getpid(), signal.SIGKILL))
