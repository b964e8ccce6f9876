"""
The one place that chooses and imports the HTTP client.

httpx unless it is missing; httpx2, which continues it with the same interface,
where `SHADOW_MIDDLEWARE_HTTP_CLIENT=httpx2` says so or where only it is installed.
A transport that a user passes must come from the client that is chosen here.
"""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

__all__ = ["httpx"]


def _chosen() -> str:
    asked = os.environ.get("SHADOW_MIDDLEWARE_HTTP_CLIENT", "")
    if asked:
        return asked
    return "httpx" if importlib.util.find_spec("httpx") else "httpx2"


if TYPE_CHECKING:
    import httpx
elif _chosen() == "httpx2":
    import httpx2 as httpx
else:
    import httpx
