"""Built-in faces of one dataset, in its official layout.

    python -m cadnet.data.synthetic.generate --spec JSON --out data/builtin/300w

The folder appears whole or not at all. ``SHA256SUMS`` in it lists every file, for
``sha256sum --check`` and for the aligner, which refuses files that are not as they were made.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from cadnet import job
from cadnet.data.sources import MANIFEST
from cadnet.data.synthetic.write import write_300w, write_aflw, write_menpo
from cadnet.data.synthetic.write_cofw import write_cofw, write_cofw68
from cadnet.data.synthetic.write_expressions import (
    write_affectnet,
    write_ckplus,
    write_ised,
    write_jaffe,
)
from cadnet.data.synthetic.write_video import write_300vw
from cadnet.provenance import atomic_path, file_digest

WRITERS: dict[str, Callable[..., None]] = {
    "300w": write_300w,
    "menpo": write_menpo,
    "cofw": write_cofw,
    "cofw68": write_cofw68,
    "aflw": write_aflw,
    "300vw": write_300vw,
    "affectnet": write_affectnet,
    "ckplus": write_ckplus,
    "jaffe": write_jaffe,
    "ised": write_ised,
}


def generate(out: Path, spec: dict[str, Any]) -> int:
    """Write a dataset and its manifest, in place of what was there; returns how many files.

    Args:
        spec: as ``origin.builtin_spec`` makes it.
    """
    write = WRITERS[spec["dataset"]]
    with atomic_path(out) as temporary:
        temporary.mkdir()
        write(temporary, **{key: value for key, value in spec.items() if key != "dataset"})
        files = sorted(path for path in temporary.rglob("*") if path.is_file())
        lines = [f"{file_digest(path)}  {path.relative_to(temporary).as_posix()}" for path in files]
        (temporary / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
    return len(files)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--spec", type=job.json_argument, required=True)
    parser.add_argument("--out", type=Path, required=True)

    cv2.setNumThreads(1)

    def run(options: argparse.Namespace) -> str:
        return f"{generate(options.out, options.spec)} files"

    return job.main(run, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
