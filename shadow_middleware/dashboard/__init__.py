"""The dashboard: pages over what is read, without a script or style of elsewhere."""

from __future__ import annotations

from shadow_middleware.errors import MissingExtraError

try:
    import jinja2  # noqa: F401 -- only to say what is missing
    import starlette  # noqa: F401
except ImportError as error:
    raise MissingExtraError("dashboard", "the dashboard") from error

from shadow_middleware.dashboard.app import dashboard

__all__ = ["dashboard"]
