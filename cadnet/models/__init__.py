"""Models: one block a file. ``MODELS`` maps a name in params.yaml to its constructor."""

from cadnet.models.adodn import ADODN
from cadnet.models.base import FaceModel, Output
from cadnet.models.cadnet import CADNet
from cadnet.models.heatmap import HeatmapNet
from cadnet.models.oadn import OADN
from cadnet.models.odn import ODN
from cadnet.models.transformer import TransformerNet

MODELS: dict[str, type[FaceModel]] = {
    "cadnet": CADNet,
    "heatmap": HeatmapNet,
    "transformer": TransformerNet,
    "odn": ODN,
    "oadn": OADN,
    "adodn": ADODN,
}

__all__ = ["MODELS", "CADNet", "FaceModel", "Output"]
