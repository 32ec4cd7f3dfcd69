"""Models: one block a file. ``MODELS`` maps a name in params.yaml to its constructor."""

from cadnet.models.cadnet import CADNet

MODELS = {"cadnet": CADNet}
