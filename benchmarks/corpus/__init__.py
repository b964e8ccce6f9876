"""
A seeded corpus of realistic answers, with noise and with planted regressions.

`leg` is one copy of the app, `state` what its database holds, `noise` what differs
between healthy copies. The routes are in `catalogue`, `orders`, `accounts`,
`operations`, `pages` and `exports`; what the shadow does wrong is in `faults`; and
`traffic` puts it together.
"""

from __future__ import annotations

from benchmarks.corpus.faults import REGRESSIONS, Regression
from benchmarks.corpus.traffic import ROUTES, Answered, Sent, Traffic

__all__ = ["REGRESSIONS", "ROUTES", "Answered", "Regression", "Sent", "Traffic"]
