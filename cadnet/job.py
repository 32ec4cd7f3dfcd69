"""What every job's command line shares: the log file, the progress bar, how errors look."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import FrameType
from typing import IO, Any

from tqdm import tqdm

from cadnet import integrity, lifeline
from cadnet.credentials import masked
from cadnet.integrity import CorruptedError
from cadnet.provenance import FULL_OR_READ_ONLY, OutputError, writing

_terminal: IO[str] | None = None
_before_log: IO[str] | None = None
"""Where errors went before there was a log: on a full disk the log takes none."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with what all jobs take."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--log", type=Path, help="write everything here but the progress bar")
    return made


def json_argument(text: str) -> Any:
    """A JSON value of the command line."""
    return json.loads(text)


def bar(iterable: Any = None, **options: Any) -> tqdm[Any]:
    """A progress bar on the terminal, if anybody watches one; silent otherwise."""
    stream = _terminal or sys.stderr
    return tqdm(
        iterable,
        file=stream,
        disable=not stream.isatty(),
        leave=False,
        dynamic_ncols=True,
        mininterval=0.5,
        **options,
    )


def without(*modules: str) -> None:
    """Call first: this process does without modules that libraries import only because they are
    there. PyArrow takes a second for pandas, which a training job never uses."""

    class Absent(MetaPathFinder):
        def find_spec(self, name: str, *more: object) -> None:
            if name in modules:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, Absent())


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _alone(file: IO[str], log: Path) -> None:
    """Waits until no other process writes this log, and so none the same results: a job whose
    Snakemake was killed may still be ending. The lock lives as long as this process does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{log}: another process is at this job; waiting for its end", file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system without locks


def _send_output_to(log: Path) -> None:
    """Everything that this process prints, C libraries included, goes into the log."""
    global _terminal, _before_log
    _before_log = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    if sys.stderr.isatty():
        _terminal = _before_log
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        _alone(file, log)
        file.truncate(0)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _complain(error: Exception) -> None:
    """An error in a line; where the log cannot take it, to where errors went before."""
    line = masked(f"error: {error}")
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        print(line, file=_before_log)


def _files(options: argparse.Namespace) -> Iterator[Path]:
    """The files that a command line names."""
    for value in vars(options).values():
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path) and path != options.log:
                yield path


def main(
    run: Callable[[argparse.Namespace], str],
    options: argparse.Namespace,
    *errors: type[Exception],
) -> int:
    """Run a job; what it returns is its last line.

    The files that the command line names are verified before, and what is written is recorded
    (``cadnet.integrity``). An expected error (one of ``errors``, a file that is not as its job
    wrote it, a result that could not be written) is one clear message; any other keeps its
    traceback. SIGTERM ends the job like an exception does, so that nothing half-written stays; so
    does the end of the Snakemake that started it.
    """
    signal.signal(signal.SIGTERM, _stop)
    lifeline.end_with_owner()
    if options.log:
        try:
            _send_output_to(options.log)
        except OSError as error:
            print(f"error: cannot write {options.log}: {error}", file=sys.stderr)
            return 1
    expected: tuple[type[Exception], ...] = (OutputError, CorruptedError, *errors)
    # What cannot be written, and is no result, is a line of the log.
    unnamed = writing(options.log or Path("standard output"), FULL_OR_READ_ONLY)
    try:
        for path in _files(options):
            integrity.verified(path)
        with integrity.recording(), unnamed:
            print(masked(run(options)), flush=True)
    except expected as error:
        _complain(error)
        return 1
    return 0
