"""Two experiments on the same images, and claims that are several such comparisons.

Gains are in the claim's direction: above zero speaks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from cadnet.evaluation import statistics
from cadnet.evaluation.statistics import Estimate
from cadnet.paper.claims.evidence import Evidence, MissingEvidence, Sample, aligned
from cadnet.paper.claims.schema import Pair

UNITS = {
    "error": "% of the normaliser",
    "accuracy": "points of accuracy",
    "area": "points of area",
    "jitter": "% of the normaliser",
}


@dataclass(frozen=True)
class Outcome:
    """What came out for one claim.

    Attributes:
        text: the numbers in words.
        holds: whether they have the claimed sign.
        gain: the decisive one of the comparisons, with its p; None where nothing is estimated.
        p: of the claim, two-sided; of its reverse where it does not hold. None: no test, the
            numbers themselves decide.
        seeds: fewest of an experiment.
        data: pairs of training and test data.
        warning: what a reader must know beside the verdict.
    """

    text: str
    holds: bool
    gain: Estimate | None = None
    p: float | None = None
    seeds: int = 0
    data: tuple[tuple[str, str], ...] = ()
    warning: str = ""
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Compared:
    """One comparison of two experiments."""

    text: str
    gain: Estimate
    seeds: int
    data: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = field(default=())


def together(parts: Sequence[Compared]) -> Outcome:
    """A claim of which all parts must hold.

    All true: the weakest part decides, its p is the claim's (an intersection-union test). Else the
    clearest reversal decides, its p times the number of parts, as any of them could have been it.
    """
    reversed_ = [part for part in parts if part.gain.value <= 0]
    if reversed_:
        decisive = min(reversed_, key=lambda part: _p(part.gain))
        p = min(1.0, _p(decisive.gain) * len(parts))
    else:
        decisive = max(parts, key=lambda part: _p(part.gain))
        p = _p(decisive.gain)
    text = decisive.text
    if len(parts) > 1:
        what = "clearest against it" if reversed_ else "weakest"
        text = (
            f"{len(parts) - len(reversed_)} of {len(parts)} comparisons as claimed; {what}: {text}"
        )
    return Outcome(
        text,
        holds=not reversed_,
        gain=decisive.gain,
        p=p,
        seeds=min(part.seeds for part in parts),
        data=tuple(dict.fromkeys(pair for part in parts for pair in part.data)),
        warning="; ".join(dict.fromkeys(decisive.warnings)),
    )


def _p(gain: Estimate) -> float:
    return 1.0 if gain.p is None else gain.p


def interval(found: Estimate, digits: int = 2, unit: str = "") -> str:
    """``+0.42 [+0.30, +0.55]``."""
    low, high = (f"{value:+.{digits}f}" for value in (found.low, found.high))
    return f"{found.value:+.{digits}f} [{low}, {high}]{unit}"


def _spread(a: pd.Series, b: pd.Series) -> float | None:
    """The standard deviation of a difference over the seeds that both have; None of one."""
    common = sorted(set(a.index) & set(b.index))
    return float((a[common] - b[common]).std(ddof=1)) if len(common) > 1 else None


def worthless(sample: Sample, lower_is_better: bool) -> tuple[str, ...]:
    if sample.trivial is None:
        return ()
    own = float(sample.values.mean())
    if own < sample.trivial if lower_is_better else own > sample.trivial:
        return ()
    return (f"{sample.experiment} does not beat the trivial predictor",)


def compare(evidence: Evidence, pair: Pair) -> Compared:
    """a against b on the same images: paired permutation test over them, bootstrap interval.

    Raises:
        MissingEvidence: runs or data are missing.
    """
    if pair.by == "jitter":
        return _compare_seeds(evidence, pair)
    first, second = (evidence.sample(name, pair.at, pair.by) for name in (pair.a, pair.b))
    a, b = aligned(first, second)
    lower = pair.by == "error"
    gain = statistics.paired_difference(b, a) if lower else statistics.paired_difference(a, b)
    spread = _spread(first.by_seed, second.by_seed)
    seeds = min(len(first.by_seed), len(second.by_seed))
    over = f"{seeds} seed" if spread is None else f"± {spread:.2f} over {seeds} seeds"
    warnings = worthless(first, lower)
    if spread is not None and abs(gain.value) < spread:
        warnings += ("smaller than its spread over seeds",)
    text = (
        f"{pair.at}: {pair.a} {a.mean():.2f}, {pair.b} {b.mean():.2f}, gain {interval(gain)} "
        f"{UNITS[pair.by]}, {over}, {gain.n} images"
    )
    data = tuple((sample.train_on, pair.at.dataset) for sample in (first, second))
    return Compared(text, gain, seeds, data, warnings)


def _compare_seeds(evidence: Evidence, pair: Pair) -> Compared:
    """What has no images is compared over seeds, by a paired t-test."""
    a, b = (evidence.by_seed(name, pair.at, f"{pair.by}_io") for name in (pair.a, pair.b))
    common = sorted(set(a.index) & set(b.index))
    if len(common) < 2:
        raise MissingEvidence(f"{pair.by} is compared over seeds; needs two at least")
    gain = statistics.paired_seeds(b[common].to_numpy(float), a[common].to_numpy(float))
    text = (
        f"{pair.at}: {pair.a} {a.mean():.3f}, {pair.b} {b.mean():.3f}, gain {interval(gain, 3)} "
        f"{UNITS[pair.by]} over {len(common)} seeds"
    )
    data = tuple((evidence.train_on(n, pair.at.dataset), pair.at.dataset) for n in (pair.a, pair.b))
    return Compared(text, gain, len(common), data)
