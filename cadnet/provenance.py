"""Where a result comes from: digests of code, data and parameters; the commit; safe writing.

Light on purpose: the Snakefile imports it, and so does every job.
"""

from __future__ import annotations

import ast
import contextlib
import csv
import errno
import hashlib
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cadnet import integrity
from cadnet.integrity import file_digest

PACKAGE_ROOT = Path(__file__).resolve().parent.parent


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no needless spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """sha256 (hex) of a JSON-like value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


# --- code ---------------------------------------------------------------------------------------


def _module_file(module: str) -> Path | None:
    base = PACKAGE_ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _strip_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:]
    return tree


@cache
def _parsed(module: str) -> tuple[str, frozenset[str]]:
    """Digest of one module's syntax tree, and the modules of this package that it imports."""
    path = _module_file(module)
    assert path is not None, module
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imported.add(node.module)
            imported.update(f"{node.module}.{alias.name}" for alias in node.names)
    package = module.split(".")[0]
    own = frozenset(
        name for name in imported if name.split(".")[0] == package and _module_file(name)
    )
    dump = ast.dump(_strip_docstrings(tree), include_attributes=False)
    return hashlib.sha256(dump.encode()).hexdigest(), own


def imported_modules(*modules: str) -> list[str]:
    """The given modules and all modules of this package that they import, however deep.

    Imports inside functions count. A parent package runs when its child is imported, so it counts.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        waiting += _parsed(module)[1]
        parent = module.rpartition(".")[0]
        if parent:
            waiting.append(parent)
    return sorted(found)


def code_digest(*modules: str) -> str:
    """Digest of what a job runs: comments, docstrings, layout and file dates leave it alone."""
    return digest({name: _parsed(name)[0] for name in imported_modules(*modules)})[:16]


def commit(root: Path = PACKAGE_ROOT) -> str:
    """The git commit of the code, with ``+changes`` when tracked files differ from it."""
    try:
        git = ["git", "-C", str(root)]
        head = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=20
        )
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown (not a git checkout)"
    return head.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


# --- data ---------------------------------------------------------------------------------------


def tree_digest(root: Path, cache_file: Path) -> str:
    """Digest of a folder: each file's relative name and content, wherever the folder lies.

    Content is hashed once: ``cache_file`` remembers it by size and modification time, so that
    asking again costs a look at each file's entry. Hidden files do not count.
    """
    try:
        known: dict[str, list[Any]] = json.loads(cache_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    seen: dict[str, list[Any]] = {}
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.startswith("."):
                continue
            path = Path(folder, name)
            status = path.stat()
            key = path.relative_to(root).as_posix()
            entry = known.get(key)
            stamp = [status.st_size, status.st_mtime_ns]
            content = entry[2] if entry and entry[:2] == stamp else file_digest(path)
            seen[key] = [*stamp, content]
    if seen != known:
        with contextlib.suppress(OSError), atomic_path(cache_file) as temporary:
            temporary.write_text(json.dumps(seen), encoding="utf-8")
    return digest({key: content for key, (_, _, content) in sorted(seen.items())})


# --- writing ------------------------------------------------------------------------------------


class OutputError(Exception):
    """A result could not be written: the message names the place and what to do."""


_REMEDY = {
    errno.ENOSPC: "no space is left on {disk}: free some and run again, or run with --directory on "
    "another disk",
    errno.EDQUOT: "your quota of {disk} is used up: free some and run again, or use another disk",
    errno.EACCES: "you may not write there: change its permissions, or run elsewhere",
    errno.EPERM: "you may not write there: change its permissions, or run elsewhere",
    errno.EROFS: "{disk} is read-only: run with --directory on another disk",
}
FULL_OR_READ_ONLY = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _disk(path: Path) -> Path:
    """Where the disk that a path lies on is mounted."""
    return next(p for p in path.resolve().parents if os.path.ismount(p))


def _reason(error: Exception, numbers: Iterable[int]) -> int | None:
    """The system's number of an error, if it is one of these; libraries in other languages give
    its text alone."""
    number = error.errno if isinstance(error, OSError) else None
    if number is not None and number in numbers:
        return number
    return next((n for n in FULL_OR_READ_ONLY if os.strerror(n) in str(error)), None)


@contextlib.contextmanager
def writing(path: Path, numbers: Iterable[int] = tuple(_REMEDY)) -> Iterator[None]:
    """Says in words why a file cannot be written, for errors of these numbers.

    Raises:
        OutputError: the disk is full, read-only or not ours.
    """
    try:
        yield
    except OutputError:
        raise
    except Exception as error:
        if (number := _reason(error, numbers)) is None:
            raise
        remedy = _REMEDY[number].format(disk=_disk(path))
        raise OutputError(f"cannot write {path}: {remedy} ({error})") from error


@contextlib.contextmanager
def atomic_path(final: Path) -> Iterator[Path]:
    """A temporary path beside ``final`` that takes its name when the block ends well.

    A job that dies leaves no half-written result. The temporary file keeps the suffix. In a job the
    file's digest is recorded (``cadnet.integrity``).

    Raises:
        OutputError: the disk is full, read-only or not ours.
    """
    temporary = final.with_name(f".{final.stem}.{uuid.uuid4().hex[:8]}{final.suffix}")
    try:
        with writing(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            digest = integrity.digest_to_record(temporary)
            # Killed between these three, a file has no record, never a wrong one.
            integrity.forget(final)
            temporary.replace(final)
            if digest:
                integrity.record(final, digest)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, Any] | list[Any]) -> None:
    """Write readable JSON, atomically."""
    with atomic_path(path) as temporary:
        text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_csv(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, digits: int
) -> None:
    """Write a table, atomically; fractions with some significant digits."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        for row in rows:
            table.writerow(f"{v:.{digits}g}" if isinstance(v, float) else v for v in row)
