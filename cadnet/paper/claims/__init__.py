"""The paper's claims, and what the results say about each."""

from cadnet.paper.claims.schema import Claim, claims
from cadnet.paper.claims.verdicts import Verdict, significance, validation_correlation, verdicts

__all__ = ["Claim", "Verdict", "claims", "significance", "validation_correlation", "verdicts"]
