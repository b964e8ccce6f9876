"""
The last gate before anything is stored, logged, shown or signalled.

Everything that goes out of the pipeline as text goes through a `Redactor`: headers,
path and query, bodies and the values of differences. In doubt it takes too much.
What it replaces becomes `[redacted]`, whatever its length was. The work is bounded
by `max_stored_body`, not by the size of what comes in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from shadow_middleware.exchange import Difference, Headers, Part
from shadow_middleware.settings import Settings
from shadow_middleware.transform.columns import redact_columns
from shadow_middleware.transform.credentials import is_credential
from shadow_middleware.transform.json_text import escaped, redact_json
from shadow_middleware.transform.secrets import (
    REDACTED,
    Mark,
    TextRedactor,
    compiled,
    is_secret_name,
    redacted,
)

__all__ = ["REDACTED", "Redactor"]

_SCHEMES = frozenset(
    {"basic", "bearer", "digest", "negotiate", "dpop", "aws4-hmac-sha256"}
)
_ATTRIBUTES = frozenset(
    {"path", "domain", "expires", "max-age", "samesite", "httponly", "secure"}
    | {"partitioned", "priority"}
)
_STATES = frozenset({"a value", "another value", "empty"})
"""What a comparison says where it would have to show the value of a cookie."""
_MAX_DEPTH = 4
"""Documents inside strings inside documents; deeper ones go unread."""
_MAX_NODES = 10_000
_MARGIN = 4096
"""Characters read beyond what is kept, so that a secret at the edge is seen whole."""
_MAX_VALUE = 4096
_OPAQUE = re.compile(r"(?=.*[0-9])[A-Za-z0-9._~%+=-]{8,}\Z|[A-Za-z0-9._~%+=-]{20,}\Z")


class Redactor:
    """Takes secrets out, by the settings' names, paths and patterns besides ours."""

    def __init__(self, settings: Settings, mark: Mark = redacted) -> None:
        self._limit = settings.max_stored_body
        self.mark = mark
        self._headers = _globs(settings.redact_headers, separator="")
        self._paths = _globs(map(_rooted, settings.redact_paths), separator="/")
        self._text = TextRedactor(settings.redact_patterns, mark)

    def headers(self, headers: Headers) -> list[tuple[str, str]]:
        """Return the headers as text, in order, names kept, secret values gone."""
        return [
            (name.decode("latin-1"), self.header(name, value))
            for name, value in headers
        ]

    def header(self, name: bytes, value: bytes) -> str:
        """Return the value of one header without its secrets."""
        key = name.lower().decode("latin-1")
        text = value.decode("utf-8", "replace")[: self._limit]
        if self._headers and _matches(self._headers, key):
            return self.mark(text)
        if key in ("cookie", "cookie2"):
            return ";".join(map(self._cookie, text.split(";")))
        if key == "set-cookie":
            pair, *attributes = text.split(";")
            return ";".join([self._cookie(pair), *map(self._attribute, attributes)])
        if is_credential(key.encode("latin-1")) or is_secret_name(key):
            scheme, blank, rest = text.partition(" ")
            known = blank and scheme.lower() in _SCHEMES
            return f"{scheme} {self.mark(rest)}" if known else self.mark(text)
        return self._link(text)

    def path(self, path: bytes, query: bytes = b"") -> str:
        """Return raw path and query as text, percent-escapes kept, secrets gone."""
        parts = path.decode("utf-8", "replace")[: self._limit].split("/")
        clean = self._steps(parts)
        if not query:
            return clean
        return f"{clean}?{self.form(query.decode('utf-8', 'replace'))}"

    def form(self, text: str) -> str:
        """Return a query string or form without its secrets."""
        pairs = re.split("([&;])", text[: self._limit + _MARGIN])
        shown = "".join(
            pair if place % 2 else self._pair(pair) for place, pair in enumerate(pairs)
        )
        return shown[: self._limit]

    def body(self, data: bytes, content_type: bytes | str = "") -> str:
        """
        Return the body as text of at most `max_stored_body` characters.

        JSON and NDJSON are redacted by the names of members and by path, forms by
        the names of fields, everything by patterns. Of bytes that are no text only
        the number is told, so decode a compressed body before.
        """
        kind = _text_of(content_type)
        media = kind.partition(";")[0].strip().lower()
        window = data[: 2 * self._limit + _MARGIN]
        if not data:
            return ""
        if media.startswith("multipart/"):
            return self._multipart(window, kind)[: self._limit]
        text = _as_text(window)
        if text is None:
            return f"[{len(data)} bytes of {self._text(media) or 'unknown type'}]"
        return self.document(text, media)[: self._limit]

    def difference(self, difference: Difference) -> Difference:
        """Return the difference with both values, path and note redacted."""
        live, shadow = (
            self._side(difference, value)
            for value in (difference.live, difference.shadow)
        )
        return msgspec.structs.replace(
            difference,
            path=self.place(difference.path[:_MAX_VALUE]),
            live=live,
            shadow=shadow,
            note=self._text(difference.note[:_MAX_VALUE]),
            shape=self.place(difference.shape[:_MAX_VALUE]),
        )

    def place(self, path: str) -> str:
        """Return where a difference is, without keys that are secrets themselves."""
        if not path.startswith("/"):
            return self._text(path)
        return self._text(self._steps(path.split("/")))

    def differences(self, differences: Iterable[Difference]) -> tuple[Difference, ...]:
        """Return all of them redacted."""
        return tuple(map(self.difference, differences))

    def text(self, text: str, depth: int = 0) -> str:
        """Return free text, which may hold a document of its own, redacted."""
        stripped = text.lstrip("\ufeff \t\r\n")
        if stripped[:1] not in ("{", "[", '"') or len(stripped) < 3:
            return self._text(text)
        if depth >= _MAX_DEPTH:
            return self.mark(text)
        return redact_json(text, self, limit=len(text), depth=depth + 1)

    def free_text(self, text: str) -> str:
        """Return text without any structure redacted."""
        return self._text(text)

    def hides(self, pointer: tuple[str, ...]) -> bool:
        """Whether the value at this place of a JSON document goes."""
        if pointer and is_secret_name(pointer[-1]):
            return True
        return bool(self._paths) and _matches(self._paths, escaped(pointer))

    def _steps(self, parts: list[str]) -> str:
        """Return the steps of a path without what stands behind a secret's name."""
        shown = [parts[0]]
        for before, part in pairwise(parts):
            opaque = is_secret_name(unquote_plus(before)) and _OPAQUE.match(part)
            shown.append(self.mark(part) if opaque else self._text(part))
        return "/".join(shown)

    def _hides_column(self, name: str) -> bool:
        return self.hides((name,))

    def document(self, text: str, media: str) -> str:
        """Return the text of a body redacted, by its media type and by how it begins."""
        if media == "application/x-www-form-urlencoded":
            return self.form(text)
        if "json" in media or text.lstrip("\ufeff \t\r\n")[:1] in ("{", "["):
            return redact_json(text, self, limit=self._limit)
        if "csv" in media or "tab-separated" in media:
            text = redact_columns(text, self._hides_column, REDACTED)
        return self._text(text)

    def _cookie(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        if equals:
            return f"{name}={self.mark(value.strip())}"
        return self.mark(pair.strip()) if pair.strip() else ""

    def _attribute(self, attribute: str) -> str:
        """Return an attribute of Set-Cookie; only those that are known keep their value."""
        name = attribute.partition("=")[0].strip().lower()
        # What comes after a comma may be another cookie; a date has one of its own.
        plain = attribute.count(",") <= (name == "expires")
        return attribute if name in _ATTRIBUTES and plain else self._cookie(attribute)

    def _pair(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(unquote_plus(name))
        if value and (is_secret_name(plain) or self.hides(tuple(_members(plain)))):
            return f"{self._text(name)}={self.mark(unquote_plus(value))}"
        once = unquote_plus(value)
        if any(self.text(each) != each for each in (once, unquote_plus(once))):
            value = self.mark(once)
        return f"{self._text(name)}{equals}{value}"

    def _link(self, text: str) -> str:
        head, mark, query = text.partition("?")
        return self._text(head) + mark + self.form(query) if mark else self._text(text)

    def _multipart(self, data: bytes, content_type: str) -> str:
        found = re.search(r'boundary="?([^";,\s]{1,200})', content_type, re.IGNORECASE)
        if found is None:
            return "[multipart body without a boundary]"
        boundary = b"--" + found.group(1).encode("latin-1", "replace")
        parts = data.split(boundary)[1:]
        shown = [self._part(part) for part in parts if part.strip() not in (b"", b"--")]
        return "\n".join(shown)

    def _part(self, part: bytes) -> str:
        head, _, content = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        told = head.decode("utf-8", "replace")
        name = re.search(r'\bname\*?="?([^";\r\n]*)', told)
        if re.search(r"\bfilename\*?=", told):
            return f"{self._text(told)}\n\n[{len(content)} bytes]"
        label = unquote_plus(name.group(1)) if name else ""
        if is_secret_name(label) or self.hides((label,)):
            return f"{self._text(told)}\n\n{REDACTED}"
        text = _as_text(content.rstrip(b"\r\n"))
        shown = f"[{len(content)} bytes]" if text is None else self.text(text)
        return f"{self._text(told)}\n\n{shown}"

    def _side(self, difference: Difference, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if difference.part is Part.HEADER:
            return self._header_value(difference.path, value)
        if difference.part is not Part.BODY:
            return _Values(self).clean(value, ())
        segments = tuple(
            part.replace("~1", "/").replace("~0", "~")
            for part in difference.path.split("/")[1:]
        )
        if self._hides_any(segments) or self._hides_any(segments[1:]):
            return REDACTED
        return _Values(self).clean(value, segments)

    def _hides_any(self, pointer: tuple[str, ...]) -> bool:
        return any(self.hides(pointer[:end]) for end in range(1, len(pointer) + 1))

    def _header_value(self, path: str, value: Any) -> Any:
        name = re.split(r"[/:\[]", path.lstrip("/"), maxsplit=1)[0].encode(
            "latin-1", "replace"
        )
        if isinstance(value, (list, tuple)):
            return [self._header_value(path, each) for each in value]
        if isinstance(value, str):
            if name.lower() == b"set-cookie" and value in _STATES:
                return value
            return self.header(name, value.encode("utf-8", "replace"))
        secret = self.header(name, b"x") != "x"
        return REDACTED if secret else _Values(self).clean(value, ())


class _Values:
    """One walk over a JSON-safe value, which counts how much it has seen."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._nodes = 0

    def clean(self, value: Any, pointer: tuple[str, ...]) -> Any:
        """Return the value without secrets; what is too deep or too much goes."""
        self._nodes += 1
        if value is None or isinstance(value, bool):
            return value
        if self._nodes > _MAX_NODES or len(pointer) > 100:
            return REDACTED
        if isinstance(value, dict):
            return {
                self._redactor.text(str(name)): self._member(
                    each, (*pointer, str(name))
                )
                for name, each in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [
                self._member(each, (*pointer, str(i))) for i, each in enumerate(value)
            ]
        return self._scalar(value)

    def _member(self, value: Any, pointer: tuple[str, ...]) -> Any:
        hidden = value not in (None, True, False, "") and self._redactor.hides(pointer)
        return REDACTED if hidden else self.clean(value, pointer)

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redactor.text(value[:_MAX_VALUE])
        text = str(value)[:_MAX_VALUE]
        return value if self._redactor.text(text) == text else REDACTED


def _members(name: str) -> list[str]:
    """`user[address][zip]` and `user.address.zip` as a path."""
    return [part for part in re.split(r"[\[\].]+", name) if part]


def _text_of(content_type: bytes | str) -> str:
    if isinstance(content_type, bytes):
        return content_type.decode("latin-1")
    return content_type


def _as_text(data: bytes) -> str | None:
    """Return the bytes as text, or None if they do not look like any."""
    if b"\x00" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 4:
            return data.decode("utf-8", "replace")
    text = data.decode("latin-1")
    control = sum(character < " " and character not in "\t\r\n\f" for character in text)
    return None if control * 50 > len(text) else text


def _rooted(glob: str) -> str:
    return glob if glob.startswith("/") else f"/**/{glob}"


def _globs(globs: Iterable[str], *, separator: str) -> list[Any]:
    return [compiled(_as_pattern(glob, separator)) for glob in globs]


def _as_pattern(glob: str, separator: str) -> bytes:
    """Return the RE2 pattern of a glob: `*` within a segment, `**` over any number."""
    within = "[^/]*" if separator else ".*"
    pattern = ""
    for piece in re.split(r"(/\*\*|\*\*|\*)", glob if separator else glob.lower()):
        if piece == "/**":
            pattern += "(?:/[^/]*)*"
        elif piece in ("*", "**"):
            pattern += within if piece == "*" else ".*"
        else:
            pattern += re.escape(piece)
    return f"(?s){pattern}".encode()


def _matches(patterns: list[Any], text: str) -> bool:
    raw = text.encode("utf-8", "surrogatepass")
    return any(pattern.fullmatch(raw) for pattern in patterns)
