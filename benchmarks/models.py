"""Whole CAD-Net against the dilated ResNet-18 alone, by part, and its training step; 224 × 224 px.

    python benchmarks/models.py [--pairs 5] [--batch 4]

Times are of the CPU, float32; ratios are medians over pairs of runs in turn, so that a slow moment
meets both. Multiply-adds stand beside the paper's table 3.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from attention import Usual, ratio, seconds
from torch import nn

from cadnet.data.batches import Batch
from cadnet.evaluation.efficiency import build, cost
from cadnet.models import CADNet, FaceModel
from cadnet.models.geometry import GeometryBlock
from cadnet.params import Params, load
from cadnet.provenance import PACKAGE_ROOT
from cadnet.training.step import Step

REPORTED = {"resnet18": 1.82, "cadnet": 2.24}  # table 3, G


def paper() -> Params:
    return load(Path(PACKAGE_ROOT, "params.yaml"), {"preset": "paper"})


def multiply_adds(params: Params) -> None:
    print("multiply-adds, G     stride 8   stride 16   stride 32   table 3")
    for name, reported in REPORTED.items():
        row = []
        for stride in (8, 16, 32):
            model = params.models[name]
            backbone = model.backbone.model_copy(update={"output_stride": stride})
            # At stride 32 the map of 7 × 7 is averaged as a whole.
            changes = {"backbone": backbone, "pool": 1 if stride == 32 else 2}
            row.append(cost(model.model_copy(update=changes), 224).multiply_adds / 1e9)
        print(f"{name:<18}" + "".join(f"{value:>12.2f}" for value in row) + f"{reported:>10.2f}")


def inference(params: Params, pairs: int, batch: int) -> None:
    cadnet, resnet = (build(params.models[name]) for name in ("cadnet", "resnet18"))
    assert isinstance(cadnet, CADNet)
    dgb, adb = cadnet.dgb, cadnet.adb
    assert dgb is not None
    assert adb is not None
    images = torch.rand(batch, 3, 224, 224)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        with torch.inference_mode():
            speed, ours, alone = ratio(lambda: cadnet(images), lambda: resnet(images), pairs)
            features = cadnet.features(images)
            parts = {
                "geometry block": partial(dgb, features),
                "of which attention": partial(attention, dgb, features),
                "dropout block": partial(adb, features),
            }
            times = {
                name: 1e3 * statistics.median(seconds(part) for _ in range(5))
                for name, part in parts.items()
            }
        print(
            f"inference, {batch} pictures, {threads} thread(s): CAD-Net {ours:.0f} ms, "
            f"ResNet-18 at stride 8 {alone:.0f} ms: {100 * (speed - 1):.0f} % more"
        )
        for name, time in times.items():
            print(f"    {name}: {time:.0f} ms, {100 * time / alone:.0f} % of ResNet-18")


def attention(dgb: GeometryBlock, features: torch.Tensor) -> torch.Tensor:
    context: torch.Tensor = dgb.norm(dgb.reduce(features))
    for _ in range(dgb.iterations):
        context = dgb.attention(context)
    return context


def training(params: Params, pairs: int, batch: int) -> None:
    experiment = params.experiments["cadnet"]
    faces = Batch(
        [], torch.rand(batch, 3, 224, 224), torch.zeros(batch, 68, 2), torch.full((batch,), -1)
    )

    def stepping(model: FaceModel) -> Callable[[], object]:
        step = Step(model.train(), experiment.train, torch.device("cpu"))
        return lambda: step(faces, 0.0)

    ours, usual = build(experiment.model), build(experiment.model)
    usual.load_state_dict(ours.state_dict())
    with_usual: nn.Module = Usual(usual.dgb.attention, 2)
    usual.dgb.attention = with_usual
    for threads in (1, 2):
        torch.set_num_threads(threads)
        speed, before, after = ratio(stepping(usual), stepping(ours), pairs)
        print(
            f"training step, {batch} pictures, {threads} thread(s): {1e3 * batch / after:.2f} "
            f"images/s, with the usual attention {1e3 * batch / before:.2f}: {speed:.2f}×"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    params = paper()
    multiply_adds(params)
    inference(params, options.pairs, options.batch)
    training(params, options.pairs, options.batch)


if __name__ == "__main__":
    main()
