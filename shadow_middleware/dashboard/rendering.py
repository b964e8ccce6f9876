"""From a template and its values to the bytes of an answer; unchanged ones are 304."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from shadow_middleware.dashboard.figures import FILTERS, seen

__all__ = ["is_look", "prepare", "render", "respond"]

_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("shadow_middleware.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=seen,
    auto_reload=False,
)
_ENVIRONMENT.filters |= FILTERS
# Charts draw outcomes in the order that the page gives them.
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"sort_keys": False}


def is_look(request: Request) -> bool:
    """Return whether only the moving part of a page is asked for."""
    return request.headers.get("hx-request") == "true"


def render(template: str, values: Mapping[str, Any], *, look: bool = False) -> str:
    """Return the page, or only its moving part for a look."""
    laid_out = {**values, "layout": "_live.html"}
    moving = _ENVIRONMENT.get_template(template).render(laid_out)
    return moving if look else _around(moving, template, values)


def _around(moving: str, template: str, values: Mapping[str, Any]) -> str:
    """Return the page with its moving part, which is most of it and is made once."""
    # Jinja has escaped it already.
    laid_out = {**values, "layout": "base.html", "moving": Markup(moving)}
    return _ENVIRONMENT.get_template(template).render(laid_out)


def prepare() -> None:
    """Compile every template, so that nobody who looks first waits for it."""
    for name in _ENVIRONMENT.list_templates():
        _ENVIRONMENT.get_template(name)


def etag_of(live: str) -> str:
    """Return the tag that changes with the moving part of a page."""
    digest = hashlib.blake2b(live.encode("utf-8", "replace"), digest_size=8)
    return f'"{digest.hexdigest()}"'


def respond(
    request: Request, template: str, values: Mapping[str, Any], status: int = 200
) -> Response:
    """
    Return a page, or to a look its moving part.

    A look that already has what would be shown gets 304, so nothing is drawn again.
    """
    moving = render(template, values, look=True)
    etag = etag_of(moving)
    headers = {"ETag": etag, "Vary": "HX-Request", "Cache-Control": "no-store"}
    if is_look(request):
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        text = moving
    else:
        text = _around(moving, template, {**values, "etag": etag})
    # A lone surrogate from a body must not take the page with it.
    body = text.encode("utf-8", "replace")
    return Response(body, status, headers, "text/html; charset=utf-8")
