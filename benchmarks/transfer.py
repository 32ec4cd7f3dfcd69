"""Models trained on built-in faces alone, tested on real photographs of 300W's AFW.

    python benchmarks/transfer.py --real DIR --store data/aligned/300w.arrow \\
        results/cadnet/seed*/model.safetensors

``DIR`` holds ``300w/afw``. The mean shape beside them is that of the models' training faces.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from cadnet.data.align import align
from cadnet.data.store import Store
from cadnet.evaluation.metrics import mean_distance
from cadnet.faces import SCHEMES
from cadnet.training import checkpoint
from cadnet.training.inference import predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()
    trained = Store(options.store)
    spec = {
        "dataset": "300w", "origin": "official", "digest": "0" * 64, "expected": None,
        "partial": "allow", "validation": 0.1, "size": trained.size,
        "margin": trained.about["margin"],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        align(options.real / "300w", Path(folder, "afw.arrow"), spec)
        store = Store(Path(folder, "afw.arrow"))
        rows = np.arange(len(store))
        normaliser = SCHEMES[store.scheme].interocular(store.landmarks)

        def nrmse(landmarks: np.ndarray) -> float:
            return float(100 * np.mean(mean_distance(landmarks, store.landmarks) / normaliser))

        mean = trained.landmarks[trained.rows(split="train")].mean(axis=0)
        print(f"{len(rows)} real faces; mean shape {nrmse(mean[None]):.2f} %")
        found = defaultdict(list)
        for path in options.models:
            model, _ = checkpoint.load(path)
            landmarks = predict(model, store, rows, torch.device("cpu")).landmarks
            assert landmarks is not None
            found[path.parent.parent.name].append(nrmse(landmarks))
        for name, errors in found.items():
            print(f"{name}: {np.mean(errors):.2f} ± {np.std(errors, ddof=1):.2f} % {errors}")


if __name__ == "__main__":
    main()
