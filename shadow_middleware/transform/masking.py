"""
Secrets out of a whole exchange, so that what is left can still be sent and compared.

Where the redactor makes text for people, this keeps bytes: a header, path or body in
which no secret is found stays as it was, byte for byte. A secret becomes a mark; equal
secrets become equal marks under one key, so a session that logs in, gets a token and
uses it is still one to see.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import unquote_plus

import msgspec

from shadow_middleware.compare.decode import decode
from shadow_middleware.exchange import Body, Exchange, Headers, Request, Response
from shadow_middleware.settings import Settings
from shadow_middleware.transform.encode import encoded
from shadow_middleware.transform.innocent import is_innocent_json
from shadow_middleware.transform.pseudonym import pseudonym
from shadow_middleware.transform.redact import Redactor
from shadow_middleware.transform.secrets import (
    REDACTED,
    has_known_form,
    is_secret_name,
)

__all__ = ["MARK", "Marks", "Masked", "Masker"]

MARK: Final = re.compile(r"masked-[a-z2-7]{16}")
"""What stands for a secret: letters and a few digits, fit for any place in a request."""
_MADE: Final = re.compile(rf"{MARK.pattern}\Z|{re.escape(REDACTED)}\Z")
_SCHEMES: Final = frozenset({"bearer", "token"})
_EVERYTHING: Final = 1 << 62
_PICTURES: Final = ("image/", "audio/", "video/", "font/")
_MOST_KNOWN: Final = 10_000
_MOST_KNOWN_BYTES: Final = 512


class Marks:
    """Gives equal secrets equal marks, which tell nothing without the key. Call it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, secret: str) -> str:
        """Return the mark of a secret; a mark is its own."""
        return secret if _MADE.match(secret) else self.of_name(pseudonym(secret))

    def of_name(self, name: str) -> str:
        """Return the mark of a secret of which only the pseudonym is known."""
        digest = hmac.digest(self._key, name.encode(), "sha256")
        return f"masked-{base64.b32encode(digest[:10]).decode().lower()}"


class Masked(msgspec.Struct, frozen=True):
    """An exchange without its secrets, and what that changed."""

    exchange: Exchange
    changed: tuple[str, ...] = ()
    """Parts in which marks stand: `request.query`, `response.body`…"""
    left_out: tuple[str, ...] = ()
    """Bodies that could not be looked into, or only told a secret, and are not kept."""


class Masker:
    """
    Takes secrets out of exchanges.

    Args:
        settings: Whose `redact_*` name what is secret besides what always is.
        mark: What stands in a secret's place.
    """

    def __init__(self, settings: Settings, mark: Marks) -> None:
        whole = msgspec.structs.replace(settings, max_stored_body=_EVERYTHING)
        self._redactor = Redactor(whole, mark)
        self._mark = mark
        self._cap = settings.max_expanded_body
        self._plain = not (settings.redact_paths or settings.redact_patterns)
        self._innocent: dict[tuple[bytes, bytes], None] = {}

    def __call__(self, exchange: Exchange) -> Masked:
        """Return the exchange as it may rest."""
        notes = _Notes()
        request = self._request(exchange.request, notes)
        response = exchange.response
        if response is not None:
            response = self._response(response, notes)
        key, user = exchange.key, exchange.user
        masked = msgspec.structs.replace(
            exchange,
            request=request,
            response=response,
            route=self._redactor.path(exchange.route.encode("utf-8", "replace")),
            key=None if key is None else self._key(key),
            user=None if user is None else self._mark(user),
            # What a mark of the cookie itself would be called, so that sessions are told
            # from a file as they are from live.
            visitor=tuple(pseudonym(self._mark.of_name(n)) for n in exchange.visitor),
        )
        return Masked(masked, tuple(notes.changed), tuple(notes.left_out))

    def _key(self, key: str) -> str:
        """Return the mark of a session; behind a scheme the token's own."""
        scheme, blank, rest = key.partition(" ")
        if blank and scheme.lower() in _SCHEMES:
            return f"{scheme} {self._mark(rest)}"
        return self._mark(key)

    def _request(self, request: Request, notes: _Notes) -> Request:
        return msgspec.structs.replace(
            request,
            path=notes.text("request.path", request.path, self._redactor.path),
            query=notes.text("request.query", request.query, self._query),
            headers=self._headers("request.headers", request.headers, notes),
            body=self._body("request.body", request.body, request.headers, notes),
        )

    def _response(self, response: Response, notes: _Notes) -> Response:
        return msgspec.structs.replace(
            response,
            headers=self._headers("response.headers", response.headers, notes),
            body=self._body("response.body", response.body, response.headers, notes),
            trailers=self._headers("response.trailers", response.trailers, notes),
        )

    def _query(self, query: bytes) -> str:
        return self._redactor.form(query.decode("utf-8", "replace"))

    def _headers(self, part: str, headers: Headers, notes: _Notes) -> Headers:
        return [
            field if field in self._innocent else self._header(part, field, notes)
            for field in headers
        ]

    def _header(
        self, part: str, field: tuple[bytes, bytes], notes: _Notes
    ) -> tuple[bytes, bytes]:
        name, value = field
        clean = notes.text(part, value, partial(self._redactor.header, name))
        if clean is value and len(name) + len(value) <= _MOST_KNOWN_BYTES:
            # Most headers come again and again.
            if len(self._innocent) >= _MOST_KNOWN:
                self._innocent.clear()
            self._innocent[name, value] = None
        return name, clean

    # --- bodies -----------------------------------------------------------------------

    def _body(self, part: str, body: Body, headers: Headers, notes: _Notes) -> Body:
        if not body.data:
            return body
        kind, codings = _kind_of(headers)
        plain = body.data
        if codings:
            plain, state = decode(body.data, codings, self._cap)
            if state != "whole":
                return notes.leave_out(part, body)
        clean = self._document(plain, kind)
        if clean == plain:
            return body
        if clean is None:
            return notes.leave_out(part, body)
        notes.note(part)
        data = encoded(clean, codings)
        if body.complete:
            return Body(data, len(data))
        # What was cut stays cut: its length says so, and its digest is of live's bytes.
        return Body(data, max(body.length, len(data) + 1), body.digest)

    def _document(self, data: bytes, kind: str) -> bytes | None:
        """Return a body without secrets; None if it is no text and holds one."""
        media = kind.partition(";")[0].strip().lower()
        if media.startswith("multipart/"):
            return self._multipart(data, kind)
        text, coding = _text_of(data)
        if text is None:
            return data if self._is_innocent(data, media) else None
        if self._plain and text[:1] in ("{", "[") and is_innocent_json(text):
            return data
        return self._redactor.document(text, media).encode(coding, "replace")

    def _is_innocent(self, data: bytes, media: str) -> bool:
        if self._plain and media.startswith(_PICTURES):
            # Of pixels and sounds anything can be read by chance, such as `pin=`.
            return not has_known_form(data)
        # Without its NULs, text of two bytes to a character can be read as well.
        text = data.replace(b"\x00", b"").decode("latin-1")
        return self._redactor.free_text(text) == text

    def _multipart(self, data: bytes, kind: str) -> bytes | None:
        found = re.search(r'boundary="?([^";,\s]{1,200})', kind, re.IGNORECASE)
        if found is None:
            return None
        boundary = b"--" + found.group(1).encode("latin-1", "replace")
        parts = [self._part(part) for part in data.split(boundary)]
        return boundary.join(parts)

    def _part(self, part: bytes) -> bytes:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank:
            return part
        end = b"\r\n" if content.endswith(b"\r\n") else b""
        content = content[: len(content) - len(end)]
        told = head.decode("utf-8", "replace")
        name = re.search(r'\bname\*?="?([^";\r\n]*)', told)
        label = unquote_plus(name.group(1)) if name else ""
        if is_secret_name(label) or self._redactor.hides((label,)):
            clean: bytes | None = self._mark(
                content.decode("utf-8", "replace")
            ).encode()
        else:
            clean = self._document(content, _part_kind(told))
        kept = b"[left out]" if clean is None else clean
        return head + blank + kept + end


class _Notes:
    """What was changed while one exchange was looked through."""

    def __init__(self) -> None:
        self.changed: list[str] = []
        self.left_out: list[str] = []

    def note(self, part: str) -> None:
        """Say that a part is not what it was."""
        if part not in self.changed:
            self.changed.append(part)

    def text(self, part: str, data: bytes, clean: Callable[[bytes], str]) -> bytes:
        """Return the bytes as they were, or without the secrets that were in them."""
        if not data:
            return data
        shown = clean(data)
        if shown == data.decode("utf-8", "replace"):
            return data
        self.note(part)
        return shown.encode("utf-8", "replace")

    def leave_out(self, part: str, body: Body) -> Body:
        """Return a body of which only the length is told."""
        self.left_out.append(part)
        return Body(b"", body.length)


def _kind_of(headers: Headers) -> tuple[str, list[str]]:
    kind, codings = "", []
    for name, value in headers:
        match name.lower():
            case b"content-type":
                kind = value.decode("latin-1")
            case b"content-encoding":
                codings += [
                    coding
                    for each in value.decode("latin-1").lower().split(",")
                    if (coding := each.strip()) not in ("", "identity")
                ]
    return kind, codings


def _part_kind(head: str) -> str:
    found = re.search(r"(?im)^content-type:\s*([^\r\n]*)", head)
    return found.group(1) if found else ""


def _text_of(data: bytes) -> tuple[str | None, str]:
    """Return bytes as text and in which coding, or None if they look like none."""
    if b"\x00" in data:
        return None, ""
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    control = len(data) - len(data.translate(None, _CONTROL))
    if control * 50 > len(data):
        return None, ""
    return data.decode("latin-1"), "latin-1"


_CONTROL: Final = bytes(set(range(32)) - set(b"\t\r\n\f"))
