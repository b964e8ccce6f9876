"""
A quick look at JSON: is it certain that nothing in it is a secret?

Most bodies hold none, and to walk all their tokens for that costs a hundred times more
than this. In doubt the answer is no, and the walk decides.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from shadow_middleware.transform.secrets import is_secret_name, maybe_secret

__all__ = ["is_innocent_json"]

_STRING: Final = re.compile(r'"[^"]*"')
_NAME: Final = re.compile(r'"([^"]*)"[ \t\r\n]*:')
_LABELLED: Final = re.compile(
    r'"(?:name|key|field|header|param|parameter|label)"[ \t\r\n]*:[ \t\r\n]*"([^"]*)"'
)
_NESTED: Final = re.compile(r'"[ \t\r\n]*[{\[]')
_BRACKET: Final = re.compile(r"[{}\[\]]")
_MOST_BRACKETS: Final = 150
"""Fewer than levels that a redactor follows, so nothing lies too deep."""
_MOST_NAMES: Final = 2_000
_LONGEST_NAME: Final = 200


def is_innocent_json(text: str) -> bool:
    """Return whether redacting this JSON, by our own names and forms, changes nothing."""
    if "\\" in text or "\ufeff" in text or maybe_secret(text):
        return False
    if not _is_json(text) or not _is_flat(_STRING.sub("", text)):
        return False
    names = set(_NAME.findall(text))
    if len(names) > _MOST_NAMES or any(map(is_secret_name, names)):
        return False
    if any(map(is_secret_name, set(_LABELLED.findall(text)))):
        return False
    return all(
        _is_innocent_string(string)
        for string in set(_STRING.findall(text))
        if ":" in string or "{" in string or "[" in string
    )


def _is_innocent_string(string: str) -> bool:
    """Whether it is no document itself, and holds no `name: value` of a secret's name."""
    if _NESTED.match(string):
        return False
    *names, _ = string.split(":")
    return "@" not in string and not any(
        len(name) > _LONGEST_NAME or is_secret_name(name) for name in names
    )


def _is_json(text: str) -> bool:
    try:
        _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        try:
            _decoder.decode_lines(text)
        except (msgspec.DecodeError, RecursionError):
            return False
    return True


_decoder: Final = msgspec.json.Decoder()


def _is_flat(bare: str) -> bool:
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in "{[" else -1
        if depth > _MOST_BRACKETS:
            return False
    return True
