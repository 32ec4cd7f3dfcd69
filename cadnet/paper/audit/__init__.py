"""The paper against itself: every check is computed from the numbers that it prints.

Nothing is smoothed over, and nothing here is about this project's own results.
"""

from __future__ import annotations

from collections.abc import Mapping

from cadnet.paper.audit import ablations, efficiency, equations, mixtures, statements
from cadnet.paper.audit.finding import Finding

__all__ = ["Finding", "audit"]


def audit(counted: Mapping[str, float] | None = None) -> list[Finding]:
    """All findings, those that do not hold first.

    Args:
        counted: 10⁹ multiply-adds of this project's models at the paper's size, by name, to stand
            beside table 3's.
    """
    found = [
        *mixtures.findings(),
        *ablations.findings(),
        *efficiency.findings(counted or {}),
        *equations.findings(),
        *statements.findings(),
    ]
    return sorted(found, key=lambda finding: finding.consistent)
