"""The training objective, term by term (section 4, eqs. 17–25)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from cadnet.data.batches import Batch
from cadnet.models import FaceModel, Output
from cadnet.models.heatmap import HeatmapNet, encode
from cadnet.models.lowrank import LowRankHead
from cadnet.models.occlusion import Recovery
from cadnet.schema import Loss


def landmark_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Squared error summed over coordinates, mean over faces (eq. 18), in units of the crop."""
    return (predicted - target).square().sum((1, 2)).mean()


def heatmap_loss(heatmaps: Tensor, target: Tensor, sigma: float) -> Tensor:
    """Squared error of heatmaps (B, L, h, w) to Gaussians at landmarks (B, L, 2), mean over faces.

    Summed over landmarks as eq. 18 is, mean over pixels: so that the size of the map leaves the
    learning rate alone.
    """
    height, width = heatmaps.shape[-2:]
    wanted = encode(target, height=height, width=width, sigma=sigma)
    return (heatmaps - wanted).square().mean((2, 3)).sum(1).mean()


def expression_loss(logits: Tensor, labels: Tensor, everyones: Tensor | None = None) -> Tensor:
    """Cross-entropy, mean over the faces with a label (eq. 19) that is one of the K classes.

    Args:
        everyones: the whole batch's labels, where several processes have equal shares of it: the
            mean over processes of what they return is the mean over the whole batch's faces.
    """
    everyones = labels if everyones is None else everyones
    classes = logits.shape[1]
    known = ((everyones >= 0) & (everyones < classes)).sum().clamp_min(1)
    labels = labels.where(labels < classes, -1)
    total = functional.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return total * (len(everyones) / len(labels)) / known


def composite(output: Output, batch: Batch, model: FaceModel, weights: Loss) -> dict[str, Tensor]:
    """The terms of eq. 25, each a scalar with its weight; their sum is what is minimised.

    * ``landmarks``: eq. 18; or, where landmarks are read off them, ``heatmaps``.
    * ``expression``: λ_fer × eq. 19, for models with a head for it.
    * ``low_rank``: λ_U‖U‖² + λ_V‖V‖² (eq. 22).
    * ``nuclear``: the low-rank learning module's penalty (``models.occlusion``).
    * ``attention``: γ′‖P′‖₁ + γ″‖P″‖₁, mean over faces (eq. 23).

    Weight decay (eq. 24) is the optimiser's: see ``optimiser.parameter_groups``.
    """
    terms: dict[str, Tensor] = {}
    if output.heatmaps is not None and isinstance(model, HeatmapNet):
        loss = heatmap_loss(output.heatmaps, batch.landmarks, model.sigma)
        terms["heatmaps"] = model.weight * loss
    elif output.landmarks is not None:
        terms["landmarks"] = landmark_loss(output.landmarks, batch.landmarks)
    if output.expression is not None:
        loss = expression_loss(output.expression, batch.expression, batch.everyones)
        terms["expression"] = (weights.lambda_fer if terms else 1.0) * loss
    for module in model.modules():
        if isinstance(module, LowRankHead):
            terms["low_rank"] = (
                weights.lambda_u * module.u.square().sum()
                + weights.lambda_v * module.v.square().sum()
            )
        if isinstance(module, Recovery):
            terms["nuclear"] = module.penalty()
    if output.masks is not None:
        terms["attention"] = (
            weights.gamma_drop * output.masks.drop.abs().sum((1, 2, 3)).mean()
            + weights.gamma_final * output.masks.final.abs().sum((1, 2, 3)).mean()
        )
    return terms
