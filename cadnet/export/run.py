"""``cadnet export``: one trained model as one file, checked against PyTorch, with its card."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cadnet.export.card import card, lineage
from cadnet.export.formats import FORMATS, Run
from cadnet.export.graph import Exported
from cadnet.faces import EXPRESSIONS
from cadnet.provenance import atomic_path
from cadnet.training import checkpoint

TOLERANCE = 1e-4
"""Largest difference to PyTorch: of landmarks in sides of the crop, of probabilities."""


class ExportError(Exception):
    """A model cannot be exported."""


def model_file(given: Path) -> Path:
    """The checkpoint that a path means: a file, or the folder of one seed.

    Raises:
        ExportError: it is none, or several seeds'.
    """
    if given.is_file():
        return given
    if (given / "model.safetensors").is_file():
        return given / "model.safetensors"
    seeds = sorted(path.parent.name for path in given.glob("seed*/model.safetensors"))
    if seeds:
        raise ExportError(
            f"{given}: has the models of {', '.join(seeds)}; a file holds one: "
            f"give {given / seeds[0]}"
        )
    raise ExportError(f"{given}: holds no model.safetensors; give results/NAME/seed0")


def facts(about: dict[str, Any], graph: Exported, run: Path) -> dict[str, Any]:
    """What has to be known to use an exported file; also in it, as JSON."""
    side = graph.size
    frames = graph.model.frames
    clips = f" (B, {frames}, …): {frames} consecutive frames" if frames > 1 else ""
    words = {
        "landmarks": f"landmarks of the scheme {about['scheme']}",
        "expressions": "probabilities of expressions",
    }
    record = lineage(run)[0]
    framing = about["framing"]
    labels = list(EXPRESSIONS[: about["model"]["fer"]["classes"]]) if about["model"]["fer"] else []
    cut = framing["longer"] * about["margin"]
    use = f"""\
Input `pictures`: (B, {side}, {side}, 3) uint8, RGB{clips}. A face is cut out so: its box tight
around the landmarks, of longer side s; the centre moved by {framing["right"]:.3f} s to the right
and {framing["down"]:.3f} s down; the square of {cut:.3f} s around it, the picture's edge repeated;
resized to {side} px, averaging areas where it shrinks. Scaling and normalisation are inside.

Outputs: {"; ".join(_output_words(name, labels) for name in graph.outputs)}."""
    return {
        "experiment": record["experiment"],
        "seed": record["seed"],
        "commit": record["commit"],
        "data_digest": record["data_digest"],
        "origin": record["origin"],
        "scheme": about["scheme"],
        "size": side,
        "margin": about["margin"],
        "framing": framing,
        "frames": frames,
        "expressions": labels,
        "outputs": list(graph.outputs),
        "outputs_words": "Says " + " and ".join(words[name] for name in graph.outputs) + ".",
        "use": use,
    }


def _output_words(name: str, labels: list[str]) -> str:
    if name == "landmarks":
        return "`landmarks` (B, L, 2): x, y in px of the crop, the first pixel's centre at (0, 0)"
    return f"`expressions` (B, {len(labels)}): probabilities of {', '.join(labels)}"


def difference(graph: Exported, run: Run, pictures: NDArray[np.uint8]) -> float:
    """Largest difference to PyTorch: landmarks in sides of the crop, probabilities as they are."""
    with torch.inference_mode():
        wanted = graph(torch.from_numpy(pictures))
    units = [graph.size if name == "landmarks" else 1 for name in graph.outputs]
    return max(
        float(np.abs(found - want.numpy()).max()) / unit
        for found, want, unit in zip(run(pictures), wanted, units, strict=True)
    )


def export(model: Path, kind: str, out: Path) -> str:
    """Write a model as another program's file, run it, and write its card beside it.

    Raises:
        ExportError: there is no model, it has no records, or the file says something else.
        OutputError: the file cannot be written.
    """
    file = model_file(model)
    try:
        network, about = checkpoint.load(file)
        graph = Exported(network, about["size"])
        known = facts(about, graph, file.parent)
    except ValueError as error:
        raise ExportError(str(error)) from error
    write, read = FORMATS[kind]
    with atomic_path(out) as temporary:
        write(graph, temporary, known)
        # Two batches: that the first axis is free is part of what is promised.
        worst = max(
            difference(graph, read(temporary), graph.example(batch).numpy()) for batch in (1, 5)
        )
        if not worst <= TOLERANCE:
            raise ExportError(
                f"{file}: the exported model differs from PyTorch by {worst:.1e}, more than "
                f"{TOLERANCE:.0e}; nothing was written"
            )
    parity = (
        f"Exported as {kind} and run again: at most {worst:.1e} from PyTorch (landmarks in sides "
        "of the crop, probabilities) on noise, batches of 1 and 5."
    )
    beside = out.with_suffix(".md")
    with atomic_path(beside) as temporary:
        temporary.write_text(card(file.parent, known, parity), encoding="utf-8")
    return f"{out}: {out.stat().st_size / 2**20:.2f} MiB, {parity}\n{beside}: its card"


def run(options: argparse.Namespace) -> str:
    """The command: its report."""
    suffix = {"onnx": ".onnx", "torchscript": ".pt", "pt2": ".pt2"}[options.format]
    experiment = model_file(options.model).parent
    default = Path("exported", f"{experiment.parent.name}-{experiment.name}{suffix}")
    return export(options.model, options.format, options.out or default)
