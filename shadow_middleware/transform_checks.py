"""
What a step of `transform` may say: whether its fields make sense together.

Asked at start-up, so that nothing is found wrong only when a request comes.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from shadow_middleware.configuration import Place
from shadow_middleware.functions import HEADER
from shadow_middleware.transformation import ACTIONS, Transform

__all__ = ["check_transforms", "tokens_of"]

_HEADERS = ("set_header", "drop_header", "rename_header", "token", "token_by_user")
_JSON = ("set_json", "replace_json")
_POINTERS = (*_JSON, "remove_json")
_PREFIXES = ("query:", "header:", "field:", "/")
_MAX_FILE = 64 * 1024 * 1024


def check_transforms(
    place: Place, values: tuple[Transform, ...]
) -> tuple[Transform, ...]:
    """Refuse steps that could never do what they say."""
    for number, step in enumerate(values):
        _check(place.within(f"[{number}]"), step)
    return values


def _check(place: Place, step: Transform) -> None:
    needed, allowed = ACTIONS[step.action]
    given = {
        field.name
        for field in msgspec.structs.fields(step)
        if getattr(step, field.name) != field.default
    } - {"action", "route"}
    for name in needed:
        if name not in given:
            raise place.error(f"{step.action!r} needs {name!r}", f"give {name}")
    for name in sorted(given - {*needed, *allowed}):
        raise place.within(f".{name}").error(f"has no effect with {step.action!r}")
    if step.action == "token_by_user" and bool(step.function) == bool(step.file):
        raise place.error("needs either 'function' or 'file'", "name one of them")
    _check_texts(place, step)
    if step.file:
        tokens_of(step.file, place.within(".file"))


def _check_texts(place: Place, step: Transform) -> None:
    named, value = place.within(".name"), place.within(".value")
    if step.action in _HEADERS and step.name and not HEADER.fullmatch(step.name):
        raise named.error(f"{named.show(step.name)} is not a header name")
    if step.action in _POINTERS and step.name and step.name[0] != "/":
        advice = f"did you mean '/{step.name}'?"
        raise named.error(f"{named.show(step.name)} is not a JSON pointer", advice)
    if step.action == "shift_time" and not step.name.startswith(_PREFIXES):
        raise named.error(
            f"{named.show(step.name)} is no place of a time",
            "write 'query:NAME', 'header:NAME', 'field:NAME' or a JSON pointer",
        )
    if step.action in _JSON:
        _check_json(value, step.value)
    elif step.value is not None and not isinstance(step.value, str):
        raise value.error("is not a string")
    elif isinstance(step.value, str) and any(c in step.value for c in "\r\n\0"):
        raise value.error("has a line break or a NUL")


def _check_json(place: Place, value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise place.error("is not a JSON value") from None


def tokens_of(path: str, place: Place) -> dict[str, str]:
    """
    Return tokens by user from a TOML or JSON file.

    Raises:
        ConfigurationError: it cannot be read, or holds something else.
    """
    try:
        raw = Path(path).read_bytes()[:_MAX_FILE]
        text = raw.decode("utf-8")
        found = json.loads(text) if path.endswith(".json") else tomllib.loads(text)
    except OSError as error:
        problem = f"{path!r} cannot be read: {error.strerror or error}"
        raise place.error(problem) from None
    except ValueError:
        raise place.error(
            f"{path!r} is neither TOML nor JSON", "write USER = 'TOKEN' in each line"
        ) from None
    if not isinstance(found, dict) or not all(
        isinstance(v, str) for v in found.values()
    ):
        raise place.error(f"{path!r} is not a table of tokens", "USER = 'TOKEN'")
    return found
