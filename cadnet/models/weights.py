"""ImageNet weights of a backbone, once for all jobs: downloaded, verified, kept as safetensors.

    python -m cadnet.models.weights --depth 18 --out data/weights/resnet18.safetensors

torchvision knows the address and checks the file's hash. Where the network gives nothing, an empty
file with the reason beside it takes the place, and training starts from scratch and says so.
"""

from __future__ import annotations

import argparse
import sys
import urllib.error
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from cadnet import job
from cadnet.provenance import atomic_path, write_json


def fetch(depth: int) -> tuple[dict[str, Tensor], str]:
    """The backbone's state and "", or nothing and why."""
    from torchvision.models import get_model_weights

    weights = get_model_weights(f"resnet{depth}").IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=sys.stderr.isatty(), check_hash=True)
    except (urllib.error.URLError, OSError, RuntimeError) as error:
        return {}, f"{weights.url} cannot be had ({error}); to try again, remove data/weights"
    return {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}, ""


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = job.parser(__doc__)
    parser.add_argument("--depth", type=int, choices=(18, 34, 50), required=True)
    parser.add_argument("--out", type=Path, required=True)

    def run(options: argparse.Namespace) -> str:
        state, reason = fetch(options.depth)
        with atomic_path(options.out) as temporary:
            save_file(state, temporary)
        write_json(options.out.with_suffix(".json"), {"depth": options.depth, "reason": reason})
        return reason or f"{len(state)} tensors"

    return job.main(run, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
