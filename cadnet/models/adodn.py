"""ADODN: Sadiq et al. 2024, an attentive dropout in the occlusion-adaptive network.

Re-implemented from its name and from what the CAD-Net paper says of its own dropout block, built
on "prior occlusion-adaptive work". The paper's copy at hand has no list of references, and neither
text nor code of ADODN was found.

Faithful: the name's two parts, attentive dropout and occlusion-adaptive network.
Assumed: the dropout is CAD-Net's attentive dropout block (section 3.2) with its ℓ1 penalties, in
the place of ODN's distillation; all that is assumed of ODN's other modules. It thus differs from
CAD-Net in the geometry (non-local, not criss-cross) and in the head (recovery and a full matrix).
"""

from __future__ import annotations

from torch import Tensor

from cadnet.models.base import Output
from cadnet.models.dropout import AttentiveDropout
from cadnet.models.occlusion import OcclusionAdaptive
from cadnet.schema import Model


class ADODN(OcclusionAdaptive):
    """Pictures (B, 3, H, W) → landmarks and the dropout's masks."""

    def __init__(self, model: Model, *, mean_shape: Tensor) -> None:
        assert model.adodn is not None
        super().__init__(model, model.adodn, mean_shape=mean_shape)
        self.dropout = AttentiveDropout(self.backbone.channels, **model.adodn.dropout.model_dump())

    def forward(self, images: Tensor) -> Output:
        x = self.features(images)
        reliable, masks = self.dropout(x)
        return Output(landmarks=self.landmarks(x, reliable), masks=masks)
