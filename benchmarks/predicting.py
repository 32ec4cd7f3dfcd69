"""`cadnet predict` on a folder, beside its parts measured apart: decode, find faces, predict.

    python benchmarks/predicting.py --model results/cadnet/seed0 --pictures FOLDER

The command also loads the model, writes a JSON document for each picture and counts; goal: at most
1.2 times the sum of the parts. Parts and command take turns on the same pictures, some hundred at a
time, in one process, so that a machine that slows down slows both. Python's start, the imports and
the making of the detector are therefore not in it: some 2.5 s for each command that a user types.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
import time
from pathlib import Path

import torch

from cadnet import predictor
from cadnet.cli import main as cadnet
from cadnet.predictor.pictures import PICTURES

CHUNK = 100


def parts(model: predictor.Predictor, files: list[Path]) -> dict[str, float]:
    """Seconds of each, one after the other; faces go through the model 32 at a time."""
    marks = [time.perf_counter()]
    pictures = [predictor.open_picture(file) for file in files]
    marks.append(time.perf_counter())
    boxes = [model.detect(picture) for picture in pictures]
    marks.append(time.perf_counter())
    crops = [model.crops(p, b) for p, b in zip(pictures, boxes, strict=True)]
    model.predict_many(crops)
    marks.append(time.perf_counter())
    spans = [after - before for before, after in itertools.pairwise(marks)]
    return dict(zip(("decode", "detect", "predict"), spans, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = sorted(p for p in options.pictures.rglob("*") if p.suffix.lower() in PICTURES)
    model = predictor.load(options.model, device="cpu")
    parts(model, found[:5])
    total: dict[str, float] = dict.fromkeys(("decode", "detect", "predict", "command"), 0.0)
    files = list(itertools.islice(itertools.cycle(found), options.count))
    for start in range(0, len(files), CHUNK):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "in")
            place.mkdir()
            copies = [
                Path(shutil.copy(file, place / f"{i:04d}{file.suffix}"))
                for i, file in enumerate(files[start : start + CHUNK])
            ]
            for name, seconds in parts(model, copies).items():
                total[name] += seconds
            before = time.perf_counter()
            arguments = ["--model", str(options.model), "--out", f"{folder}/out", "--threads", "1"]
            cadnet(["predict", str(place), *arguments, "--device", "cpu"])
            total["command"] += time.perf_counter() - before
    apart = sum(total[name] for name in ("decode", "detect", "predict"))
    print(f"{len(files)} pictures: " + ", ".join(f"{k} {v:.1f} s" for k, v in total.items()))
    print(f"the command takes {total['command'] / apart:.2f} × its parts")


if __name__ == "__main__":
    main()
