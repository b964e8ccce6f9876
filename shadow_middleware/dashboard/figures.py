"""How templates write figures: the filters of every page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from shadow_middleware.report.figures import milliseconds, moment, percent, printable

__all__ = ["FILTERS", "seen"]

_NOTHING: Final = "–"  # noqa: RUF001  a dash, where a table has no figure
_GROUP: Final = re.compile(r"\b(group )([0-9a-f]{16})\b")
_STEPS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def seen(value: object) -> object:
    """Return what a template may print: of foreign text every character is visible."""
    return printable(value) if type(value) is str else value


def number(value: int | None) -> str:
    """Return `12,345`."""
    return _NOTHING if value is None else f"{value:,}"


def share(value: float | None) -> str:
    """Return `99.5 %`."""
    return _NOTHING if value is None else percent(value)


def ms(value: float | None) -> str:
    """Return milliseconds without their unit."""
    return _NOTHING if value is None else milliseconds(value)


def signed_ms(value: float | None) -> str:
    """Return milliseconds with their sign."""
    if value is None:
        return _NOTHING
    return f"{'+' if value >= 0 else ''}{milliseconds(value)}"


def when(at: float | None) -> Markup | str:
    """Return a `<time>` in UTC; the reader's own script may say how long ago it is."""
    if at is None:
        return _NOTHING
    machine = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(
        machine, moment(at), moment(at)[:16]
    )


def lasting(seconds: float) -> str:
    """Return a length of time in its largest unit: `3 h`."""
    for size, unit in _STEPS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"


def linked(text: str, url: Callable[..., str]) -> Markup:
    """Return a sentence whose ids of groups are links to them; `url` makes those."""
    return Markup().join(_linked(text, url))


def _linked(text: str, url: Callable[..., str]) -> Iterator[str]:
    at = 0
    for found in _GROUP.finditer(text):
        yield printable(text[at : found.end(1)])
        href = url("group", fingerprint=found[2])
        yield Markup('<a href="{}"><code>{}</code></a>').format(href, found[2])
        at = found.end()
    yield printable(text[at:])


def words(name: str) -> str:
    """Return the name of an outcome or a state in words: `shadow error`."""
    return name.replace("_", " ")


FILTERS: Final[dict[str, Callable[..., object]]] = {
    "number": number,
    "share": share,
    "ms": ms,
    "signed_ms": signed_ms,
    "when": when,
    "lasting": lasting,
    "linked": linked,
    "words": words,
}
