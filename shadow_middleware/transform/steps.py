"""
The steps of `transform`, compiled once, and run on each copy in their order.

Pure. Steps that call a user's function are not run here but handed out, since such a
function may hang; whoever runs them bounds the time that they may take.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final

import msgspec
import re2

from shadow_middleware.compare.globs import compile_name
from shadow_middleware.configuration import Place
from shadow_middleware.exchange import Exchange, Request
from shadow_middleware.settings import Settings, Target, Transform
from shadow_middleware.transform import editing
from shadow_middleware.transform.credentials import is_credential
from shadow_middleware.transform.secrets import is_secret_name
from shadow_middleware.transform_checks import tokens_of

__all__ = [
    "Call",
    "Occasion",
    "Step",
    "Steps",
    "moved",
    "occasion_of",
    "planted_in",
    "steps_of",
]


class Occasion(msgspec.Struct, frozen=True):
    """What a step may know of the exchange besides the request itself."""

    target: str
    route: str
    """`/users/{id}`, or the path where the framework does not say."""
    user: str | None
    """Whose request it is: see the settings `user` and `key`."""
    at: float
    """When live served it, in Unix seconds."""
    now: float
    """When the copy is sent, in Unix seconds."""


class Call(msgspec.Struct, frozen=True):
    """A function of the user's that has to be run, and what to do with its answer."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    finish: Callable[[Any], Request]


Step = Callable[[Request, Occasion], Request | Call]


class Steps:
    """Every step for one target."""

    def __init__(self, steps: Iterable[Transform], load: Callable[[str], Any]) -> None:
        """
        Compile the steps.

        Args:
            steps: In their order.
            load: Returns the function of an import path.

        Raises:
            ConfigurationError: a file of tokens or a function cannot be had.
        """
        self._steps = [(_fits(one.route), _compiled(one, load)) for one in steps]

    def __bool__(self) -> bool:
        return bool(self._steps)

    def for_route(self, method: str, route: str) -> list[Step]:
        """Return the steps for one route, in their order."""
        return [step for fits, step in self._steps if fits(method, route)]


def steps_of(target: Target, settings: Settings, load: Callable[[str], Any]) -> Steps:
    """Return the steps for one target: those of the whole, then its own."""
    return Steps((*settings.transform, *target.transform), load)


def occasion_of(exchange: Exchange, target: str, now: float) -> Occasion:
    """Return what steps may know of an exchange."""
    user = exchange.user or exchange.key
    return Occasion(target, exchange.route, user, exchange.live_at, now)


def _fits(route: str) -> Callable[[str, str], bool]:
    method, _, path = route.rpartition(" ")
    pattern = compile_name(path)
    wanted = "" if method in ("", "*") else method.upper()
    if path == "**" and not wanted:
        return lambda method, route: True
    return lambda method, route: (
        wanted in ("", method) and pattern.fullmatch(route) is not None
    )


# --- one step --------------------------------------------------------------------------


def _compiled(step: Transform, load: Callable[[str], Any]) -> Step:
    if step.action == "call":
        return _calling(load(step.function))
    if step.action == "token_by_user":
        return _token_by_user(step, load)
    if step.action == "rewrite_path":
        return _path(step)
    if step.action == "shift_time":
        return _shift(step)
    plain = _PLAIN[step.action]
    name, value = step.name, step.value
    if step.action == "token":
        name, value = name or "Authorization", f"{step.scheme} {value}".strip()
    return lambda request, occasion: plain(request, name, value)


_PLAIN: Final[Mapping[str, Callable[[Request, str, Any], Request]]] = {
    "set_host": lambda request, _, value: editing.set_header(request, "Host", value),
    "set_header": editing.set_header,
    "token": editing.set_header,
    "drop_header": lambda request, name, _: editing.drop_header(request, name),
    "rename_header": editing.rename_header,
    "set_cookie": editing.set_cookie,
    "drop_cookie": lambda request, name, _: editing.set_cookie(request, name, None),
    "set_query": editing.query,
    "drop_query": lambda request, name, _: editing.query(request, name, None),
    "set_field": editing.form,
    "drop_field": lambda request, name, _: editing.form(request, name, None),
    "set_json": lambda request, name, value: editing.edit_json(
        request, name, lambda _: value, create=True
    ),
    "replace_json": lambda request, name, value: editing.edit_json(
        request, name, lambda _: value
    ),
    "remove_json": lambda request, name, _: editing.edit_json(
        request, name, lambda old: old, remove=True
    ),
}


def _calling(function: Callable[..., Any]) -> Step:
    def finish(answer: Any) -> Request:
        if not isinstance(answer, Request):
            raise TypeError(f"it returned a {type(answer).__name__}, not a Request")
        return answer

    return lambda request, occasion: Call(function, (request, occasion), finish)


def _token_by_user(step: Transform, load: Callable[[str], Any]) -> Step:
    name = step.name or "Authorization"

    def write(request: Request, token: Any) -> Request:
        if not isinstance(token, str) or not token:
            raise editing.NotThere("there is no token for this user")
        return editing.set_header(request, name, f"{step.scheme} {token}".strip())

    if step.file:
        tokens = tokens_of(step.file, Place("transform.file", "settings"))
        return lambda request, occasion: (
            write(request, tokens.get(occasion.user))
            if occasion.user is not None
            else request
        )
    function = load(step.function)

    def call(request: Request, occasion: Occasion) -> Request | Call:
        if occasion.user is None:
            return request
        return Call(function, (occasion.user,), lambda token: write(request, token))

    return call


def _path(step: Transform) -> Step:
    pattern = re2.compile(step.pattern.encode())
    replacement = str(step.value).encode()

    def rewrite(request: Request, occasion: Occasion) -> Request:
        path = bytes(pattern.sub(replacement, request.path))
        return msgspec.structs.replace(request, path=path)

    return rewrite


# --- times ---------------------------------------------------------------------------------

_EPOCH: Final = re.compile(r"\d{10}(?:\d{3})?(?:\.\d{1,9})?")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def _shift(step: Transform) -> Step:
    place, _, name = step.name.partition(":")

    def run(request: Request, occasion: Occasion) -> Request:
        seconds = step.seconds or occasion.now - occasion.at

        def move(old: Any) -> Any:
            return moved(old, seconds)

        if step.name.startswith("/"):
            return editing.edit_json(request, step.name, move)
        if place == "header":
            old = editing.header(request, name)
            return (
                request if old is None else editing.set_header(request, name, move(old))
            )
        if place == "query":
            text = editing.change_fields(request.query.decode("latin-1"), name, move)
            return msgspec.structs.replace(request, query=text.encode("latin-1"))
        fields = editing.form_text(request)
        if fields is None:
            return request
        changed = editing.change_fields(fields, name, move)
        return editing.replace_body(request, changed.encode("utf-8"))

    return run


def moved(value: Any, seconds: float) -> Any:
    """
    Return a time so many seconds later, written as it was.

    Raises:
        NotThere: it is no time: neither ISO 8601, an HTTP date, nor an epoch.
    """
    if isinstance(value, bool):
        raise editing.NotThere("the value there is no time")
    if isinstance(value, int | float):
        unit = 1000 if abs(value) > 1e11 else 1
        return type(value)(value + seconds * unit)
    if isinstance(value, str):
        if _EPOCH.fullmatch(value):
            unit = 1000 if len(value.partition(".")[0]) == 13 else 1
            return str(int(float(value) + seconds * unit))
        return _moved_text(value, timedelta(seconds=seconds))
    raise editing.NotThere("the value there is no time")


def _moved_text(value: str, step: timedelta) -> str:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        try:
            return format_datetime(parsedate_to_datetime(value) + step, usegmt=True)
        except (TypeError, ValueError):
            raise editing.NotThere("the value there is no time") from None
    if _DATE.fullmatch(value):
        return (at + step).date().isoformat()
    parts = "milliseconds" if re.search(r"\.\d{3}(?!\d)", value) else "auto"
    written = (at + step).isoformat(value[10], parts)
    return written.replace("+00:00", "Z") if value.endswith(("Z", "z")) else written


# --- what was added ------------------------------------------------------------------------

_SHORTEST: Final = 4
_MOST: Final = 64


def planted_in(before: Request, after: Request) -> tuple[str, ...]:
    """
    Return the secrets of a request that were not in it before its steps.

    Every header that was added or changed counts, with what follows its first word;
    of queries, forms and JSON what stands under a name that says *secret*.
    """
    known = {value for _, value in before.headers}
    found: dict[str, None] = {}
    for name, value in after.headers:
        if value in known or name.lower() in (b"host", b"x-forwarded-host"):
            continue
        text = value.decode("latin-1")
        if name.lower() == b"cookie":
            old = {value for _, value in editing.cookies(before)}
            found.update((v, None) for _, v in editing.cookies(after) if v not in old)
        elif is_credential(name.lower()) or len(text) >= 16:
            found[text] = None
            found[text.rpartition(" ")[2]] = None
    for text in _secret_fields(after):
        if text.encode("utf-8", "replace") not in before.query + before.body.data:
            found[text] = None
    return tuple(text for text in found if len(text) >= _SHORTEST)[:_MOST]


def _secret_fields(request: Request) -> Iterable[str]:
    texts = [request.query.decode("latin-1")]
    kind = editing.header(request, "content-type") or ""
    if "x-www-form-urlencoded" in kind:
        texts.append(request.body.data.decode("utf-8", "replace"))
    for text in texts:
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if value and is_secret_name(name):
                yield value
    if "json" in kind and len(request.body.data) <= 64 * 1024:
        yield from _secret_members(request)


def _secret_members(request: Request) -> Iterable[str]:
    try:
        value = editing.body_json(request)
    except editing.NotThere:
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, str) and is_secret_name(name):
                yield member
