"""
`shadow-middleware demo`: the whole road on this machine, with nothing but ourselves.

    traffic ─▶ shop v1 (live, mirrored) ─▶ agent ─▶ shop v2 (shadow)
                                            └─▶ SQLite ─▶ report, verdict
"""

from __future__ import annotations

from shadow_middleware.cli.demo.command import EPILOG, demo

__all__ = ["EPILOG", "demo"]
