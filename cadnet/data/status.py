"""Which datasets are there: counted by their readers against the official counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cadnet.data.access import access
from cadnet.data.align import collect
from cadnet.data.sources import FOLDERS, source


@dataclass(frozen=True)
class Status:
    """What is there of a dataset.

    Attributes:
        state: ``found`` (whole), ``partial`` or ``missing``.
        counted, expected: faces, or videos, in all parts.
        problems: what the reader found wrong or missing.
    """

    name: str
    root: Path
    state: str
    counted: int
    expected: int
    unit: str
    problems: tuple[str, ...] = ()


def status(raw: Path, name: str) -> Status:
    """Reads a dataset's annotations; pictures stay closed."""
    dataset, root = source(name), raw / FOLDERS.get(name, name)
    expected = {part.name: part.expected for part in dataset.parts}
    total = sum(expected.values())
    if not root.is_dir():
        return Status(name, root, "missing", 0, total, dataset.counted)
    _, counts, problems = collect(root, dataset, expected, allow=True)
    counted = sum(counts.values())
    state = "found" if not problems else "partial" if counted else "missing"
    return Status(name, root, state, counted, total, dataset.counted, tuple(problems))


def report(raw: Path, *, problems: int = 8) -> str:
    """The status of all datasets as text; of each, the first few problems."""
    lines = []
    for name, known in access().items():
        found = status(raw, name)
        counts = f"{found.counted:>6} of {found.expected:>6} {found.unit}"
        lines.append(f"{name:<14} {found.state:<8} {counts:<23} {known.title}")
        lines += [f"    {problem}" for problem in found.problems[:problems]]
        if len(found.problems) > problems:
            lines.append(f"    … and {len(found.problems) - problems} more")
        if found.state != "found":
            lines.append(f"    {known.licence}; {known.get}")
            if found.state == "missing" and known.archives:
                lines.append(f"    cadnet data fetch {name} downloads it")
            lines.append(f"    goes to {found.root}/")
    return "\n".join(lines)
