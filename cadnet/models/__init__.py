"""Models: one block a file. ``MODELS`` maps a name in params.yaml to its constructor."""

from cadnet.models.base import FaceModel, Output
from cadnet.models.cadnet import CADNet

MODELS: dict[str, type[FaceModel]] = {"cadnet": CADNet}

__all__ = ["MODELS", "CADNet", "FaceModel", "Output"]
