"""One line a job in the terminal: when it is done, what it was, how it went, how long it took.

    14:26:12  17/31  train cadnet, seed 0: validation NRMSE 5.98 %, 24 epochs (87 s)

Bars of the running jobs are below it while somebody watches. Snakemake's own account, with every
job's reason and files, goes to .snakemake/log/ as always; errors are shown in full.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

from snakemake.logging import DefaultFormatter, get_event, logger
from snakemake_interface_logger_plugins.common import LogEvent

from cadnet.credentials import masked

_DROPPED = {LogEvent.JOB_INFO, LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED}
_CLEAR_LINE = "\r\033[K"
_LONGEST = 200  # characters of what a job said last


class OneLine(DefaultFormatter):
    """Snakemake's formatter, but for the lines of jobs that went well."""

    def __init__(self, like: DefaultFormatter, prefix: str) -> None:
        super().__init__(like.quiet, like.show_failed_logs)
        self._prefix = prefix
        self._jobs: dict[int, tuple[str, list[str], float]] = {}
        self._finished: list[int] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Notes what starts and ends; lets through what is to be seen."""
        fields = record.__dict__
        if get_event(record) == LogEvent.JOB_INFO:
            title = fields["rule_msg"] or fields["rule_name"]
            self._jobs[fields["jobid"]] = (title, fields["log"], time.monotonic())
        elif get_event(record) == LogEvent.JOB_FINISHED:
            self._finished.append(fields["job_id"])
        return get_event(record) not in _DROPPED and record.msg != "Select jobs to execute..."

    def format_progress(self, msg: dict[str, Any]) -> str:
        """The line of what finished since the last one."""
        count = f"{msg['done']:>{len(str(msg['total']))}}/{msg['total']}"
        known = [self._jobs.pop(number) for number in self._finished if number in self._jobs]
        self._finished.clear()
        return "\n".join(
            f"{time.strftime('%H:%M:%S')}  {count}  {title}{_last_line(logs)} "
            f"({time.monotonic() - started:.0f} s)"
            for title, logs, started in known
        )

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"{self._prefix}{text}" if text else text


def _last_line(logs: list[str]) -> str:
    """What a job said last; a long line is cut."""
    for log in logs:
        if Path(log).is_file():
            lines = Path(log).read_text(encoding="utf-8", errors="replace").splitlines()
            if lines:
                said = lines[-1]
                return f": {said}" if len(said) <= _LONGEST else f": {said[: _LONGEST - 1]}…"
    return ""


def _without_credentials(record: logging.LogRecord) -> bool:
    for name, value in list(record.__dict__.items()):
        if isinstance(value, str):
            record.__dict__[name] = masked(value)
    return True


def no_credentials() -> None:
    """No password that --config names, in the terminal or in .snakemake/log: Snakemake tells the
    command that started it, and those that fail."""
    logger.addFilter(_without_credentials)


def one_line_a_job() -> None:
    """Takes effect on Snakemake's own handler; a logger plugin that a user chose stays as it is."""
    for handler in logger.handlers:
        if handler.name == "DefaultStreamHandler" and isinstance(
            handler.formatter, DefaultFormatter
        ):
            watched = getattr(handler, "stream", sys.stderr).isatty()
            formatter = OneLine(handler.formatter, _CLEAR_LINE if watched else "")
            handler.setFormatter(formatter)
            handler.addFilter(formatter)
