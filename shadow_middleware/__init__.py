"""
Evidence from real traffic that a rewrite, migration or upgrade is safe to promote.

    LIVE PROCESS  pays microseconds, never raises
        capture ─▶ selection ─▶ handoff ══ wall ══▶
    AGENT PROCESS  may be slow, may fail, may be killed
        intake ─▶ transform ─▶ replay ─▶ compare ─▶ judge ─▶ record
    READING SIDE  no part in any request
        store ─▶ report ─▶ cli

Import the middleware from the module of your framework: `shadow_middleware.asgi`,
`.wsgi`, `.flask` or `.django`.
"""

from __future__ import annotations

__version__ = "0.1.0"
