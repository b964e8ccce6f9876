"""
Changes to a copy of a request: each returns a new one, and touches nothing else in it.

For users' own steps as well: `from shadow_middleware.transform import editing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

import msgspec

from shadow_middleware.compare.decode import decode
from shadow_middleware.exchange import Body, Request, header_values
from shadow_middleware.transform.cookies import pairs_of

__all__ = [
    "NotThere",
    "body_json",
    "change_fields",
    "cookies",
    "drop_header",
    "edit_json",
    "form",
    "form_text",
    "header",
    "query",
    "rename_header",
    "replace_body",
    "set_cookie",
    "set_header",
]

_MAX_BODY: Final = 16 * 1024 * 1024
_FORM: Final = "application/x-www-form-urlencoded"


class NotThere(ValueError):
    """A step asks for something that the request does not have."""


# --- headers and cookies ---------------------------------------------------------------


def header(request: Request, name: str) -> str | None:
    """Return the first value of a header, in whatever case; None without it."""
    values = header_values(request.headers, name.lower().encode("latin-1"))
    return values[0].decode("latin-1") if values else None


def set_header(request: Request, name: str, value: str) -> Request:
    """Return the request with this one value of the header, where it stood before."""
    field = name.encode("latin-1"), value.encode("latin-1")
    lower = field[0].lower()
    fields = [*request.headers]
    at = [i for i, (known, _) in enumerate(fields) if known.lower() == lower]
    if not at:
        fields.append(field)
    else:
        fields[at[0]] = (fields[at[0]][0], field[1])
        for index in reversed(at[1:]):
            del fields[index]
    return msgspec.structs.replace(request, headers=fields)


def drop_header(request: Request, name: str) -> Request:
    """Return the request without the header."""
    lower = name.lower().encode("latin-1")
    kept = [field for field in request.headers if field[0].lower() != lower]
    return msgspec.structs.replace(request, headers=kept)


def rename_header(request: Request, name: str, new: str) -> Request:
    """Return the request with the header under another name, its values kept."""
    lower, other = name.lower().encode("latin-1"), new.encode("latin-1")
    fields = [
        (other if known.lower() == lower else known, value)
        for known, value in request.headers
    ]
    return msgspec.structs.replace(request, headers=fields)


def cookies(request: Request) -> list[tuple[str, str]]:
    """Return names and values of every cookie, in order."""
    lines = header_values(request.headers, b"cookie")
    return [pair for line in lines for pair in pairs_of(line.decode("latin-1"))]


def set_cookie(request: Request, name: str, value: str | None) -> Request:
    """Return the request with another value of the cookie; None takes it out."""
    pairs = cookies(request)
    if value is None:
        pairs = [pair for pair in pairs if pair[0] != name]
    elif any(known == name for known, _ in pairs):
        pairs = [(known, value if known == name else old) for known, old in pairs]
    else:
        pairs.append((name, value))
    if not pairs:
        return drop_header(request, "cookie")
    joined = "; ".join(f"{known}={text}" for known, text in pairs)
    return set_header(request, "Cookie", joined)


# --- query and forms ------------------------------------------------------------------


def change_fields(text: str, name: str, change: Callable[[str], str | None]) -> str:
    """Return a query or a form with the values of one field changed; None takes it out."""
    kept = []
    for pair in text.split("&") if text else []:
        known, _, value = pair.partition("=")
        if unquote_plus(known) != name:
            kept.append(pair)
        elif (new := change(unquote_plus(value))) is not None:
            kept.append(f"{known}={quote_plus(new)}")
    return "&".join(kept)


def _set_field(text: str, name: str, value: str | None) -> str:
    found = False

    def change(old: str) -> str | None:
        nonlocal found
        first, found = not found, True
        return value if first else None

    changed = change_fields(text, name, change)
    if found or value is None:
        return changed
    return "&".join(filter(None, (changed, f"{quote_plus(name)}={quote_plus(value)}")))


def query(request: Request, name: str, value: str | None) -> Request:
    """Return the request with this one value of the query's field; None takes it out."""
    text = _set_field(request.query.decode("latin-1"), name, value)
    return msgspec.structs.replace(request, query=text.encode("latin-1"))


def form(request: Request, name: str, value: str | None) -> Request:
    """
    Return the request with this one value of the form's field; None takes it out.

    Raises:
        NotThere: the body is no form.
    """
    text = form_text(request)
    if text is None:
        raise NotThere("the body is no form")
    return replace_body(request, _set_field(text, name, value).encode("utf-8"))


def form_text(request: Request) -> str | None:
    """Return the body of a form, its codings taken off; None where it is none."""
    kind = header(request, "content-type") or ""
    if kind.partition(";")[0].strip().lower() != _FORM:
        return None
    return _body(request).decode("utf-8")


# --- bodies -----------------------------------------------------------------------------


def _body(request: Request) -> bytes:
    """Return the body, its codings taken off."""
    listed = b",".join(header_values(request.headers, b"content-encoding"))
    codings = [
        c.strip().lower() for c in listed.decode("latin-1").split(",") if c.strip()
    ]
    if not codings:
        return request.body.data
    found = decode(request.body.data, codings, _MAX_BODY)
    if found.state != "whole":
        raise NotThere("the body is not what its Content-Encoding says")
    return found.data


def replace_body(request: Request, data: bytes) -> Request:
    """Return the request with other bytes as its body, in no coding."""
    plain = drop_header(request, "content-encoding")
    return msgspec.structs.replace(plain, body=Body(data, len(data)))


def body_json(request: Request) -> Any:
    """
    Return the body's JSON value.

    Raises:
        NotThere: the body is no JSON.
    """
    try:
        return msgspec.json.decode(_body(request))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise NotThere("the body is no JSON") from None


def edit_json(
    request: Request,
    pointer: str,
    change: Callable[[Any], Any],
    *,
    create: bool = False,
    remove: bool = False,
) -> Request:
    """
    Return the request with one place of its JSON body changed.

    Args:
        request: With a JSON body.
        pointer: RFC 6901; `-` stands for the place after a list's last item.
        change: Gets what stands there, None where nothing does; returns the new value.
        create: Whether a last step that is not there is made.
        remove: Whether the place is taken out instead.

    Raises:
        NotThere: the body is no JSON, or has no such place.
    """
    value = body_json(request)
    if pointer == "":
        return replace_body(request, msgspec.json.encode(change(value)))
    *steps, last = [
        step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")
    ]
    here = value
    for step in steps:
        here = here[_step(here, step)]
    if create and isinstance(here, list) and last == "-":
        here.append(change(None))
    elif create and isinstance(here, dict) and last not in here:
        here[last] = change(None)
    elif remove:
        del here[_step(here, last)]
    else:
        at = _step(here, last)
        here[at] = change(here[at])
    return replace_body(request, msgspec.json.encode(value))


def _step(here: Any, step: str) -> Any:
    if isinstance(here, dict) and step in here:
        return step
    if isinstance(here, list) and step.isdecimal() and int(step) < len(here):
        return int(step)
    raise NotThere(f"the body has no {step!r} there")
