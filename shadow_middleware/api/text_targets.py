"""
The small text API that shell users know: `PUT`, `DELETE` and `GET /targets?url=…&url=…`.

A line for each target: its URL, its name, its state. It is an app of its own, so that it is
reachable only where somebody has started it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shadow_middleware.api.access import Access
from shadow_middleware.api.headers import FOR_DATA, Headers
from shadow_middleware.api.opened import Opened
from shadow_middleware.api.operation import Evidence
from shadow_middleware.api.own import Own, owned
from shadow_middleware.api.problem import Refused, answer_of
from shadow_middleware.errors import ConfigurationError, StoreError
from shadow_middleware.reading import Steering
from shadow_middleware.reading.steering import name_for
from shadow_middleware.report.figures import printable
from shadow_middleware.targets import Held, Origin

__all__ = ["Line", "serve_text", "text_targets"]

_MOST: Final = 100
_BY: Final = "the text API"


class Line(msgspec.Struct, frozen=True):
    """One target, in short."""

    url: str
    name: str
    state: str
    """`on`, `disabled`, `failing`, `gone`, `switched_off`, `not_allowed`, `removed`."""


def text_targets(
    *, token: str, config: str | None = None, **settings: Any
) -> Starlette:
    """
    Return the text API as an ASGI app: `/targets`, to be mounted or served.

    Args:
        token: What clients send as a bearer token; at least 16 characters.
        config: A TOML file with settings.
        settings: As of the middleware; `store_url` and `target_allow` above all.

    Raises:
        ConfigurationError: the token is short enough to guess, or a setting is wrong.
    """
    return serve_text(Opened.of(settings, config, None, "the text API"), token)


def serve_text(evidence: Evidence, token: str) -> Starlette:
    """Return the app over a store that is opened when somebody asks."""
    served = _Targets(evidence, Access(token))
    app = Starlette(
        routes=[Route("/targets", served.answer, methods=["GET", "PUT", "DELETE"])],
        middleware=[Middleware(Own), Middleware(Headers, policy=FOR_DATA)],
    )
    return owned(app)


class _Targets:
    """Answers all three methods, after the same look at who asks."""

    def __init__(self, evidence: Evidence, access: Access) -> None:
        self._evidence = evidence
        self._access = access

    async def answer(self, request: Request) -> Response:
        """Return the lines, or what is wrong in one."""
        return await run_in_threadpool(self._answer, request)

    def _answer(self, request: Request) -> Response:
        as_json = "application/json" in request.headers.get("accept", "")
        try:
            self._admit(request)
            urls, more = _asked(request)
            lines = _METHODS[request.method](self._evidence.steering, urls, more)
        except Refused as refused:
            return _refusal(refused, as_json=as_json)
        except StoreError as error:
            return _refusal(Refused(503, str(error)), as_json=as_json)
        if as_json:
            data = msgspec.json.encode({"targets": lines})
            return Response(data, media_type="application/json")
        return PlainTextResponse("".join(map(_line, lines)))

    def _admit(self, request: Request) -> None:
        # A bearer token alone: no browser sends one by itself.
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._access.is_token(given.strip()):
            raise Refused(401, "send the header Authorization: Bearer TOKEN")


def _asked(request: Request) -> tuple[list[str], dict[str, float]]:
    """Return the URLs, each once, and what else is said of them."""
    given = request.query_params
    known = ("url", "rate") if request.method == "PUT" else ("url",)
    for name in given:
        if name not in known:
            problem = f"no parameter of {request.method} is named {name!r}"
            raise Refused(400, f"{problem}; there are: {', '.join(known)}")
    urls = list(dict.fromkeys(given.getlist("url")))
    if not urls and request.method != "GET":
        raise Refused(400, "name one URL or several: /targets?url=http://v2:8000")
    if len(urls) > _MOST:
        raise Refused(400, f"{len(urls)} URLs are more than {_MOST} at once")
    return urls, {"rate": _share(given["rate"])} if "rate" in given else {}


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Refused(400, f"rate: {text!r} is no number from 0 to 1") from None


def _list(steering: Steering, urls: list[str], _: dict[str, float]) -> list[Line]:
    held = steering.held()
    if not urls:
        return [_line_of(one) for one in held]
    return [_line_of(one) for url in urls for one in _at(held, url)]


def _put(steering: Steering, urls: list[str], more: dict[str, float]) -> list[Line]:
    """Add each URL, or enable the targets that are there. All of them, or none."""
    held, taken = steering.held(), steering.names()
    tables: list[dict[str, Any]] = []
    for url in urls:
        if problem := steering.refusal(url):
            raise Refused(403, problem)
        known = [one.target.name for one in held if one.target.url == url]
        name = name_for(url, taken)
        new = [] if known else [{"name": name, "url": url}]
        taken += [] if known else [name]
        named = [{"name": one} for one in known]
        tables += [{**one, "enabled": True, **more} for one in (*named, *new)]
    try:
        changes = [steering.check(one, by=_BY, source="request") for one in tables]
    except ConfigurationError as error:
        raise Refused(400, str(error)) from None
    steering.make(changes)
    return _list(steering, urls, {})


def _delete(steering: Steering, urls: list[str], _: dict[str, float]) -> list[Line]:
    """Remove those that were added; disable those that the settings name."""
    held = steering.held()
    found = [one for url in urls for one in _at(held, url)]
    added = [one.target.name for one in found if one.origin is Origin.ADDED]
    tables = [
        {"name": one.target.name, "enabled": False}
        for one in found
        if one.origin is not Origin.ADDED
    ]
    steering.make([steering.check(one, by=_BY, source="request") for one in tables])
    for name in added:
        steering.remove(name)
    after = {one.target.name: _line_of(one) for one in steering.held()}
    return [
        after.get(one.target.name, Line(one.target.url, one.target.name, "removed"))
        for one in found
    ]


_Method = Callable[[Steering, list[str], dict[str, float]], list[Line]]
_METHODS: Final[dict[str, _Method]] = {
    "GET": _list,
    "HEAD": _list,
    "PUT": _put,
    "DELETE": _delete,
}


def _at(held: list[Held], url: str) -> Iterator[Held]:
    found = [one for one in held if one.target.url == url]
    if not found:
        raise Refused(404, f"no target is at {url!r}; GET /targets lists them")
    yield from found


def _line_of(one: Held) -> Line:
    return Line(one.target.url, one.target.name, one.why.value or "on")


def _line(one: Line) -> str:
    return f"{printable(one.url)} {one.name} {one.state}\n"


def _refusal(refused: Refused, *, as_json: bool) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
    if as_json:
        return answer_of(refused.status, refused.detail, **headers)
    return PlainTextResponse(f"{printable(refused.detail)}\n", refused.status, headers)
