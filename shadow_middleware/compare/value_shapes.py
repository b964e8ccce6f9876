"""
What sort of value a value is: a small set of words, the same on every host.

A shape depends on the value and the name of its field alone. Neither a sign nor a
length makes another shape, lest the noise of one field be scattered over many; null,
an empty string, another type or another format of time does.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any

from shadow_middleware.compare.names import Meaning, meaning_of
from shadow_middleware.compare.parse import Literal
from shadow_middleware.compare.times import moment_of, number_moment

__all__ = [
    "family",
    "json_type",
    "shape_of",
    "shapes_of",
    "size_of",
    "text_shape",
    "unprefixed",
]

UUID = re.compile(
    r"(?:urn:uuid:)?\{?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?"
)
ULID = re.compile(r"0[0-3][0-9A-HJKMNP-TV-Z]{24}|0[0-3][0-9a-hjkmnp-tv-z]{24}")
HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
DIGESTS = (32, 40, 56, 64, 96, 128)
"""Hexadecimal digits of MD5, SHA-1 and the lengths of SHA-2 and SHA-3."""
NAMED_DIGEST = re.compile(r"(?i)(?:md5|sha-?\d{1,3}|blake2[bs]?)[-:=][\w+/=-]{20,}")
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*(?:\.[\w-]+\.[\w-]+)?")
OPAQUE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://\S+")
SIGNED = re.compile(
    r"(?i)[?&;](?:x-(?:amz|goog)-signature|signature|sig|hmac|token|key-pair-id)="
)
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
DIGITS = re.compile(r"[+-]?\d+")
DECIMAL = re.compile(r"[+-]?\d+\.\d+(?:[eE][+-]?\d+)?")
PREFIX = re.compile(
    r"(?:[a-z]{2,12}[_:-]|[A-Z]{2,12}[_:-]){1,2}(?=[^_:-]{6,}$|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}$)"
)
"""What names a sort of token. Behind it is no other mark: random base64 has some."""

SHORT_HEX = 16
VARIED = 7
"""Different characters of a text that may be random."""
RANDOM = frozenset(("token", "hash"))
UNSURE = {"token": ("word", "digits"), "hash": ("digits",)}
"""What a value of each of these may be taken for."""
SHORT_TOKEN = 20
MAX_DIGITS = 40
SHORT = 64
"""Characters of texts whose shape is kept, as it is asked for more than once."""
LONG = 4096
"""Characters beyond which a text is a text."""
MIXED_AT_LEAST = 3
"""The same, in all, where a digit is among them and nothing parts words."""
MIXED, MIXED_OF_ALL = 0.2, 0.12
"""Changes between digits, small and capital letters, for each character of a token;
the second is for texts that have all three."""

SIZES = ((1e-9, "tiny"), (0.01, "slight"), (0.5, "some"))


def shape_of(value: Any, name: str = "") -> str:
    """Return what `value`, found under `name`, is."""
    if isinstance(value, str):
        known = _known_shape if len(value) <= SHORT else text_shape
        return known(value, meaning_of(name))
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return _number_shape(value, name)
    if isinstance(value, Literal):
        return "number"
    return json_type(value)


def shapes_of(live: Any, shadow: Any, name: str = "") -> tuple[str, str]:
    """
    Return what two values that differ are, each seen beside the other.

    Chance alone makes one token of a few hundred look like a word or a number: beside
    a token as long as itself, it is one.
    """
    ours, theirs = shape_of(live, name), shape_of(shadow, name)
    if (
        ours == theirs
        or len({ours, theirs} & RANDOM) != 1
        or not _as_long(live, shadow)
    ):
        return ours, theirs
    sure, other = (ours, theirs) if ours in RANDOM else (theirs, ours)
    return (sure, sure) if other in UNSURE[sure] else (ours, theirs)


def _as_long(live: Any, shadow: Any) -> bool:
    """Whether both are texts of one length, and neither is the same letters over."""
    if not (isinstance(live, str) and isinstance(shadow, str)):
        return False
    if len(live) != len(shadow) or len(live) < SHORT_HEX:
        return False
    return all(OPAQUE.fullmatch(t) and len({*t}) >= VARIED for t in (live, shadow))


def json_type(value: Any) -> str:
    """Return the JSON type of a value, in a word."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Literal):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array"


def family(shape: str) -> str:
    """Return a shape without its format: `timestamp` for every format of time."""
    return shape.partition(" ")[0]


def size_of(live: Any, shadow: Any) -> str:
    """Return how far two numbers, or texts of numbers, are apart; '' for all else."""
    left, right = _number(live), _number(shadow)
    if left is None or right is None:
        return ""
    try:
        largest = max(abs(left), abs(right))
        share = abs(left - right) / largest if largest else 0.0
    except OverflowError:
        return "large"
    return next((word for most, word in SIZES if share <= most), "large")


def text_shape(text: str, meaning: Meaning) -> str:
    """Return what a text is."""
    if not text:
        return "empty"
    if len(text) > LONG:
        return "url" if _is_signed(text) else "text"
    moment = moment_of(text)
    if moment is not None:
        return _time_shape(moment.format, moment.form)
    if not text.isascii() or any(map(str.isspace, text)):
        return "text"
    return _word_shape(text, meaning)


def unprefixed(text: str) -> tuple[str, str]:
    """Split `req_2tYb8…` into what names the sort of token, and the token."""
    found = PREFIX.match(text)
    return (found.group(), text[found.end() :]) if found else ("", text)


_known_shape = lru_cache(maxsize=2048)(text_shape)


def _word_shape(text: str, meaning: Meaning) -> str:
    if DIGITS.fullmatch(text):
        return "digits"
    if DECIMAL.fullmatch(text):
        return "decimal"
    if UUID.fullmatch(text):
        return "uuid"
    if "://" in text and URL.fullmatch(text):
        return "signed-url" if _is_signed(text) else "url"
    if meaning.csrf and len(text) >= 8:
        return "csrf-token"
    if "@" in text and MAIL.fullmatch(text):
        return "e-mail"
    return _opaque_shape(text, meaning)


def _opaque_shape(text: str, meaning: Meaning) -> str:
    if len(text) < SHORT_HEX and not meaning.secret:
        return "word"
    if JWT.fullmatch(text):
        return "jwt"
    if NAMED_DIGEST.fullmatch(text):
        return "hash"
    prefix, rest = unprefixed(text)
    own = meaning_of(prefix.rstrip("_:-"))
    found = _random_shape(rest, own if own.secret else meaning) if prefix else ""
    return found or _random_shape(text, meaning) or "word"


def _random_shape(text: str, meaning: Meaning) -> str:
    if UUID.fullmatch(text):
        return "uuid"
    if ULID.fullmatch(text):
        return "ulid"
    if HEX.fullmatch(text) and len(text) >= SHORT_HEX:
        return "hash" if len(text) in DIGESTS else "token"
    if not OPAQUE.fullmatch(text):
        return ""
    if meaning.secret and len(text) >= 6 and _changes(text):
        return "token"
    if len(text) < SHORT_TOKEN or not _is_mixed(text) or _says_something(text):
        return ""
    return "token"


def _is_mixed(text: str) -> bool:
    changes, sorts = _changes(text), {*map(_sort, text)}
    if "0" in sorts and "-" not in sorts and changes >= MIXED_AT_LEAST:
        return True
    needed = MIXED_OF_ALL if {*"0aA"} <= sorts else MIXED
    return changes >= needed * len(text)


def _number_shape(value: int | float, name: str) -> str:
    if meaning_of(name).time:
        moment = number_moment(value)
        if moment is not None:
            return f"timestamp {moment.format}"
    return "number" if isinstance(value, float) else "integer"


def _time_shape(written: str, form: str) -> str:
    if form == "full":
        return f"timestamp {written}"
    return f"{'date' if form == 'date' else 'time'} {written}"


def _is_signed(text: str) -> bool:
    return SIGNED.search(text) is not None


def _changes(text: str) -> int:
    """Count changes of the sort of character; a capital before small ones is none."""
    sorts = "".join(map(_sort, text))
    return sum(map(sorts.count, ("0a", "0A", "a0", "A0", "aA")))


def _sort(letter: str) -> str:
    if letter.isdigit():
        return "0"
    if not letter.isalpha():
        return "-"
    return "A" if letter.isupper() else "a"


def _says_something(text: str) -> bool:
    """Whether it is readable text in base64, such as a cursor, and not random."""
    padded = text.rstrip("=").translate({45: "+", 95: "/"})
    try:
        raw = base64.b64decode(padded + "=" * (-len(padded) % 4))
    except (ValueError, binascii.Error):
        return False
    return raw.isascii() and all(byte >= 9 for byte in raw)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or not 0 < len(value) <= MAX_DIGITS:
        return None
    written = value.isascii() and (DIGITS.fullmatch(value) or DECIMAL.fullmatch(value))
    return float(value) if written else None
