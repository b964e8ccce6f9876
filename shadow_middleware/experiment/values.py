"""
Any Python value as JSON that two versions can be compared by.

Taken at once, so that nobody who changes the value later changes what was captured.
What JSON has no word for gets one that keeps different values different.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import re
import uuid
from collections.abc import Callable, Mapping, Set
from typing import Any, Final

import msgspec

__all__ = ["Uncapturable", "captured", "captured_error"]

MAX_DEPTH: Final = 100
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Uncapturable(ValueError):
    """The value cannot be read without changing it; its text is a short reason."""


def captured(value: Any) -> bytes:
    """
    Return the value as JSON.

    Numbers, texts, lists and mappings are what they are; a tuple is a list, a set is
    one in a stable order, and dataclasses, named tuples, msgspec, attrs and pydantic
    objects are mappings of their fields. Bytes, decimals, intervals, keys that are no
    texts, and objects of other classes say what they are.

    Raises:
        Uncapturable: an iterator or coroutine (`iterator`), or a value within itself
            or nested more than 100 deep (`too_deep`).
    """
    return json.dumps(_plain(value, 0), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def captured_error(error: BaseException) -> bytes:
    """Return what was raised as JSON: its class and its text."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    return captured({"raised": {"type": name, "message": str(error)}})


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth + 1)
    if isinstance(value, str | int | float):
        return value
    if depth > MAX_DEPTH:
        raise Uncapturable("too_deep")
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _row(value, depth)
    return _odd(value, depth)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else f"{type(key).__name__}:{key!r}"


def _row(value: list[Any] | tuple[Any, ...], depth: int) -> Any:
    names = getattr(value, "_fields", None)
    if names is not None:
        return {
            name: _plain(item, depth + 1)
            for name, item in zip(names, value, strict=True)
        }
    return [_plain(item, depth + 1) for item in value]


def _odd(value: Any, depth: int) -> Any:
    if isinstance(value, Set):
        return sorted((_plain(item, depth + 1) for item in value), key=repr)
    for kind, said in _SAID.items():
        if isinstance(value, kind):
            return said(value)
    fields = _fields(value)
    if fields is not None:
        return {name: _plain(item, depth + 1) for name, item in fields.items()}
    if any(hasattr(value, name) for name in ("__next__", "__anext__", "__await__")):
        raise Uncapturable("iterator")
    return {"object": type(value).__qualname__, "text": _ADDRESS.sub("", repr(value))}


def _of_bytes(value: bytes) -> dict[str, str]:
    return {"bytes": base64.b64encode(value).decode("ascii")}


_SAID: Final[Mapping[type, Callable[[Any], Any]]] = {
    bytes: _of_bytes,
    bytearray: _of_bytes,
    memoryview: _of_bytes,
    decimal.Decimal: lambda value: {"decimal": str(value)},
    datetime.timedelta: lambda value: {"seconds": value.total_seconds()},
    uuid.UUID: str,
    datetime.date: str,
    datetime.time: str,
}


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Return the fields of an object that says which it has."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.asdict(value)
    if hasattr(value, "__attrs_attrs__"):
        return {a.name: getattr(value, a.name) for a in value.__attrs_attrs__}
    dump = getattr(value, "model_dump", None)
    return dump() if callable(dump) and hasattr(value, "model_fields_set") else None
