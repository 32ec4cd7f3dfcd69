"""Claims about parameters, operations, memory and speed: measured numbers, no test."""

from __future__ import annotations

from cadnet.paper.claims.comparisons import Outcome
from cadnet.paper.claims.evidence import Evidence, MissingEvidence
from cadnet.paper.claims.schema import AtLeast, Cheaper, Overhead
from cadnet.paper.reported import number

TOLERANCE = 0.1
"""How much more than printed an overhead may be, as a share of the cheaper model's cost."""


def overhead(evidence: Evidence, test: Overhead) -> Outcome:
    """What a costs over b, on each device, against what the paper prints."""
    a, b = (evidence.measured(name, test.metric) for name in (test.a, test.b))
    printed = number("T3", "CAD-Net", test.column) / number("T3", "ResNet-18", test.column)
    more = {device: a[device] / b[device] for device in a if device in b}
    if not more:
        raise MissingEvidence(f"{test.metric} of {test.a} and {test.b} on other devices")
    if test.inverse:
        printed, more = 1 / printed, {device: 1 / ratio for device, ratio in more.items()}
    listed = ", ".join(f"{device} {ratio - 1:+.1%}" for device, ratio in more.items())
    return Outcome(
        f"{test.metric}, {test.a} over {test.b}: {listed}; printed {printed - 1:+.1%}"
        + (" (as time)" if test.inverse else ""),
        holds=max(more.values()) <= printed + TOLERANCE,
        devices=tuple(more),
    )


def cheaper(evidence: Evidence, test: Cheaper) -> Outcome:
    """Counts: the same on every device."""
    own = evidence.measured(test.a, test.metric)
    rivals = [test.b] if isinstance(test.b, str) else test.b
    others = {name: evidence.measured(name, test.metric) for name in rivals}
    worst = max(own.values())
    listed = ", ".join(f"{name} {min(costs.values()):.4g}" for name, costs in others.items())
    return Outcome(
        f"{test.metric}: {test.a} {worst:.4g}, {listed}",
        holds=all(worst < min(costs.values()) for costs in others.values()),
        devices=tuple(own),
    )


def at_least(evidence: Evidence, test: AtLeast) -> Outcome:
    """The slowest device decides."""
    found = evidence.measured(test.a, test.metric)
    if test.device:
        found = {name: value for name, value in found.items() if name == test.device}
    if not found:
        raise MissingEvidence(f"{test.a}'s {test.metric} was not measured on {test.device}")
    listed = ", ".join(f"{device} {value:.1f}" for device, value in found.items())
    return Outcome(
        f"{test.a}, {test.metric}: {listed}; wanted {test.value:g}",
        holds=min(found.values()) >= test.value,
        devices=tuple(found),
    )
