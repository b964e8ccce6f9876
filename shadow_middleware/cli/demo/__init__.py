"""tmp"""

from __future__ import annotations

EPILOG = ""


def demo() -> None:
    """Demo."""
