"""One verdict for each claim of the paper.

A comparison is tested over the images of its test set (or videos, or sequences), with errors
averaged over the seeds: it generalises to other such images, for the models that were trained here.
The spread over seeds stands beside it. Claims that were tested are one family, adjusted by Holm's
method. *Supported*: the numbers have the claimed sign, and adjusted p < 0.05; *opposite found*: the
other sign, and adjusted p < 0.05; *not supported*: neither. Claims about costs, spreads and ranges
have no p; the measured numbers decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cadnet.evaluation.statistics import Estimate, holm
from cadnet.paper.claims.comparisons import Outcome
from cadnet.paper.claims.evidence import Evidence, MissingEvidence
from cadnet.paper.claims.kinds import correlated, judge
from cadnet.paper.claims.schema import Claim, claims

LEVEL = 0.05
SUPPORTED, NOT_SUPPORTED = "supported", "not supported"
OPPOSITE, CANNOT = "opposite found", "cannot be tested on this data"
VERDICTS = (SUPPORTED, NOT_SUPPORTED, OPPOSITE, CANNOT)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim.

    Attributes:
        reported, reproduced: in words, with numbers and intervals.
        data: what it was tested on, in words; ``mark``: the same as ᵇ built-in, ᵒ official, ᵖ
            partial.
        reason: why this verdict.
        gain, p, p_adjusted: of the decisive comparison, above zero in the claim's direction; None
            where nothing was tested.
        seeds: fewest of an experiment; 0 where no runs are involved.
    """

    id: str
    where: str
    claim: str
    reported: str
    reproduced: str
    data: str
    mark: str
    verdict: str
    reason: str
    gain: Estimate | None = None
    p: float | None = None
    p_adjusted: float | None = None
    seeds: int = 0


def decide(outcome: Outcome, adjusted: float | None) -> tuple[str, str]:
    """The verdict and its reason."""
    sign = "the claimed sign" if outcome.holds else "not the claimed sign"
    if adjusted is None:
        verdict = SUPPORTED if outcome.holds else NOT_SUPPORTED
        reason = "the measured numbers decide, nothing is tested"
    elif adjusted < LEVEL:
        verdict = SUPPORTED if outcome.holds else OPPOSITE
        reason = f"{sign}, adjusted p {_p(adjusted)}"
    else:
        verdict, reason = NOT_SUPPORTED, f"{sign}, but adjusted p {_p(adjusted)}"
        if not outcome.holds:
            reason = f"{sign}, adjusted p {_p(adjusted)}"
    if outcome.seeds == 1:
        reason += "; one seed"
    if outcome.warning:
        reason += f"; {outcome.warning}"
    return verdict, reason


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def verdicts(
    errors: pd.DataFrame,
    expressions: pd.DataFrame,
    scores: pd.DataFrame,
    data: Mapping[str, Mapping[str, Any]],
    *,
    measurements: pd.DataFrame,
    occlusion: Mapping[str, float],
    of: Sequence[Claim] | None = None,
) -> list[Verdict]:
    """A verdict for each claim, in the paper's order.

    Args:
        errors: experiment, seed, train_on, dataset, subset, key, occluded, error (percent).
        expressions: experiment, seed, train_on, dataset, subset, key, truth, predicted.
        scores: experiment, seed, train_on, dataset, subset, metric, value, images.
        data: by dataset: origin (``built-in`` or ``official``), partial, subsets.
        measurements: architecture, device, metric, value.
        occlusion: the shares of occluded landmarks up to which a face counts as ``mild``, as
            ``moderate``.
        of: other claims than the paper's.
    """
    evidence = Evidence(errors, expressions, scores, data, measurements, occlusion)
    listed = list(claims().values()) if of is None else list(of)
    outcomes: dict[str, Outcome] = {}
    missing: dict[str, str] = {}
    for claim in listed:
        try:
            outcomes[claim.id] = judge(evidence, claim)
        except MissingEvidence as error:
            missing[claim.id] = str(error)
    tested = {name: found.p for name, found in outcomes.items() if found.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return [
        _missing(claim, missing[claim.id])
        if claim.id in missing
        else _verdict(claim, outcomes[claim.id], adjusted.get(claim.id), evidence)
        for claim in listed
    ]


def _missing(claim: Claim, why: str) -> Verdict:
    return Verdict(claim.id, claim.where, claim.claim, claim.printed(), "", "", "", CANNOT, why)


def _verdict(claim: Claim, outcome: Outcome, adjusted: float | None, evidence: Evidence) -> Verdict:
    verdict, reason = decide(outcome, adjusted)
    words, mark = evidence.marks(outcome.data)
    if outcome.devices:
        words = f"measured on {', '.join(outcome.devices)}"
    text = outcome.text
    if adjusted is not None and outcome.p is not None:
        text += f"; p {_p(outcome.p)}, adjusted {_p(adjusted)}"
    return Verdict(
        claim.id, claim.where, claim.claim, claim.printed(), text, words, mark, verdict, reason,
        outcome.gain, outcome.p, adjusted, outcome.seeds,
    )  # fmt: skip


def significance(found: Sequence[Verdict]) -> list[dict[str, Any]]:
    """X12: a row for each claim that was tested; gains are above zero in the claim's direction."""
    return [
        {
            "id": verdict.id,
            "where": verdict.where,
            "claim": verdict.claim,
            "gain": verdict.gain.value,
            "low": verdict.gain.low,
            "high": verdict.gain.high,
            "n": verdict.gain.n,
            "seeds": verdict.seeds,
            "p": verdict.p,
            "p_adjusted": verdict.p_adjusted,
            "data": verdict.data,
            "mark": verdict.mark,
            "verdict": verdict.verdict,
        }
        for verdict in found
        if verdict.gain is not None and verdict.p is not None
    ]


def validation_correlation(scores: pd.DataFrame) -> Estimate:
    """X4: Pearson's r of validation NRMSE and FER accuracy, over the FER ablations and seeds.

    Raises:
        ValueError: too few runs have both; says how many.
    """
    test = claims()["X4-correlation"].test.correlation
    assert test is not None
    try:
        return correlated(scores, test.experiments, test.at)
    except MissingEvidence as error:
        raise ValueError(str(error)) from error
