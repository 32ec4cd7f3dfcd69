"""Files of other programs: written, and run again to see that they say the same."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cadnet.export.graph import Exported

Run = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]
"""Pictures in, outputs in the order of ``Exported.outputs``."""
FACTS = "cadnet"
"""Where a file keeps what has to be known to use it, as JSON."""


def write_onnx(graph: Exported, path: Path, facts: dict[str, Any]) -> None:
    """ONNX, with a free batch; the facts are in its metadata."""
    import onnx

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about its own parts
        program = torch.onnx.export(
            graph,
            (graph.example(2),),
            dynamo=True,
            input_names=["pictures"],
            output_names=list(graph.outputs),
            dynamic_shapes={"pictures": {0: torch.export.Dim("batch")}},
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    model.producer_name = "cadnet"
    onnx.helper.set_model_props(model, {FACTS: json.dumps(facts, sort_keys=True)})
    onnx.save(model, path)


def run_onnx(path: Path, threads: int = 0) -> Run:
    """The file in onnxruntime; ``threads`` 0: as many as it likes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda pictures: list(session.run(None, {"pictures": pictures}))


def facts_of(path: Path) -> dict[str, Any]:
    """What an ONNX file says of itself."""
    import onnx

    found = {p.key: p.value for p in onnx.load(path, load_external_data=False).metadata_props}
    facts: dict[str, Any] = json.loads(found[FACTS])
    return facts


def write_torchscript(graph: Exported, path: Path, facts: dict[str, Any]) -> None:
    """TorchScript, for C++ and mobile; the facts are the extra file ``cadnet``."""
    with warnings.catch_warnings(), torch.inference_mode():
        # It is going out of use, and shapes that are fixed for a model look odd to the tracer.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(graph, graph.example(2))
    traced.save(str(path), _extra_files={FACTS: json.dumps(facts, sort_keys=True)})


def run_torchscript(path: Path) -> Run:
    """The file in PyTorch, without the project's code."""
    module = torch.jit.load(path)
    return _in_torch(module)


def write_pt2(graph: Exported, path: Path, facts: dict[str, Any]) -> None:
    """``torch.export``'s program, for PyTorch 2; the facts are the extra file ``cadnet``."""
    shapes = {"pictures": {0: torch.export.Dim("batch")}}
    program = torch.export.export(graph, (graph.example(2),), dynamic_shapes=shapes)
    torch.export.save(program, path, extra_files={FACTS: json.dumps(facts, sort_keys=True)})


def run_pt2(path: Path) -> Run:
    """The file in PyTorch, without the project's code."""
    return _in_torch(torch.export.load(path).module())


def _in_torch(module: Callable[[torch.Tensor], tuple[torch.Tensor, ...]]) -> Run:
    def run(pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        with torch.inference_mode():
            return [value.numpy() for value in module(torch.from_numpy(pictures))]

    return run


FORMATS: dict[str, tuple[Callable[[Exported, Path, dict[str, Any]], None], Callable[[Path], Run]]]
FORMATS = {
    "onnx": (write_onnx, run_onnx),
    "torchscript": (write_torchscript, run_torchscript),
    "pt2": (write_pt2, run_pt2),
}
