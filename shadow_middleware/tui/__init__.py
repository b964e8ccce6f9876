"""
The terminal UI: the evidence on screens that stay fresh, driven by keys.

A face: it renders what a `Source` computes, and adds no number of its own.
"""

from __future__ import annotations

from shadow_middleware.errors import MissingExtraError

try:
    import textual as _textual  # noqa: F401  only to say which extra is missing
except ModuleNotFoundError as error:
    raise MissingExtraError("tui", "shadow-middleware watch") from error

__all__: list[str] = []
