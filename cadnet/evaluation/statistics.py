"""Intervals and tests for differences between experiments: pure functions of arrays.

**What they generalise over.** The unit is the test image (or the video, the sequence: whatever the
caller passes as one number). Errors are averaged over seeds first (``over_seeds``), so that a test
asks: would *these trained models* differ in the same way on other images? It says nothing about
other seeds; the spread over seeds is reported beside it, and ``paired_seeds`` is for what has no
images.

All randomness is seeded: one input gives one output, to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

RESAMPLES = 9999
_CHUNK = 2_000_000  # numbers held at once


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        p: two-sided, that it is zero; None where nothing was tested.
        n: images (or videos, or seeds, or pairs) behind it.
    """

    value: float
    low: float
    high: float
    n: int
    p: float | None = None


def over_seeds(values: Sequence[Floats]) -> Floats:
    """Errors (or correctness) of the same images under several seeds → their mean, (N,).

    Raises:
        ValueError: the seeds have other numbers of images.
    """
    if len({len(row) for row in values}) != 1:
        raise ValueError("the seeds were scored on other numbers of images; score them again")
    return np.mean(np.stack(values), axis=0, dtype=np.float64)


def bootstrap_mean(values: Floats, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean over images with its BCa bootstrap interval; of one image, or of equal ones, a point."""
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return Estimate(mean, mean, mean, len(values))
    interval = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=resamples,
        batch=max(1, _CHUNK // len(values)),
        method="BCa",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Estimate(mean, float(interval.low), float(interval.high), len(values))


def sign_flip(differences: Floats, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """Two-sided p of a paired permutation test of the mean difference.

    Swapping a pair flips the sign of its difference, so this is
    ``scipy.stats.permutation_test(permutation_type="samples")`` of the difference of means; as one
    matrix product it takes a tenth of the time, and a report has many of them. Exact where there
    are no more flips than ``resamples``; else the smallest p is 1 / (resamples + 1).
    """
    n = len(differences)
    observed = abs(differences.sum())
    # What rounding makes of equal sums must count as equal.
    least = observed * (1 - 1e-12) - 1e-12
    if n < 60 and 2**n <= resamples + 1:
        codes = np.arange(2**n)[:, None] >> np.arange(n)
        return float(np.mean(np.abs((1 - 2 * (codes & 1)) @ differences) >= least))
    rng, reached, rows = np.random.default_rng(seed), 0, max(1, _CHUNK // n)
    for start in range(0, resamples, rows):
        bits = rng.integers(0, 256, (min(rows, resamples - start), (n + 7) // 8), dtype=np.uint8)
        signs = 1.0 - 2.0 * np.unpackbits(bits, axis=1, count=n)
        reached += int(np.count_nonzero(np.abs(signs @ differences) >= least))
    return (reached + 1) / (resamples + 1)


def paired_difference(a: Floats, b: Floats, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean of a − b over the same images: bootstrap interval, permutation p.

    With 0/1 correctness it is the difference of two accuracies, and the test is McNemar's without
    its approximation.

    Raises:
        ValueError: a and b have other numbers of images.
    """
    if a.shape != b.shape:
        raise ValueError(f"pairs of images are needed, not {len(a)} and {len(b)}")
    difference = a - b
    found = bootstrap_mean(difference, resamples, seed)
    p = sign_flip(difference, resamples, seed)
    return Estimate(found.value, found.low, found.high, found.n, p)


def against_number(values: Floats, number: float, resamples: int = RESAMPLES) -> Estimate:
    """Mean minus a fixed number: bootstrap interval, one-sample t-test (n is large, and errors are
    too skewed for sign flips)."""
    found = bootstrap_mean(values - number, resamples)
    p = float(stats.ttest_1samp(values, number).pvalue) if len(values) > 1 else None
    return Estimate(found.value, found.low, found.high, found.n, p)


def paired_seeds(a: Floats, b: Floats) -> Estimate:
    """Mean of a − b over seeds, for measures that have no images: paired t-test and interval.

    Raises:
        ValueError: fewer than two seeds, or not the same number.
    """
    if a.shape != b.shape or len(a) < 2:
        raise ValueError(f"needs two seeds of both at least, not {len(a)} and {len(b)}")
    difference = a - b
    mean = float(difference.mean())
    if np.ptp(difference) == 0:
        return Estimate(mean, mean, mean, len(a), 1.0 if mean == 0 else 0.0)
    test = stats.ttest_rel(a, b)
    interval = test.confidence_interval(0.95)
    return Estimate(mean, float(interval.low), float(interval.high), len(a), float(test.pvalue))


def group_difference(a: Floats, b: Floats, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Mean of a minus mean of b over *different* images: bootstrap interval, Welch's test.

    Raises:
        ValueError: a group of fewer than two images.
    """
    if min(len(a), len(b)) < 2:
        raise ValueError(f"two groups of two images at least, not {len(a)} and {len(b)}")
    test = stats.ttest_ind(a, b, equal_var=False)
    interval = stats.bootstrap(
        (a, b),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        n_resamples=resamples,
        batch=max(1, _CHUNK // max(len(a), len(b))),
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    p = 1.0 if np.isnan(test.pvalue) else float(test.pvalue)
    value = float(a.mean() - b.mean())
    return Estimate(value, float(interval.low), float(interval.high), len(a) + len(b), p)


def relative_gain(a: Floats, b: Floats) -> float:
    """By which share of b's mean error a's is lower."""
    return float(1 - a.mean() / b.mean())


def gain_difference(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    *,
    same_images: bool,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Relative gain (``relative_gain``) of the first pair (a, b) minus that of the second.

    Images are drawn anew for each pair, or the same ones for both where the pairs were scored on
    the same images. Percentile interval; p is twice the share of draws on the lesser side of zero.
    """

    def resampled(pair: tuple[Floats, Floats], rows: NDArray[np.int64]) -> Floats:
        result: Floats = 1 - pair[0][rows].mean(axis=-1) / pair[1][rows].mean(axis=-1)
        return result

    rng = np.random.default_rng(seed)
    n, m = len(first[0]), len(second[0])
    draws, step = [], max(1, _CHUNK // max(n, m))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        rows = rng.integers(0, n, (count, n))
        others = rows if same_images else rng.integers(0, m, (count, m))
        draws.append(resampled(first, rows) - resampled(second, others))
    drawn = np.concatenate(draws)
    low, high = np.percentile(drawn, [2.5, 97.5])
    tail = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    p = min(1.0, 2 * (tail + 1) / (resamples + 1))
    value = relative_gain(*first) - relative_gain(*second)
    return Estimate(value, float(low), float(high), n if same_images else n + m, p)


def correlation(x: Floats, y: Floats) -> Estimate:
    """Pearson's r with Fisher's interval.

    Raises:
        ValueError: fewer than four pairs, or one of the two does not vary.
    """
    if len(x) < 4 or np.ptp(x) == 0 or np.ptp(y) == 0:
        raise ValueError("a correlation needs four pairs at least, and both must vary")
    found = stats.pearsonr(x, y)
    interval = found.confidence_interval()
    return Estimate(
        float(found.statistic),
        float(interval.low),
        float(interval.high),
        len(x),
        float(found.pvalue),
    )


def holm(p: Sequence[float]) -> list[float]:
    """p adjusted for their number by Holm's step-down method: none is made smaller, none above 1,
    and the order stays."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * values[order]))
    return [float(value) for value in adjusted]
