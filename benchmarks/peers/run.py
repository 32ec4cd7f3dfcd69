"""Latency of CAD-Net's models and of peers, side by side; README.md beside this says how to set up.

    python benchmarks/peers/run.py --pictures data/builtin/300w/helen/testset \\
        --models results/cadnet/seed0 exported/cadnet.onnx
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from cadnet.data.align import crop, crop_region
from cadnet.data.sources.ibug import read_pts
from cadnet.faces import tight_box
from cadnet.predictor import open_picture

HERE = Path(__file__).parent
COUNT, SIDE, FACEAPI = 32, 256, 112


def write_faces(folder: Path, out: Path) -> None:
    """32 faces, each a picture of 256 px, and the crops that face-api takes."""
    pictures, boxes = [], []
    for file in sorted(folder.glob("*.jpg"))[:COUNT]:
        box = tight_box(read_pts(file.with_suffix(".pts"), 68))
        left, top, side = crop_region(box, 1.6)
        pictures.append(crop(open_picture(file), (left, top, side), SIDE))
        scale = SIDE / side
        x, y, width, height = box
        boxes.append(((x - left) * scale, (y - top) * scale, width * scale, height * scale))
    np.savez(out.with_suffix(".npz"), pictures=np.stack(pictures), boxes=np.array(boxes))
    tight = [crop(p, crop_region(b, 1.0), FACEAPI) for p, b in zip(pictures, boxes, strict=True)]
    out.with_suffix(".crops").write_bytes(np.stack(tight).tobytes())
    out.with_suffix(".json").write_text(json.dumps({"count": len(tight), "side": FACEAPI}))


def commands(faces: Path, models: list[Path], threads: int) -> dict[str, list[str]]:
    """What to run, by name; peers that are not set up are left out."""
    npz = str(faces.with_suffix(".npz"))
    found = {
        f"CAD-Net {model}": [
            sys.executable, str(HERE / "cadnet_peer.py"), npz, str(model), str(threads)
        ]
        for model in models
    }  # fmt: skip
    peers = {
        "MediaPipe FaceMesh": [str(HERE / ".mediapipe/bin/python"), "mediapipe_peer.py", npz],
        "dlib, 68 points": [str(HERE / ".dlib/bin/python"), "dlib_peer.py", npz],
    }
    for name, (python, script, *rest) in peers.items():
        if Path(python).exists():
            found[name] = [python, str(HERE / script), *rest]
    if (HERE / "node_modules").is_dir():
        found["face-api, 68 points"] = ["node", str(HERE / "faceapi_peer.mjs"), str(faces)]
    return found


def measured(command: list[str], threads: int) -> dict[str, float]:
    """One run on that many cores."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, range(threads)),
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(
        "| model | threads | ms a face | faces a second, 32 at once | MiB |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        faces = Path(folder, "faces")
        write_faces(options.pictures, faces)
        for threads in (1, 2):
            runs = commands(faces, options.models, threads)
            rounds = [
                {name: measured(command, threads) for name, command in runs.items()}
                for _ in range(options.rounds)
            ]
            for name in runs:
                ms, batch, mib = (
                    statistics.median(found[name][key] for found in rounds)
                    for key in ("ms", "faces_per_s", "mib")
                )
                print(f"| {name} | {threads} | {ms:.2f} | {batch:.0f} | {mib:.0f} |", flush=True)


if __name__ == "__main__":
    main()
