"""CAD-Net in the paper's size (224 px, full width), untrained: for its latency.

python benchmarks/peers/untrained.py OUT      # OUT/stride8/model.safetensors, OUT/stride8.onnx, …
"""

import sys
from pathlib import Path

import torch

from cadnet.evaluation.efficiency import build
from cadnet.export.formats import write_onnx
from cadnet.export.graph import Exported
from cadnet.params import load
from cadnet.provenance import PACKAGE_ROOT
from cadnet.training import checkpoint

params = load(Path(PACKAGE_ROOT, "params.yaml"), {"preset": "paper"})
model = params.models["cadnet"]
for stride, pool in ((8, model.pool), (16, model.pool), (32, 1)):  # 7 × 7 is averaged as a whole
    torch.manual_seed(0)
    changes = {
        "backbone": model.backbone.model_copy(update={"output_stride": stride}),
        "pool": pool,
    }
    changed = model.model_copy(update=changes)
    about = {
        "model": changed.model_dump(mode="json"), "scheme": "ibug68", "size": params.data.size,
        "margin": params.data.margin, "framing": {"right": 0.0, "down": 0.0, "longer": 1.0},
        "seed": 0,
    }  # fmt: skip
    out, built = Path(sys.argv[1], f"stride{stride}"), build(changed)
    checkpoint.save(out / "model.safetensors", built, about)
    cut = {key: about[key] for key in ("size", "margin", "framing")}
    write_onnx(Exported(built, params.data.size), out.with_suffix(".onnx"), cut)
