"""
What the judge is given, and what it gives back.

A case is one exchange after its comparisons; a judgement is what becomes of it.
"""

from __future__ import annotations

import msgspec

from shadow_middleware.compare import Comparison
from shadow_middleware.exchange import Difference, Outcome
from shadow_middleware.knowledge import DAY

__all__ = ["Case", "Judgement"]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange with one target, compared and not yet judged."""

    target: str
    route: str
    """As it is counted: method and template, redacted."""
    status: int
    """Of live's answer."""
    at: float
    """When live served it, in Unix seconds."""
    found: Comparison
    """Live against the shadow."""
    era: str = ""
    """The live version; '' where it says none."""
    control: Comparison | None = None
    """Live against its second copy; None where that was not asked or did not answer."""
    probe: Comparison | None = None
    """The shadow's answer against its answer to the same request sent again."""
    live_ms: float = 0.0
    shadow_ms: float | None = 0.0
    """None where live's own time is not known."""
    control_ms: float | None = None

    @property
    def day(self) -> int:
        """Days since the epoch."""
        return int(self.at // DAY)


class Judgement(msgspec.Struct, frozen=True):
    """How an exchange ended, with a reason for each difference that is noise."""

    outcome: Outcome
    """`match`, `noise`, `divergence` or `incomparable`."""
    reason: str = ""
    """Of noise, what explains it; of a divergence ''."""
    differences: tuple[Difference, ...] = ()
    """Those of the comparison and of latency, each with its group and why it is noise."""
    signature: str = ""
    """Of a divergence: which groups it belongs to; see `knowledge.signature_of`."""
    groups: tuple[str, ...] = ()
    """Fingerprints of the groups that nothing explains, sorted."""
