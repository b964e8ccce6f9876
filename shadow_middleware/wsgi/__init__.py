"""
The adapter for any WSGI app: translates PEP 3333 into captures and stops there.

    application = ShadowMiddleware(application, shadow_url="http://v2:8000")

It sits between server and app and changes nothing that passes: what the app reads
is read as it asks for it, what it answers goes on chunk by chunk, and the server's
own ways of sending a file stay open.
"""

from __future__ import annotations

from shadow_middleware.wsgi.middleware import ShadowMiddleware

__all__ = ["ShadowMiddleware"]
