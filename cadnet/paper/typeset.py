"""A pdf of the LaTeX document, where TeX is installed.

python -m cadnet.paper.typeset --tex reports/paper/paper.tex --out reports/paper/paper.pdf
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cadnet import job
from cadnet.integrity import recorded_files, verified
from cadnet.provenance import atomic_path

PROGRAMS = ("pdflatex", "tectonic")
_RUNS = 4
"""Long tables find their columns' places anew at each run until nothing moves."""
_SECONDS = 300


class TypesettingError(Exception):
    """TeX is missing or refuses the document; the message has TeX's own words."""


def program() -> str | None:
    """The TeX that is installed, if any is."""
    return next((name for name in PROGRAMS if shutil.which(name)), None)


def _run(command: list[str], folder: Path) -> str:
    # SOURCE_DATE_EPOCH: no date in the pdf. openout_any, -no-shell-escape: nothing but the pdf.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1",
                   "max_print_line": "1000"}  # fmt: skip
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TypesettingError(f"{command[0]} did not end within {_SECONDS} s") from None
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode:
        end = "\n".join(said.strip().splitlines()[-12:])
        raise TypesettingError(f"{command[0]} refuses {folder / command[-1]}:\n{end}")
    return said


def typeset(tex: Path, pdf: Path) -> str:
    """Make the pdf; returns the name of the program.

    Raises:
        CorruptedError: a table or figure is not as its job wrote it.
        TypesettingError: no TeX, or it refuses the document.
    """
    name = program()
    if name is None:
        raise TypesettingError(f"no TeX: none of {', '.join(PROGRAMS)} is on the PATH")
    # What the document takes in: tables' .tex, figures' .png.
    for part in recorded_files(tex.parent.parent / kind for kind in ("tables", "figures")):
        if part.suffix in (".tex", ".png"):
            verified(part)
    with TemporaryDirectory() as scratch:
        if name == "pdflatex":
            command = [name, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape",
                       f"-output-directory={scratch}", tex.name]  # fmt: skip
            for _ in range(_RUNS):
                if "Rerun" not in _run(command, tex.parent):
                    break
        else:
            _run([name, "--untrusted", f"--outdir={scratch}", tex.name], tex.parent)
        with atomic_path(pdf) as temporary:
            shutil.copyfile(Path(scratch, tex.stem).with_suffix(".pdf"), temporary)
    return name


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--tex", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        name = typeset(options.tex, options.out)
        return f"{options.out}: by {name}, {options.out.stat().st_size / 1e6:.1f} MB"

    return job.main(run, parser.parse_args(arguments), TypesettingError)


if __name__ == "__main__":
    sys.exit(main())
