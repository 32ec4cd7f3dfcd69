"""The training objective, term by term (section 4, eqs. 17–25)."""

from __future__ import annotations

from torch import Tensor

from cadnet.models.cadnet import CADNet, Output
from cadnet.models.lowrank import LowRankHead
from cadnet.schema import Loss


def composite(output: Output, target: Tensor, model: CADNet, weights: Loss) -> dict[str, Tensor]:
    """The terms of eq. 25, each a scalar; their sum is what is minimised.

    * ``landmarks``: squared error summed over coordinates, mean over faces (eq. 18), in units of
      the crop.
    * ``low_rank``: λ_U‖U‖² + λ_V‖V‖² (eq. 22).
    * ``attention``: γ′‖P′‖₁ + γ″‖P″‖₁, mean over faces (eq. 23).

    Weight decay (eq. 24) is the optimiser's: see ``engine.parameter_groups``.
    """
    terms = {"landmarks": (output.landmarks - target).square().sum((1, 2)).mean()}
    if isinstance(model.head, LowRankHead):
        terms["low_rank"] = (
            weights.lambda_u * model.head.u.square().sum()
            + weights.lambda_v * model.head.v.square().sum()
        )
    if output.masks is not None:
        terms["attention"] = (
            weights.gamma_drop * output.masks.drop.abs().sum((1, 2, 3)).mean()
            + weights.gamma_final * output.masks.final.abs().sum((1, 2, 3)).mean()
        )
    return terms
