"""Each kind of test: what the results say about a claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from cadnet.evaluation import statistics
from cadnet.evaluation.statistics import Estimate
from cadnet.faces import EXPRESSIONS
from cadnet.paper.claims import costs
from cadnet.paper.claims.comparisons import (
    UNITS,
    Compared,
    Outcome,
    compare,
    interval,
    together,
    worthless,
)
from cadnet.paper.claims.evidence import Evidence, MissingEvidence, Sample, aligned
from cadnet.paper.claims.schema import (
    BeatsPublished,
    Claim,
    Correlation,
    GainLarger,
    GroupGain,
    OnePair,
    Rising,
    SpreadBelow,
    Subset,
    Within,
)
from cadnet.paper.reported import number, reported, stated


def _pair_of(
    evidence: Evidence, pair: OnePair
) -> tuple[tuple[np.ndarray, np.ndarray], list[Sample]]:
    at = Subset.parse(pair.at)
    samples = [evidence.sample(name, at) for name in (pair.a, pair.b)]
    a, b = aligned(*samples)
    return (a, b), samples


def gain_larger(evidence: Evidence, test: GainLarger) -> Outcome:
    """Relative gains in two places, by a bootstrap over their images."""
    here, there = _pair_of(evidence, test.here), _pair_of(evidence, test.there)
    same = test.here.at == test.there.at
    if same:
        a, b, c, d = aligned(*here[1], *there[1])
        found = statistics.gain_difference((a, b), (c, d), same_images=True)
    else:
        found = statistics.gain_difference(here[0], there[0], same_images=False)
    gains = [
        f"{pair.at} ({pair.a} against {pair.b}) {statistics.relative_gain(*arrays):.1%}"
        for pair, (arrays, _) in ((test.here, here), (test.there, there))
    ]
    percent = replace(found, value=100 * found.value, low=100 * found.low, high=100 * found.high)
    samples = here[1] + there[1]
    places = [Subset.parse(p.at).dataset for p in (test.here, test.here, test.there, test.there)]
    part = Compared(
        f"relative gain {' against '.join(gains)}: difference {interval(percent, 1)} points, "
        f"{found.n} images",
        percent,
        min(len(sample.by_seed) for sample in samples),
        tuple((s.train_on, dataset) for s, dataset in zip(samples, places, strict=True)),
        tuple(w for sample in samples for w in worthless(sample, True)),
    )
    return _only_of_a_gain(together([part]), statistics.relative_gain(*here[0]))


def _only_of_a_gain(outcome: Outcome, gain: float) -> Outcome:
    """A smaller loss is no larger gain."""
    if gain > 0 or not outcome.holds:
        return outcome
    return replace(outcome, holds=False, p=1.0, warning="there is no gain that could be larger")


def group_gain(evidence: Evidence, test: GroupGain) -> Outcome:
    """The gain in accuracy on some expressions minus that on the others, over other images."""
    wanted = {EXPRESSIONS.index(name) for name in test.expressions}
    gains, labels, samples, data = [], [], [], []
    for at in map(Subset.parse, test.at):
        pair = [evidence.sample(name, at, "accuracy") for name in (test.a, test.b)]
        a, b = aligned(*pair)
        truths = evidence.truths(test.a, at).loc[pair[0].values.index]
        gains.append(a - b)
        labels.append(truths.isin(wanted).to_numpy())
        samples += pair
        data += [(sample.train_on, at.dataset) for sample in pair]
    gain, chosen = np.concatenate(gains), np.concatenate(labels)
    try:
        found = statistics.group_difference(gain[chosen], gain[~chosen])
    except ValueError as error:
        raise MissingEvidence(f"{', '.join(test.expressions)}: {error}") from error
    text = (
        f"gain on {', '.join(test.expressions)} {gain[chosen].mean():+.2f}, on the others "
        f"{gain[~chosen].mean():+.2f}: difference {interval(found)} points of accuracy, {found.n} "
        "images"
    )
    seeds = min(len(sample.by_seed) for sample in samples)
    outcome = together([Compared(text, found, seeds, tuple(data))])
    return _only_of_a_gain(outcome, float(gain[chosen].mean()))


def rising(evidence: Evidence, test: Rising) -> Outcome:
    """One model on test sets that are said to be harder and harder: Welch's test."""
    parts = []
    for easy, hard in pairwise(map(Subset.parse, test.at)):
        low, high = evidence.sample(test.a, easy), evidence.sample(test.a, hard)
        x, y = (sample.values.to_numpy(dtype=np.float64) for sample in (high, low))
        try:
            found = statistics.group_difference(x, y)
        except ValueError as error:
            raise MissingEvidence(f"{easy}, {hard}: {error}") from error
        text = (
            f"{easy} {y.mean():.2f}, {hard} {x.mean():.2f}: {interval(found)} "
            f"{UNITS['error']}, {found.n} images (or videos)"
        )
        parts.append(Compared(text, found, len(low.by_seed), ((low.train_on, easy.dataset),)))
    return together(parts)


def spread_below(evidence: Evidence, test: SpreadBelow) -> Outcome:
    """A statement about these runs: no test, the largest standard deviation decides."""
    at, limit = Subset.parse(test.at), stated(test.limit)
    samples = [evidence.sample(name, at) for name in test.experiments]
    if few := [sample.experiment for sample in samples if len(sample.by_seed) < 2]:
        raise MissingEvidence(f"one seed has no spread: {', '.join(few)}")
    stds = {sample.experiment: float(sample.by_seed.std(ddof=1)) for sample in samples}
    worst = max(stds, key=lambda name: stds[name])
    return Outcome(
        f"{at}: largest standard deviation over seeds {stds[worst]:.2f} % ({worst}), of "
        f"{len(stds)} configurations; {sum(std >= limit for std in stds.values())} not below "
        f"{limit:g} %",
        holds=stds[worst] < limit,
        seeds=min(len(sample.by_seed) for sample in samples),
        data=tuple((sample.train_on, at.dataset) for sample in samples),
    )


def within(evidence: Evidence, test: Within) -> Outcome:
    """A metric's interval over seeds (Student's) inside a range."""
    at = Subset.parse(test.at)
    values = evidence.by_seed(test.a, at, test.metric)
    if len(values) < 2:
        raise MissingEvidence(f"one seed has no spread: {test.a}")
    zero = np.zeros(len(values))
    found = statistics.paired_seeds(values.to_numpy(dtype=np.float64), zero)
    return Outcome(
        f"{at}: {test.metric} {found.value:.1f} % [{found.low:.1f}, {found.high:.1f}] over "
        f"{found.n} seeds",
        holds=test.low < found.low and found.high < test.high,
        gain=replace(found, p=None),
        seeds=found.n,
        data=((evidence.train_on(test.a, at.dataset), at.dataset),),
    )


def correlated(scores: pd.DataFrame, experiments: Sequence[str], at: str) -> Estimate:
    """X4: Pearson's r of landmark error and accuracy over experiments and seeds.

    Runs of one experiment are no independent draws of a population of models: the interval is
    that of as many independent runs, and too narrow by what an experiment's seeds have in common.

    Raises:
        MissingEvidence: fewer than four runs have both, or one of the two does not vary.
    """
    place = Subset.parse(at)
    chosen = scores[
        scores["experiment"].isin(experiments)
        & (scores["dataset"] == place.dataset)
        & scores["subset"].isin(place.subsets)
        & scores["metric"].isin(["nrmse_mean_io", "accuracy"])
    ]
    runs = chosen.pivot_table(index=["experiment", "seed"], columns="metric", values="value")
    runs = runs.reindex(columns=["nrmse_mean_io", "accuracy"]).dropna()
    x, y = (runs[name].to_numpy(dtype=np.float64) for name in runs.columns)
    try:
        return statistics.correlation(x, y)
    except ValueError as error:
        raise MissingEvidence(f"{len(runs)} runs with both on {at}: {error}") from error


def correlation(evidence: Evidence, test: Correlation) -> Outcome:
    """A negative correlation is claimed."""
    found = correlated(evidence.scores, test.experiments, test.at)
    dataset = Subset.parse(test.at).dataset
    if dataset not in evidence.data:
        raise MissingEvidence(f"{dataset} not present")
    turned = replace(found, value=-found.value, low=-found.high, high=-found.low)
    text = f"{test.at}: r = {interval(found)} over {found.n} runs"
    seeds = evidence.scores[evidence.scores["experiment"].isin(test.experiments)]["seed"].nunique()
    return together([Compared(text, turned, int(seeds), ((dataset, dataset),))])


def beats_published(evidence: Evidence, test: BeatsPublished) -> Outcome:
    """Against the best published number of a column, on the photographs that it was measured on.

    Raises:
        MissingEvidence: these are built-in faces, or not all of the photographs.
    """
    at, lower = Subset.parse(test.at), test.by == "error"
    sample = evidence.sample(test.a, at, test.by)
    if evidence.mark(at.dataset) != "ᵒ":
        raise MissingEvidence(
            "published numbers hold for all official photographs, not for these "
            f"({evidence.marks([(at.dataset, at.dataset)])[0]})"
        )
    table = reported().tables[test.table]
    rows = [row.method for row in table.rows if row.cites]
    values = {
        name: number(test.table, name, test.column)
        for name in rows
        if table.value(name, test.column) is not None
    }
    best = (min if lower else max)(values, key=lambda name: values[name])
    own = sample.values.to_numpy(dtype=np.float64)
    sign = -1.0 if lower else 1.0
    gain = statistics.against_number(sign * own, sign * values[best])
    text = (
        f"{at}: {test.a} {own.mean():.2f}, best published {best} {values[best]:g}: gain "
        f"{interval(gain)} {UNITS[test.by]}, {gain.n} images"
    )
    part = Compared(text, gain, len(sample.by_seed), ((sample.train_on, at.dataset),))
    return together([part])


_KINDS: dict[str, Callable[..., Outcome]] = {
    "gain_larger": gain_larger,
    "group_gain": group_gain,
    "rising": rising,
    "spread_below": spread_below,
    "within": within,
    "correlation": correlation,
    "beats_published": beats_published,
    "overhead": costs.overhead,
    "cheaper": costs.cheaper,
    "at_least": costs.at_least,
}


def judge(evidence: Evidence, claim: Claim) -> Outcome:
    """What the results say about a claim.

    Raises:
        MissingEvidence: why they say nothing.
    """
    if claim.test.untestable:
        raise MissingEvidence(claim.test.untestable)
    if pairs := claim.test.pairs():
        return together([compare(evidence, pair) for pair in pairs])
    kind = claim.test.kind
    return _KINDS[kind](evidence, getattr(claim.test, kind))
