"""What a response says its body is, and the text that this makes of the bytes."""

from __future__ import annotations

import codecs
import re
from typing import Literal, NamedTuple

from shadow_middleware.exchange import Response, header_values

__all__ = ["Form", "Media", "media_of", "parameters", "text_of"]

Form = Literal["json", "ndjson", "form", "table", "page", "text", "bytes", "unknown"]

NDJSON = {
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/jsonlines",
    "application/json-lines",
    "application/stream+json",
}
TABLES = {"text/csv", "application/csv", "text/tab-separated-values"}
PAGES = {"text/html", "application/xhtml+xml"}
TEXTS = {
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/graphql",
    "application/sql",
    "application/x-sh",
    "application/rtf",
    "message/http",
}

CHARSETS = re.compile(
    r"(us-)?ascii|utf-?(8|16|32)([-_]?[bl]e)?|latin-?1|iso-?8859-\d{1,2}"
    r"|(windows-|cp)125\d|koi8-[ru]|shift[-_]?jis|euc-(jp|kr)|gb(k|2312|18030)|big5"
)
"""Charsets that are decoded. A shadow must not choose among *all* of Python's codecs:
punycode takes quadratic time."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Media(NamedTuple):
    """The body's form, its charset where stated, and its codings."""

    form: Form
    charset: str
    codings: tuple[str, ...]


def media_of(response: Response) -> Media:
    """Return what the headers say; several Content-Type lines count as the first."""
    types = header_values(response.headers, b"content-type")
    name, stated = parameters(types[0].decode("latin-1")) if types else ("", {})
    codings = b",".join(header_values(response.headers, b"content-encoding"))
    named = tuple(
        coding.strip().lower()
        for coding in codings.decode("latin-1").split(",")
        if coding.strip() and coding.strip().lower() != "identity"
    )
    return Media(_form(name), stated.get("charset", "").lower(), named)


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split `type/subtype; name=value`, names in lower case, quotes taken off."""
    first, *rest = value.split(";")
    pairs = (piece.partition("=") for piece in rest if piece.strip())
    return first.strip().lower(), {
        name.strip().lower(): text.strip().strip('"') for name, _, text in pairs
    }


def text_of(raw: bytes, charset: str) -> str | None:
    """Return the text without its byte order mark, or None where it is no text."""
    for bom, encoding in BOMS:
        if raw.startswith(bom):
            raw, charset = raw[len(bom) :], encoding
            break
    candidates = [charset] if CHARSETS.fullmatch(charset) else ["utf-8", "latin-1"]
    for candidate in candidates:
        try:
            return raw.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return None


def _form(name: str) -> Form:
    if not name:
        return "unknown"
    if name in NDJSON:
        return "ndjson"
    if name in ("application/json", "text/json") or name.endswith("+json"):
        return "json"
    if name == "application/x-www-form-urlencoded":
        return "form"
    if name in TABLES:
        return "table"
    if name in PAGES:
        return "page"
    if name.startswith("text/") or name.endswith(("+xml", "+yaml")) or name in TEXTS:
        return "text"
    return "bytes"
