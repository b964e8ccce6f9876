"""
Is this exchange mirrored? Decided before any byte is kept.

Pure: a function of the request, the settings and one random draw.
"""

from __future__ import annotations

import fnmatch
import re
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from shadow_middleware.exchange import Headers
from shadow_middleware.settings import Settings

__all__ = [
    "OWN",
    "ROUTE_KEY",
    "SKIPPED",
    "Globs",
    "Selector",
    "Skipped",
    "reader_of",
    "sticky_share",
]

EVENT_STREAM: Final = b"text/event-stream"
ROUTE_KEY: Final = "shadow_middleware.route"
"""Where an app may leave its route's template for us, in the environ."""
OWN: Final = "(shadow_middleware)"
"""The route of what is ours, as the dashboard; known by being this very object."""


class Skipped:
    """The answer to a request that is left alone."""

    def __repr__(self) -> str:
        return "SKIPPED"


SKIPPED: Final = Skipped()


def sticky_share(key: bytes) -> float:
    """
    Return where a key stands between 0 and 1: the same on every host, for ever.

    BLAKE2b cut to 64 bits. A key is in at every rate above its share, so who is in
    at 1 % is in at 10 %.
    """
    digest = blake2b(key, digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Globs:
    """
    Path globs that any text is matched against in linear time.

    Between slashes `*`, `?` and `[a-z]` are a shell's; a segment `**` stands for any
    number of segments, none included. A client chooses the path, so nothing here may
    backtrack: the match walks both sides once for each `**`.
    """

    def __init__(self, globs: Sequence[str]) -> None:
        self._globs = [[_segment(part) for part in glob.split("/")] for glob in globs]

    def __bool__(self) -> bool:
        return bool(self._globs)

    def match(self, text: str) -> bool:
        """Whether any of the globs fits the whole text."""
        segments = text.split("/")
        return any(_fits(glob, segments) for glob in self._globs)


def _segment(glob: str) -> re.Pattern[str] | None:
    return None if glob == "**" else re.compile(fnmatch.translate(glob))


def _fits(glob: list[re.Pattern[str] | None], segments: list[str]) -> bool:
    at = here = 0
    retry: tuple[int, int] | None = None
    while here < len(segments):
        pattern = glob[at] if at < len(glob) else _NEVER
        if pattern is None:
            at += 1
            retry = (at, here)
        elif pattern.match(segments[here]):
            at, here = at + 1, here + 1
        elif retry is not None:
            # The nearest `**` takes one segment more; earlier ones never have to.
            at, here = retry[0], retry[1] + 1
            retry = (at, here)
        else:
            return False
    return all(pattern is None for pattern in glob[at:])


_NEVER: Final = re.compile(r"(?!)")


class Selector:
    """The selection of one `Settings`, compiled once and asked for every request."""

    def __init__(self, settings: Settings) -> None:
        self.methods = settings.mirrored_methods
        self._rate = settings.rate
        self._include = Globs(settings.include)
        self._exclude = Globs(settings.exclude)
        self._include_routes = Globs(settings.include_routes)
        self._exclude_routes = Globs(settings.exclude_routes)
        self._types = _Types(settings.content_types)
        self._skip = settings.skip
        self._key_of = reader_of(settings.key)
        self.plain = not (
            self._include
            or self._exclude
            or self._skip
            or self._key_of
            or self._rate < 1
        )
        self.any_route = not (self._include_routes or self._exclude_routes)

    def admit(
        self, path: bytes, headers: Headers, context: Any, draw: float
    ) -> str | Skipped | None:
        """
        Return the exchange's key (None without one), or SKIPPED.

        Ask only for one of `methods`, and only where the selection is not `plain`.

        Args:
            draw: A random number from 0 to 1, used where there is no key.
        """
        if not self._path_admitted(path):
            return SKIPPED
        if self._skip is not None and self._skip(context):
            return SKIPPED
        key = self._key_of(headers, context) if self._key_of else None
        share = draw if key is None else sticky_share(key)
        if share >= self._rate:
            return SKIPPED
        return None if key is None else key.decode("utf-8", "surrogateescape")

    def _path_admitted(self, path: bytes) -> bool:
        if not (self._include or self._exclude):
            return True
        text = path.decode("latin-1")
        if self._exclude.match(text):
            return False
        return not self._include or self._include.match(text)

    def admits_route(self, method: str, route: str) -> bool:
        """Whether a route template is mirrored; known only when live has answered."""
        if self.any_route:
            return True
        names = (route, f"{method} {route}")
        if any(map(self._exclude_routes.match, names)):
            return False
        return not self._include_routes or any(map(self._include_routes.match, names))

    def admits_type(self, headers: Headers) -> bool:
        """Whether a response of this type is mirrored; event streams are not."""
        for name, value in headers:
            if name == b"content-type" or (
                len(name) == 12 and name.lower() == b"content-type"
            ):
                return self._types[value]
        return self._types.wanted is None


class _Types(dict[bytes, bool]):
    """Whether a Content-Type is mirrored: a mapping that fills itself."""

    def __init__(self, types: Sequence[str]) -> None:
        super().__init__()
        self.wanted = _type_pattern(types)

    def __missing__(self, value: bytes) -> bool:
        media = value.split(b";", 1)[0].strip().lower()
        if self.wanted is None:
            admitted = media != EVENT_STREAM
        else:
            admitted = self.wanted.match(media.decode("latin-1")) is not None
        if len(self) < 1024 and len(value) < 256:
            self[value] = admitted
        return admitted


def _type_pattern(types: Sequence[str]) -> re.Pattern[str] | None:
    if not types:
        return None
    return re.compile("|".join(fnmatch.translate(kind.lower()) for kind in types))


KeyReader = Callable[[Headers, Any], bytes | None]


def reader_of(key: str | Callable[..., Any]) -> KeyReader | None:
    """Return what reads a key, or a user, from a request; None where nothing is asked."""
    if callable(key):
        return lambda headers, context: _as_bytes(key(context))
    kind, _, name = key.partition(":")
    if kind == "header":
        wanted = name.lower().encode("latin-1")
        return lambda headers, context: _first(headers, wanted)
    if kind == "cookie":
        return lambda headers, context: _cookie(headers, name)
    if kind == "user":
        return lambda headers, context: _user(context)
    return _claim_reader(name) if kind == "jwt" else None


def _claim_reader(words: str) -> KeyReader:
    """Return what reads a claim of the bearer token, or of one in a header or cookie."""
    claim, _, where = words.partition(":")
    token_of = reader_of(where or "header:authorization")
    assert token_of is not None
    return lambda headers, context: _claim(token_of(headers, context), claim)


_MAX_TOKEN: Final = 8192


def _claim(token: bytes | None, claim: str) -> bytes | None:
    """
    Return what a JWT says, without any check of its signature.

    Good enough to find out whose copy it is, and for nothing else.
    """
    if not token or len(token) > _MAX_TOKEN:
        return None
    parts = token.rpartition(b" ")[2].split(b".")
    if len(parts) < 3:
        return None
    raw = parts[1].translate(_URL_SAFE)
    try:
        found = msgspec.json.decode(a2b_base64(raw + b"=" * (-len(raw) % 4)))
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None
    value = found.get(claim) if isinstance(found, dict) else None
    return None if isinstance(value, dict | list) else _as_bytes(value)


_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def _as_bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogateescape")


def _first(headers: Headers, wanted: bytes) -> bytes | None:
    for name, value in headers:
        if name.lower() == wanted:
            return value
    return None


def _cookie(headers: Headers, name: str) -> bytes | None:
    for header, value in headers:
        if header.lower() == b"cookie":
            for pair in value.split(b";"):
                key, _, content = pair.strip().partition(b"=")
                if key == name.encode("latin-1"):
                    return content
    return None


def _user(context: Any) -> bytes | None:
    """Read the authenticated user of an ASGI scope, WSGI environ or Django request."""
    if isinstance(context, dict):
        user = context.get("user") or context.get("REMOTE_USER")
    else:
        user = getattr(context, "user", None)
    for attribute in ("pk", "id", "identity", "username"):
        try:
            value = getattr(user, attribute, None)
        except NotImplementedError:  # starlette's BaseUser.identity
            continue
        if value is not None:
            return _as_bytes(value)
    return _as_bytes(user) if isinstance(user, str) and user else None
