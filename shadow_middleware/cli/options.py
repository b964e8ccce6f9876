"""The options that commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated

import typer

from shadow_middleware.report.groups import COUNTED, STATES
from shadow_middleware.report.times import moment_in, seconds_in

__all__ = [
    "ConfigFile",
    "Format",
    "GroupName",
    "JsonOutput",
    "Note",
    "OneRoute",
    "OneRun",
    "OneTarget",
    "Since",
    "States",
    "StoreUrl",
    "bytes_of",
    "format_of",
    "known",
    "methods_of",
    "seconds_of",
    "since_of",
    "states_of",
]

StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Where the evidence is: sqlite:///FILE or postgresql://USER@HOST/NAME. "
        "Left out: SHADOW_MIDDLEWARE_STORE_URL, the configuration file, "
        "or sqlite:///shadow_middleware.db.",
    ),
]
ConfigFile = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A TOML file with settings. Left out: SHADOW_MIDDLEWARE_CONFIG.",
    ),
]
JsonOutput = Annotated[
    bool, typer.Option("--json", help="Print JSON, in a shape that stays.")
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only what is newer: 90s, 30m, 1h, 7d, or 2026-01-31T12:00 (UTC).",
    ),
]
OneTarget = Annotated[
    str | None, typer.Option("--target", metavar="NAME", help="Only this target.")
]
OneRun = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="RUN",
        help="What an offline replay has shown, by its id or name, instead of live.",
    ),
]
OneRoute = Annotated[
    str | None,
    typer.Option(
        "--route", metavar="ROUTE", help='Only this route, as "GET /users/{id}".'
    ),
]

GroupName = Annotated[
    str,
    typer.Argument(
        metavar="GROUP", help="The group's id in `groups list`, or its beginning."
    ),
]
Note = Annotated[
    str | None,
    typer.Option("--note", metavar="TEXT", help="Why, for whoever comes after you."),
]


States = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help="open, ignored, resolved, regressed, noise or all; may be repeated. "
        "Left out: open and regressed, those that count.",
    ),
]


class Format(StrEnum):
    """How a judgement is printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"


_ALL = "all"


def seconds_of(text: str, option: str) -> float:
    """Return the seconds that `30m` or `7d` mean."""
    seconds = seconds_in(text.strip())
    if seconds is None:
        raise typer.BadParameter(
            f"{text!r} is no length of time; write 90s, 30m, 1h, 7d or 2w",
            param_hint=option,
        )
    return seconds


def bytes_of(text: str, option: str) -> int:
    """Return the bytes that `500MB` or `4GiB` mean."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)\s*([KMGT]?)(i?)B?", text.strip())
    if not found:
        raise typer.BadParameter(
            f"{text!r} is no size; write 500MB, 4GiB or 100000", param_hint=option
        )
    base = 1024 if found[3] else 1000
    return int(float(found[1]) * base ** " KMGT".index(found[2] or " "))


def since_of(text: str | None, now: float, option: str = "--since") -> float | None:
    """Return the Unix seconds that the option means; None where it was left out."""
    if text is None:
        return None
    moment = moment_in(text, now)
    if moment is None:
        raise typer.BadParameter(
            f"{text!r} is no time; write 90s, 30m, 1h, 7d, or 2026-01-31T12:00",
            param_hint=option,
        )
    return moment


def known(value: str | None, choices: Iterable[str], option: str) -> None:
    """Refuse a name that the store does not know, and say which is the nearest."""
    choices = set(choices)
    if value is None or value in choices or not choices:
        return
    names = sorted(choices - {""})
    near = get_close_matches(value, names, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}?" if near else f"there are: {_few(names)}"
    raise typer.BadParameter(
        f"nothing is recorded for {value!r}; {advice}", param_hint=option
    )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more or "none with a name"


def states_of(given: list[str] | None) -> tuple[str, ...]:
    """Return the states of groups that `--state` names; left out, those that count."""
    names = [part.strip() for text in given or () for part in text.split(",")]
    for name in names:
        if name not in (*STATES, _ALL):
            raise typer.BadParameter(
                f"{name!r} is no state; there are {', '.join(STATES)} and {_ALL}",
                param_hint="--state",
            )
    if _ALL in names:
        return STATES
    return tuple(names) or COUNTED


def methods_of(text: str) -> tuple[str, ...]:
    """Return the methods that `--methods` names, each once."""
    names = [one.strip().upper() for one in text.split(",") if one.strip()]
    if not names or not all(name.isalpha() for name in names):
        raise typer.BadParameter(
            f"{text!r} is no list of methods; write GET,POST", param_hint="--methods"
        )
    return tuple(dict.fromkeys(names))


def format_of(form: Format | None, as_json: bool) -> Format:
    """Return the format that was asked for; refuse `--json` beside another one."""
    if as_json and form not in (None, Format.JSON):
        raise typer.BadParameter(
            f"is --format json, and {form} was asked for as well; leave one of them out",
            param_hint="--json",
        )
    return Format.JSON if as_json else form or Format.TEXT
