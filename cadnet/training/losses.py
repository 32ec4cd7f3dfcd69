"""The training objective, term by term (section 4, eqs. 17–25)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from cadnet.data.batches import Batch
from cadnet.models import FaceModel, Output
from cadnet.models.lowrank import LowRankHead
from cadnet.schema import Loss


def landmark_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Squared error summed over coordinates, mean over faces (eq. 18), in units of the crop."""
    return (predicted - target).square().sum((1, 2)).mean()


def expression_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, mean over the faces with a label (eq. 19) that is one of the K classes."""
    labels = labels.where(labels < logits.shape[1], -1)
    total = functional.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return total / (labels >= 0).sum().clamp_min(1)


def composite(output: Output, batch: Batch, model: FaceModel, weights: Loss) -> dict[str, Tensor]:
    """The terms of eq. 25, each a scalar with its weight; their sum is what is minimised.

    * ``landmarks``: eq. 18.
    * ``expression``: λ_fer × eq. 19, for models with a head for it.
    * ``low_rank``: λ_U‖U‖² + λ_V‖V‖² (eq. 22).
    * ``attention``: γ′‖P′‖₁ + γ″‖P″‖₁, mean over faces (eq. 23).

    Weight decay (eq. 24) is the optimiser's: see ``engine.parameter_groups``.
    """
    terms: dict[str, Tensor] = {}
    if output.landmarks is not None:
        terms["landmarks"] = landmark_loss(output.landmarks, batch.landmarks)
    if output.expression is not None:
        loss = expression_loss(output.expression, batch.expression)
        terms["expression"] = (weights.lambda_fer if terms else 1.0) * loss
    for module in model.modules():
        if isinstance(module, LowRankHead):
            terms["low_rank"] = (
                weights.lambda_u * module.u.square().sum()
                + weights.lambda_v * module.v.square().sum()
            )
    if output.masks is not None:
        terms["attention"] = (
            weights.gamma_drop * output.masks.drop.abs().sum((1, 2, 3)).mean()
            + weights.gamma_final * output.masks.final.abs().sum((1, 2, 3)).mean()
        )
    return terms
