"""
The shadow's names in a request, wherever the client put live's.

A request in which no learned value stands comes back as the very same object.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from shadow_middleware.exchange import Body, Headers, Request
from shadow_middleware.transform.rebind.links import (
    Place,
    Rename,
    field_place,
    is_link,
    rewrite_fields,
    rewrite_link,
    rewrite_path,
)
from shadow_middleware.transform.rebind.nouns import (
    container_noun,
    is_opaque,
    member_of,
    named,
)
from shadow_middleware.transform.rebind.spans import Path, leaves, splice

__all__ = ["renamed", "substituted"]

_MAX_BODY: Final = 256 * 1024
_LINKS: Final = frozenset({b"referer", b"origin", b"destination", b"content-location"})
_TAGS: Final = frozenset({b"if-match", b"if-none-match", b"if-range"})
_NEVER: Final = frozenset(
    {b"host", b"cookie", b"content-type", b"content-encoding", b"user-agent", b"accept"}
)
_TAG: Final = re.compile(r'(?:W/)?"[^"]*"')
_BOUNDARY: Final = re.compile(
    r'boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))', re.IGNORECASE
)
_PART_NAME: Final = re.compile(rb'[;\s]name="([^"]*)"')


def substituted(request: Request, route: str, rename: Rename) -> Request:
    """
    Return the request with every value renamed that `rename` knows.

    Args:
        request: As it would go out.
        route: The template of its path.
        rename: Asked for each value that may name something; it may take notes.
    """
    path = rewrite_path(request.path.decode("latin-1"), route, rename).encode("latin-1")
    query = rewrite_fields(
        request.query.decode("latin-1"), route, "query", rename
    ).encode("latin-1")
    headers = _headers(request.headers, route, rename)
    body = _body(request, route, rename)
    if (path, query, body) == (request.path, request.query, request.body):
        if headers is request.headers:
            return request
        return msgspec.structs.replace(request, headers=headers)
    return msgspec.structs.replace(
        request, path=path, query=query, headers=headers, body=body
    )


def _headers(headers: Headers, route: str, rename: Rename) -> Headers:
    new = [
        (name, renamed(name.lower(), value, route, rename)) for name, value in headers
    ]
    return headers if new == [*headers] else new


def renamed(name: bytes, value: bytes, route: str, rename: Rename) -> bytes:
    """Return the value of one header, its name in lower case, with what is renamed."""
    if name in _NEVER or name[:6] == b"x-shad":
        return value
    text = value.decode("latin-1")
    shown = f"header {name.decode('latin-1')}"
    if name in _LINKS:
        return rewrite_link(text, shown, rename).encode("latin-1")
    if name in _TAGS:
        place = Place(("etag",), "token", shown)
        return _TAG.sub(
            lambda tag: rename(tag.group(), place) or tag.group(), text
        ).encode("latin-1")
    scheme, blank, rest = text.rpartition(" ")
    if len(rest) < 8 or not (blank == "" or scheme.isalpha()):
        return value
    place = field_place(name.decode("latin-1"), route, shown)
    if place.role == "plain" and not is_opaque(rest):
        return value
    new = rename(rest, place)
    return (
        value if new is None else f"{scheme}{blank}{new}".encode("latin-1", "replace")
    )


# --- bodies ---------------------------------------------------------------------------------


def _body(request: Request, route: str, rename: Rename) -> Body:
    body = request.body
    if not body.data or len(body.data) > _MAX_BODY:
        return body
    kind, coded = "", False
    for name, value in request.headers:
        lower = name.lower()
        if lower == b"content-type":
            kind = value.decode("latin-1")
        elif lower == b"content-encoding":
            coded = value.strip().lower() != b"identity"
    rewrite = None if coded else _rewriter(kind)
    if rewrite is None:
        return body
    data = rewrite(body.data, route, rename)
    return body if data == body.data else Body(data, len(data))


Rewriter = Callable[[bytes, str, Rename], bytes]


def _rewriter(kind: str) -> Rewriter | None:
    media = kind.partition(";")[0].strip().lower()
    if media == "application/x-www-form-urlencoded":
        return _form
    if media == "application/json" or media.endswith("+json"):
        return _json
    if media == "multipart/form-data" and (found := _BOUNDARY.search(kind)):
        boundary = (found.group(1) or found.group(2)).encode("latin-1")
        return lambda data, route, rename: _multipart(data, boundary, route, rename)
    return None


def _form(data: bytes, route: str, rename: Rename) -> bytes:
    text = data.decode("latin-1")
    return rewrite_fields(text, route, "form", rename).encode("latin-1")


def _json(data: bytes, route: str, rename: Rename) -> bytes:
    try:
        text = data.decode("utf-8")
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return data
    changes: dict[Path, Any] = {}
    for path, leaf in leaves(value):
        new = _json_value(path, leaf, route, rename)
        if new is not None:
            changes[path] = new
    return splice(text, changes).encode("utf-8") if changes else data


def _json_value(path: Path, leaf: Any, route: str, rename: Rename) -> Any:
    """Return the shadow's name of a JSON value, of the same type; None leaves it."""
    if isinstance(leaf, bool) or not isinstance(leaf, int | str) or leaf == "":
        return None
    said = named(member_of(path))
    nouns = container_noun(path, route) if said.role == "self" else (said.noun,)
    where = f"body /{'/'.join(map(str, path))}"
    place = Place(tuple(filter(None, nouns)), said.role, where)
    if isinstance(leaf, str):
        if not is_link(leaf):
            return rename(leaf, place)
        new = rewrite_link(leaf, where, rename)
        return None if new == leaf else new
    number = rename(str(leaf), place)
    if number is None or not number.removeprefix("-").isdecimal():
        return None
    return int(number)


def _multipart(data: bytes, boundary: bytes, route: str, rename: Rename) -> bytes:
    mark = b"--" + boundary
    parts = data.split(mark)
    for index, part in enumerate(parts[1:-1], 1):
        head, blank, content = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if not blank or name is None or b"filename" in head.lower():
            continue
        if not content.endswith(b"\r\n"):
            continue
        field = name.group(1).decode("utf-8", "replace")
        place = field_place(field, route, f"multipart {field}")
        try:
            new = rename(content[:-2].decode("utf-8"), place)
        except UnicodeDecodeError:
            continue
        if new is not None and boundary not in (written := new.encode("utf-8")):
            parts[index] = head + blank + written + b"\r\n"
    return mark.join(parts)
