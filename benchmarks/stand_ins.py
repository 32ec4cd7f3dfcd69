"""Faces of every built-in stand-in, as aligned, on one sheet: docs/stand-ins.jpg.

python benchmarks/stand_ins.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from cadnet.data import origin
from cadnet.data.align import align
from cadnet.data.store import Store
from cadnet.data.synthetic.generate import WRITERS, generate
from cadnet.params import load
from cadnet.provenance import PACKAGE_ROOT

COLUMNS, SIZE = 11, 96


def main() -> None:
    data = load(
        PACKAGE_ROOT / "params.yaml",
        {"preset": "smoke", "data": {"size": SIZE, "builtin": {"size": 160}}},
    ).data
    rows = []
    for name in WRITERS:
        with tempfile.TemporaryDirectory() as folder:
            raw, store = Path(folder, "raw"), Path(folder, "aligned.arrow")
            generate(raw, origin.builtin_spec(data, name))
            place = origin.Origin(raw, "built-in", None, data.builtin.counts(name))
            align(raw, store, origin.align_spec(data, name, place))
            aligned = Store(store)
            chosen = np.linspace(0, len(aligned) - 1, COLUMNS).astype(int)
            rows.append(np.hstack(list(aligned.images(chosen))))
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    path = PACKAGE_ROOT / "docs" / "stand-ins.jpg"
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(path)


if __name__ == "__main__":
    main()
