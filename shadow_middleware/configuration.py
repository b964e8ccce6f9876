"""
How settings are read: sources, places and kinds of values.

Knows nothing of the settings themselves: `settings.load` walks over its own
fields and asks here. Every refusal is a `ConfigurationError` that names the key,
the value, where it stands, and the nearest right one.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import msgspec

from shadow_middleware.errors import ConfigurationError

__all__ = [
    "CONFIG_VARIABLE",
    "IMPORT_PATH",
    "Check",
    "Checks",
    "Place",
    "build",
    "build_one",
    "read_environment",
    "read_tables",
    "read_toml",
    "read_verdict",
]

_PREFIX = "SHADOW_MIDDLEWARE_"
CONFIG_VARIABLE = _PREFIX + "CONFIG"
IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
"""`package.module:name`, which finds something that can be imported."""
_NO_SETTINGS = tuple(
    _PREFIX + name
    for name in ("CONFIG", "HTTP_CLIENT", "DASHBOARD_TOKEN", "TARGETS_TOKEN")
)
"""Variables with the prefix that others read: `load`, `replay.client`, `dashboard`."""
_VERDICT = "verdict"
"""The table of a settings file that is no setting: see `read_verdict`."""
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")
_LARGEST = 2**62  # what every reader of the wire format can hold
_SECRET = ("secret", "store_url", "metrics_token", "broker_url", "broker_seal")
_FUNCTIONS = ("skip", "key", "transport", "function")

StructT = TypeVar("StructT", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was given: its key, and the source in words."""

    key: str
    source: str

    def within(self, suffix: str) -> Place:
        """Return the place of a part: `targets[0].url`."""
        return Place(self.key + suffix, self.source)

    def show(self, value: object) -> str:
        """Return the value as an error may quote it; a secret never is."""
        name = self.key.rpartition(".")[2].partition("[")[0]
        if name in _SECRET:
            return "'***'"
        text = repr(value)
        return text if len(text) <= 200 else text[:200] + "…"

    def error(self, problem: str, advice: str = "") -> ConfigurationError:
        """Return the error for the caller to raise."""
        end = f"; {advice}" if advice else ""
        return ConfigurationError(f"{self.key}: {problem} ({self.source}){end}")

    def unknown(
        self, problem: str, word: str, known: Iterable[str]
    ) -> ConfigurationError:
        """Return the error for a word that is none of the known ones."""
        return self.error(problem, _nearest(word, list(known)))


def _nearest(word: str, known: list[str]) -> str:
    """Return advice: the one close match, or else all there are if they are few."""
    by_fold = {name.lower(): name for name in known}
    folded = word.strip().lower()
    for spelling in (folded, folded.replace("-", "_")):
        close = difflib.get_close_matches(spelling, by_fold, n=1, cutoff=0.6)
        if close:
            return f"did you mean {by_fold[close[0]]!r}?"
    return "" if len(known) > 20 else "known: " + ", ".join(map(repr, known))


Check = Callable[[Place, Any], Any]
"""Returns the value in its normal form, or raises what is wrong with it."""
Checks = Mapping[type, Mapping[str, Check]]
"""The checks of each struct by field name."""


# --- kinds: from whatever a source holds to the type of the field --------------------


def build(
    struct: type[StructT], given: Mapping[str, tuple[Any, Place]], checks: Checks
) -> StructT:
    """Return `struct` with every given value coerced to its field and checked."""
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    values = {}
    for name, (raw, place) in given.items():
        if name not in fields:
            raise place.unknown("unknown setting", name, fields)
        by_check_alone = name in _FUNCTIONS and callable(raw)
        kind = Any if by_check_alone else fields[name].type
        value = _coerce(place, raw, kind, checks)
        check = checks[struct].get(name)
        values[name] = check(place, value) if check else value
    return struct(**values)


def _coerce(place: Place, value: Any, kind: Any, checks: Checks) -> Any:
    """Return the value as `kind`; kinds unknown here are left to their check."""
    if get_origin(kind) is tuple:
        return _as_tuple(place, value, get_args(kind)[0], checks)
    if get_origin(kind) is Literal:
        return _as_choice(place, value, get_args(kind))
    if kind in _SCALARS:
        return _SCALARS[kind](place, value)
    if isinstance(kind, UnionType) and NoneType in get_args(kind):
        return None if value is None else _coerce(place, value, _inner(kind), checks)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return build_one(kind, value, place, checks)
    return value


def _inner(kind: UnionType) -> Any:
    """Return the one kind that is not None: no setting has a choice of two."""
    return next(one for one in get_args(kind) if one is not NoneType)


def _as_tuple(place: Place, value: Any, kind: Any, checks: Checks) -> tuple[Any, ...]:
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)  # equal settings must be equal in every run
    if not isinstance(value, list | tuple):
        advice = (
            f"did you mean [{place.show(value)}]?"
            if isinstance(value, str | Mapping)
            else ""
        )
        raise place.error(f"{place.show(value)} is not a list", advice)
    return tuple(
        _coerce(place.within(f"[{index}]"), item, kind, checks)
        for index, item in enumerate(value)
    )


def build_one(
    struct: type[StructT], value: Any, place: Place, checks: Checks
) -> StructT:
    """Return one `struct` from what a source holds of it: a table, or one as it is."""
    if isinstance(value, struct):
        value = msgspec.structs.asdict(value)
    short = getattr(struct, "from_short", None)
    if short is not None and not isinstance(value, Mapping):
        value = short(value)
    if not isinstance(value, Mapping):
        what = struct.__name__.lower()
        raise place.error(f"{place.show(value)} is not a table of a {what}")
    required = [f.name for f in msgspec.structs.fields(struct) if f.required]
    given = {
        str(name): (item, place.within(f".{name}")) for name, item in value.items()
    }
    built_from_known = given.keys() <= set(struct.__struct_fields__)
    for name in required:
        if built_from_known and name not in given:
            raise place.error(f"{name!r} is missing")
    return build(struct, given, checks)


def _as_choice(place: Place, value: Any, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        known = [choice for choice in choices if choice]
        raise place.unknown(f"unknown value {place.show(value)}", str(value), known)
    return value


def _as_text(place: Place, value: Any) -> str:
    if not isinstance(value, str):
        raise place.error(f"{place.show(value)} is not a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise place.error(f"{place.show(value)} is not valid Unicode") from None
    return value


def _as_bool(place: Place, value: Any) -> bool:
    if not isinstance(value, bool):
        raise place.error(f"{place.show(value)} is not a boolean", "True or False")
    return value


def _as_int(place: Place, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise place.error(f"{place.show(value)} is not a whole number")
    if abs(value) > _LARGEST:
        raise place.error(f"{place.show(value)} is beyond {_LARGEST}")
    return value


def _as_float(place: Place, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise place.error(f"{place.show(value)} is not a number")
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise place.error(f"{place.show(value)} is not a finite number in range")
    return float(value)


_SCALARS: Mapping[Any, Check] = {
    str: _as_text,
    bool: _as_bool,
    int: _as_int,
    float: _as_float,
}


# --- sources ---------------------------------------------------------------------------


def read_environment(
    struct: type[msgspec.Struct], environ: Mapping[str, str]
) -> dict[str, tuple[Any, Place]]:
    """Return the values of all `SHADOW_MIDDLEWARE_<NAME>` variables by field name."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(struct)}
    given = {}
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX) or variable in _NO_SETTINGS:
            continue
        name = variable.removeprefix(_PREFIX).lower()
        place = Place(name, f"environment variable {variable}")
        if name not in kinds:
            raise place.unknown("unknown setting", name, [*kinds, "config"])
        given[name] = (_parse(place, text, kinds[name]), place)
    return given


def _parse(place: Place, text: str, kind: Any) -> Any:
    """Return the text of a variable as a value that the kind's coercion takes."""
    if kind is bool:
        return _parse_bool(place, text)
    if kind in (int, float):
        return _parse_number(place, text, kind)
    if get_origin(kind) is tuple:
        return _parse_list(place, text, get_args(kind)[0])
    return text.rstrip("\r\n")  # of the file that the variable was filled from


def _parse_bool(place: Place, text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise place.error(f"{text!r} is not a boolean", "'true' or 'false'")
    return word in _TRUE


def _parse_number(place: Place, text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError:
        what = "whole number" if kind is int else "number"
        raise place.error(f"{text!r} is not a {what}") from None


def _parse_list(place: Place, text: str, kind: Any) -> list[Any]:
    """Read JSON where the text is a JSON list, else words parted by commas."""
    try:
        items = json.loads(text)
    except ValueError as error:
        if kind is not str and text.strip():
            raise place.error(f"is not JSON: {error}", "a list of objects") from None
        return [word for part in text.split(",") if (word := part.strip())]
    if kind is not str:
        return items if isinstance(items, list) else [items]
    if isinstance(items, list) and all(isinstance(item, str) for item in items):
        return items
    return [word for part in text.split(",") if (word := part.strip())]


def read_toml(path: str | PathLike[str]) -> dict[str, tuple[Any, Place]]:
    """
    Return what a TOML file sets, by field name.

    The settings are its `[tool.shadow_middleware]` or `[shadow_middleware]` table,
    or the file as a whole.
    """
    source = f"file {fspath(path)}"
    table = _settings_table(Path(path), _toml(path, _CONFIG))
    return {
        name: (value, Place(name, source))
        for name, value in table.items()
        if name != _VERDICT
    }


def read_verdict(
    path: str | PathLike[str], place: Place, *, required: bool = True
) -> dict[str, tuple[Any, Place]]:
    """
    Return what the `[verdict]` table of a TOML file sets, by name.

    The table stands at the top, or beside the settings of a settings file.

    Args:
        path: The file.
        place: Where the path was given.
        required: Whether a file without the table is an error.
    """
    source = f"file {fspath(path)}"
    document = _toml(path, place)
    table = document.get(_VERDICT)
    if table is None:
        table = _settings_table(Path(path), document).get(_VERDICT)
    if table is None and required:
        raise place.error(f"{fspath(path)!r} has no [{_VERDICT}] table")
    if not isinstance(table, Mapping | None):
        raise Place(_VERDICT, source).error("is not a table", f"write [{_VERDICT}]")
    return {
        name: (value, Place(f"{_VERDICT}.{name}", source))
        for name, value in (table or {}).items()
    }


def read_tables(path: str, name: str, place: Place) -> list[tuple[Any, Place]]:
    """
    Return the tables `[[name]]` of a TOML file that holds nothing else.

    Args:
        path: The file.
        name: Of the array of tables.
        place: Where the path was given.
    """
    source = f"file {path}"
    document = _toml(path, place)
    for key in document:
        if key != name:
            raise Place(key, source).unknown(f"not one of [[{name}]]", key, [name])
    tables = document.get(name, [])
    if not isinstance(tables, list):
        raise Place(name, source).error("is not a list", f"write [[{name}]]")
    return [
        (table, Place(f"{name}[{index}]", source)) for index, table in enumerate(tables)
    ]


_CONFIG = Place("config", "settings file")


def _toml(path: str | PathLike[str], place: Place) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        problem = f"{fspath(path)!r} cannot be read: {error.strerror or error}"
        raise place.error(problem) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise place.error(f"{fspath(path)!r} is not TOML: {error}") from None


def _settings_table(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    tool = document.get("tool")
    places = [
        tool.get("shadow_middleware") if isinstance(tool, dict) else None,
        document.get("shadow_middleware"),
    ]
    for table in places:
        if isinstance(table, dict):
            return cast("dict[str, Any]", table)
    if path.name == "pyproject.toml":
        raise _CONFIG.error(f"{str(path)!r} has no [tool.shadow_middleware] table")
    return document
