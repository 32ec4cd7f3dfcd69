"""Faces of a dataset, cropped and resized alike, into its aligned store.

The crop is a square around the face's box, ``margin`` times its longer side, resized without
changing its proportions; beyond the picture's edge the edge repeats.

    python -m cadnet.data.align --spec JSON --root data/raw/300w --out data/aligned/300w.arrow
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cadnet import job
from cadnet.data.framing import Box, Framing
from cadnet.data.sources import MANIFEST, DataError, Image, Part, Source, source
from cadnet.data.store import Row, write_store
from cadnet.faces import EXPRESSIONS, Array, Face
from cadnet.provenance import file_digest

# Landmarks may lie a little outside a picture that cuts the face off; this far (of the box's
# longer side) they belong to another picture.
_OUTSIDE = 0.3


def crop_region(box: tuple[float, float, float, float], margin: float) -> tuple[int, int, int]:
    """The square (left, top, side) in whole px around a box, ``margin`` × its longer side."""
    x, y, width, height = box
    side = max(2, round(max(width, height) * margin))
    left = math.floor(x + width / 2 - side / 2 + 0.5)
    top = math.floor(y + height / 2 - side / 2 + 0.5)
    return left, top, side


def crop(picture: Image, region: tuple[int, int, int], size: int) -> Image:
    """The region of a picture (H, W, 3) resized to (size, size, 3); the picture's edge repeats."""
    left, top, side = region
    height, width = picture.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    square = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if square.shape[:2] != (side, side):
        square = picture[rows[:, None], columns[None, :]]
    shrink = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    resized: Image = cv2.resize(square, (size, size), interpolation=shrink)
    return resized


def to_crop(landmarks: Array, region: tuple[int, int, int], size: int) -> Array:
    """Landmarks (L, 2) px of the picture → px of the crop; pixel centres at integers in both."""
    left, top, side = region
    return (landmarks - (left, top) + 0.5) * (size / side) - 0.5


def check_face(face: Face, picture: Image) -> None:
    """Refuses what no annotator can have meant.

    Raises:
        DataError: the box is empty, or a landmark lies far outside the picture.
    """
    height, width = picture.shape[:2]
    longer = max(face.box[2:])
    where = f"{face.image}" + ("" if face.index is None else f": face {face.index + 1}")
    if not longer > 1:
        raise DataError(f"{where}: the face's box is empty; correct or remove the face")
    if face.landmarks is None:
        return
    beyond = np.maximum(-face.landmarks, face.landmarks - (width - 1, height - 1)).max(axis=1)
    if (beyond > _OUTSIDE * longer).any():
        point = int(np.nanargmax(beyond))
        raise DataError(
            f"{where}: landmark {point} (from 0) lies {beyond[point]:.0f} px outside the picture "
            f"of {width} × {height}; picture and landmarks do not belong together"
        )


def held_out(groups: list[str], share: float) -> set[str]:
    """The groups of the validation part: those whose name has the smallest hash.

    Fixed by the names alone: neither a seed nor the order of the files moves it.
    """
    distinct = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode()).digest())
    return set(distinct[: math.ceil(share * len(distinct))] if len(distinct) > 1 else [])


def collect(
    root: Path, dataset: Source, expected: dict[str, int], *, allow: bool
) -> tuple[list[tuple[Part, Face]], dict[str, int], list[str]]:
    """All faces of a dataset, how many each part holds, and what is missing or was skipped.

    Raises:
        DataError: without ``allow``, when a count is not the official one or a file is unreadable.
    """
    faces: list[tuple[Part, Face]] = []
    counted: dict[str, set[str]] = {part.name: set() for part in dataset.parts}
    problems: list[str] = []
    keys: set[str] = set()
    for part in dataset.parts:
        for found in dataset.read(root, part):
            if isinstance(found, DataError):
                problems.append(str(found))
            elif found.key in keys:
                problems.append(f"{found.image}: a second face named {found.key}; keep one of them")
            else:
                keys.add(found.key)
                faces.append((part, found))
                counted[part.name].add(found.key if dataset.counted == "faces" else found.video)
    counts = {name: len(those) for name, those in counted.items() if those}
    wrong = [
        f"{part.name}/ ({counts.get(part.name, 0)} of {expected[part.name]} {dataset.counted})"
        for part in dataset.parts
        if counts.get(part.name, 0) != expected[part.name]
    ]
    if (problems or wrong) and not allow:
        raise DataError(
            f"{root} is not the whole of {dataset.name}:\n"
            + "".join(f"  {line}\n" for line in [*wrong, *_few(problems)])
            + "Complete it, or go on with what is there: --config data='{partial: allow}'"
        )
    return faces, counts, [*wrong, *(f"skipped: {text}" for text in problems)]


def _few(lines: list[str], most: int = 20) -> list[str]:
    more = len(lines) - most
    return lines[:most] + ([f"… and {more} more"] if more > 0 else [])


def verify_manifest(root: Path) -> str:
    """Checks generated or fetched files against their manifest; returns the manifest's digest.

    Raises:
        DataError: a file is missing or is not what was written.
    """
    manifest = root / MANIFEST
    for line in manifest.read_text(encoding="utf-8").splitlines():
        wanted, _, name = line.partition("  ")
        path = root / name
        if not path.is_file() or file_digest(path) != wanted:
            raise DataError(
                f"{path}: is missing or not as it was written; delete {root} and run again"
            )
    return file_digest(manifest)


def align(root: Path, out: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """Read, check, crop and store one dataset.

    Args:
        spec: as ``origin.align_spec`` makes it.

    Raises:
        DataError: as ``collect``; or a picture is unreadable, or no training face is left.
    """
    dataset, allow = source(spec["dataset"]), spec["partial"] == "allow"
    expected = spec["expected"] or {part.name: part.expected for part in dataset.parts}
    digest = spec["digest"] or verify_manifest(root)
    faces, counts, missing = collect(root, dataset, expected, allow=allow)
    if not faces:
        raise DataError(f"{root}: holds no face of {dataset.name}; see docs/datasets.md")
    validation = held_out(
        [face.group for _, face in faces if face.split == "train"], spec["validation"]
    )
    problems: list[str] = []
    splits: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    expressions: dict[str, list[int]] = {}
    subjects: dict[str, set[str]] = {"train": set(), "test": set()}
    framed: list[tuple[Box, Array]] = []

    def rows() -> Iterator[Row]:
        for part, face in job.bar(faces, desc=f"align {dataset.name}", unit="face"):
            try:
                picture = dataset.open(face)
                check_face(face, picture)
            except DataError as error:
                problems.append(str(error))
                continue
            in_validation = face.split == "train" and face.group in validation
            subset = "validation" if in_validation else face.subset
            splits[subset] += 1
            labelled[part.name] += face.visible is not None
            if face.expression is not None:
                expressions.setdefault(subset, [0] * len(EXPRESSIONS))[face.expression] += 1
            if face.subject:
                subjects["train" if face.split == "train" else "test"].add(face.subject)
            region = crop_region(face.box, spec["margin"])
            points = face.landmarks
            if points is not None and face.split == "train":
                framed.append((face.box, points))
            corner, scale = (
                to_crop(np.array(face.box[:2]), region, spec["size"]),
                spec["size"] / region[2],
            )
            yield Row(
                face=face,
                split="validation" if in_validation else face.split,
                subset=subset,
                image=crop(picture, region, spec["size"]),
                landmarks=None if points is None else to_crop(points, region, spec["size"]),
                box=(*corner.tolist(), face.box[2] * scale, face.box[3] * scale),
                region=region,
            )
        if problems and not allow:
            raise DataError(
                f"{root}: {len(problems)} faces cannot be used:\n"
                + "\n".join(f"  {line}" for line in _few(problems))
                + "\nMend them, or leave them out: --config data='{partial: allow}'"
            )
        missing.extend(f"skipped: {text}" for text in problems)
        about["framing"] = asdict(Framing.of(framed))
        about["subjects"] = len(subjects["train"] | subjects["test"])
        about["shared_subjects"] = len(subjects["train"] & subjects["test"])

    about: dict[str, Any] = {
        "dataset": dataset.name,
        "origin": spec["origin"],
        "digest": digest,
        "counts": counts,
        "expected": expected,
        "missing": missing,
        "subsets": splits,
        "unions": dict(dataset.unions),
        "normaliser": dataset.normaliser,
        "occlusion_labels": labelled,
        "expressions": expressions,
        "validation": spec["validation"],
        "margin": spec["margin"],
    }
    return write_store(out, rows(), size=spec["size"], scheme=dataset.scheme, about=about)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--spec", type=job.json_argument, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    cv2.setNumThreads(1)

    def run(options: argparse.Namespace) -> str:
        about = align(options.root, options.out, options.spec)
        counts = ", ".join(f"{count} {name}" for name, count in sorted(about["subsets"].items()))
        for line in about["missing"]:
            print(line)
        partial = f"; {len(about['missing'])} missing or skipped" if about["missing"] else ""
        return f"{about['dataset']}: {about['origin']}, {counts}{partial}"

    return job.main(run, parser.parse_args(arguments), DataError)


if __name__ == "__main__":
    job.without("pandas")
    sys.exit(main())
