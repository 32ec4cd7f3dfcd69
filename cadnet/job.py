"""What every job's command line shares: the log file, the progress bar, how errors look."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import FrameType
from typing import IO, Any

from tqdm import tqdm

from cadnet.credentials import masked
from cadnet.provenance import OutputError

_terminal: IO[str] | None = None


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


def _send_output_to(log: Path) -> None:
    """Everything that this process prints, C libraries included, goes into the log."""
    global _terminal
    if sys.stderr.isatty():
        _terminal = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def main(
    run: Callable[[argparse.Namespace], str],
    options: argparse.Namespace,
    *errors: type[Exception],
) -> int:
    """Run a job; what it returns is its last line.

    An expected error (one of ``errors``, or that a result could not be written) is one clear
    message; any other keeps its traceback. SIGTERM ends the job like an exception does, so that
    nothing half-written stays.
    """
    signal.signal(signal.SIGTERM, _stop)
    if options.log:
        try:
            _send_output_to(options.log)
        except OSError as error:
            print(f"error: cannot write {options.log}: {error}", file=sys.stderr)
            return 1
    expected: tuple[type[Exception], ...] = (OutputError, *errors)
    try:
        print(masked(run(options)))
    except expected as error:
        print(masked(f"error: {error}"), file=sys.stderr)
        return 1
    return 0
