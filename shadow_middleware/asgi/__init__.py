"""
The ASGI adapter: FastAPI, Starlette, Litestar, Quart, and any other ASGI app.

    app.add_middleware(ShadowMiddleware, shadow_url="http://v2:8000")

`middleware` stands between server and app, `route` names what a request asked for, and
`listing` knows what there is to ask for.
"""

from __future__ import annotations

from shadow_middleware.asgi.middleware import ShadowMiddleware

__all__ = ["ShadowMiddleware"]
