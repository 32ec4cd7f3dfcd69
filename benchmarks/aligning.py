"""Indexing and aligning many faces: faces a second, and what memory grows with.

    python benchmarks/aligning.py [--count 10000] [--picture 512]

A few hundred built-in faces stand under many names (hard links), in the layouts of 300W and of
AffectNet. Of memory, what the index of all faces takes grows with their number; pictures are
decoded one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from cadnet.data.align import align, collect
from cadnet.data.sources import source

DRAWN = 200
# The official numbers that a forecast is made for.
FORECAST = {"300w": 3837, "affectnet": 291651, "300vw": 218595}


def as_300w(drawn: Path, root: Path, count: int) -> None:
    """``count`` faces in afw/."""
    (root / "afw").mkdir(parents=True)
    originals = sorted((drawn / "afw").glob("*.pts"))
    for i in range(count):
        pts = originals[i % len(originals)]
        for path in (pts, pts.with_suffix(".jpg")):
            os.link(path, root / "afw" / f"{i:06d}{path.suffix}")


def as_affectnet(drawn: Path, root: Path, count: int) -> None:
    """``count`` faces in train_set/, each a picture and four small files."""
    for folder, suffixes in (
        ("images", (".jpg",)),
        ("annotations", ("_exp.npy", "_lnd.npy", "_val.npy", "_aro.npy")),
    ):
        wanted = root / "train_set" / folder
        wanted.mkdir(parents=True)
        for i in range(count):
            for suffix in suffixes:
                os.link(
                    drawn / "train_set" / folder / f"{i % DRAWN}{suffix}", wanted / f"{i}{suffix}"
                )


LAYOUTS: dict[str, tuple[Any, dict[str, int]]] = {
    "300w": (
        as_300w,
        {"afw": DRAWN, "helen/trainset": 1, "lfpw/trainset": 1, "helen/testset": 1}
        | {"lfpw/testset": 1, "ibug": 1},
    ),
    "affectnet": (as_affectnet, {"train": DRAWN, "validation": 8}),
}


def measure(name: str, root: Path) -> None:
    """Prints one JSON line; runs in a process of its own."""
    process, dataset = psutil.Process(), source(name)
    expected = {part.name: part.expected for part in dataset.parts}
    before, started = process.memory_info().rss, time.perf_counter()
    faces, _, _ = collect(root, dataset, expected, allow=True)
    indexed, after = time.perf_counter(), process.memory_info().rss
    count = len(faces)
    del faces
    spec = {
        "dataset": name, "origin": "official", "digest": "0" * 64, "expected": None,
        "partial": "allow", "validation": 0.1, "size": 224, "margin": 1.25,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=root.parent) as folder:
        again = time.perf_counter()
        align(root, Path(folder, "store.arrow"), spec)
        aligned = time.perf_counter()
    result = {
        "faces": count,
        "index_seconds": indexed - started,
        "both_seconds": aligned - again,
        "index_bytes": after - before,
        "bytes": process.memory_info().rss,
    }
    print(json.dumps(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--picture", type=int, default=512)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]))
        return
    from cadnet.data.synthetic.generate import generate

    for name, (expand, counts) in LAYOUTS.items():
        with tempfile.TemporaryDirectory() as folder:
            drawn, root = Path(folder, "drawn"), Path(folder, "many")
            generate(drawn, {"dataset": name, "seed": 1, "size": options.picture, "counts": counts})
            expand(drawn, root, options.count)
            command = [sys.executable, __file__, "--measure", name, str(root)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout.splitlines()[-1])
        index, both = (found["faces"] / found[key] for key in ("index_seconds", "both_seconds"))
        each = found["index_bytes"] / found["faces"]
        print(
            f"{name}: {found['faces']} faces of {options.picture} px: indexed {index:.0f}/s, "
            f"indexed and aligned to 224 px {both:.0f}/s; the index takes {each / 1024:.1f} KiB a "
            f"face, the process {found['bytes'] / 2**20:.0f} MiB in the end"
        )
        for dataset, faces in FORECAST.items():
            print(
                f"    so {dataset} with {faces} faces: {faces / both / 60:.0f} min, "
                f"an index of {faces * each / 2**20:.0f} MiB"
            )


if __name__ == "__main__":
    main()
