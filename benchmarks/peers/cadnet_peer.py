"""CAD-Net: a checkpoint in PyTorch, an export in onnxruntime. Arguments: faces, model, threads."""

import json
import sys
from pathlib import Path

import numpy as np
from common import faces, report

from cadnet.data.align import crop, crop_region
from cadnet.data.framing import Framing
from cadnet.evaluation.jitter import to_frames

pictures, boxes = faces()
model, threads = Path(sys.argv[2]), int(sys.argv[3])


def with_torch():
    import torch

    from cadnet import predictor

    torch.set_num_threads(threads)
    loaded = predictor.load(model, device="cpu")
    cut = [loaded.crops(picture, [box]) for picture, box in zip(pictures, boxes, strict=True)]
    assert len(loaded.predict(pictures[0], boxes[:1])[0].landmarks) == 68
    return (
        lambda i: loaded.predict(pictures[i], boxes[i : i + 1]),
        lambda: loaded.predict_many(
            [loaded.crops(p, [b]) for p, b in zip(pictures, boxes, strict=True)], batch=len(cut)
        ),
    )


def with_onnxruntime():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    facts = json.loads(session.get_modelmeta().custom_metadata_map["cadnet"])
    size, framing = facts["size"], Framing(**facts["framing"])

    def some(rows):
        regions = [crop_region(framing.box(tuple(boxes[i])), facts["margin"]) for i in rows]
        crops = [crop(pictures[i], region, size) for i, region in zip(rows, regions, strict=True)]
        (landmarks,) = session.run(["landmarks"], {"pictures": np.stack(crops)})
        return to_frames(landmarks, np.array(regions), size)

    assert some([0]).shape == (1, 68, 2)
    return lambda i: some([i]), lambda: some(range(len(pictures)))


one, many = with_onnxruntime() if model.suffix == ".onnx" else with_torch()
report(one, many, len(pictures))
