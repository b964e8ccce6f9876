"""
What two values both are, if that can explain that they differ.

Some likenesses look at the values and are sure: two times that each follow their own
request, two fractions a rounding apart, the two host names, a set in another order.
Others only say that both are of a sort that is made anew for each answer.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shadow_middleware.compare.legs import Legs
from shadow_middleware.compare.names import meaning_of
from shadow_middleware.compare.times import Moment, moment_of, number_moment
from shadow_middleware.compare.value_shapes import (
    family,
    json_type,
    shape_of,
    shapes_of,
    unprefixed,
)
from shadow_middleware.settings import Settings

__all__ = ["HOST_MARK", "Likeness"]

HOST_MARK = "\ufdd0"
"""Stands for each side's own address; Unicode keeps it for such use."""

MADE_ANEW = frozenset(("csrf-token", "token", "ulid", "uuid"))
QUARTER = 900
"""Seconds by which zones are apart."""
RECENT = 60.0
"""Seconds before its request that a time may be: beyond, it is of something stored."""
EXACT = 1_000.0
"""Seconds that the tolerance of fractions is a share of, where they are a time."""
WIDEST_ZONE = 14 * 3600
DAY = 86_400
PASSING = re.compile(
    r"(?i)x-(?:amz|goog)-.*|signature|sig|hmac|token|expires?|exp|key-pair-id|policy|"
    r"s[eitprv]|ts|timestamp|nonce|awsaccesskeyid|googleaccessid"
)
"""Parameters of a URL that a signature changes."""
LOCATIONS = ("location", "content-location")
"""Headers that say where something new is to be found."""
NUMBERED = re.compile(r"([A-Za-z][A-Za-z0-9]*?[-_/#]?)?(\d{1,18})")


class Likeness:
    """
    Tells what two differing values both are.

    Args:
        settings: For the tolerances.
        legs: When and where each side answered; without them nothing is said of
            times and hosts.
    """

    __slots__ = ("_floats", "_legs", "_seconds")

    def __init__(self, settings: Settings, legs: Legs | None) -> None:
        self._legs = legs
        self._seconds = settings.timestamp_tolerance
        self._floats = settings.float_tolerance

    def of(self, live: Any, shadow: Any, name: str = "") -> str:
        """Return the likeness of two values that are found under `name`, or ''."""
        if isinstance(live, str) and isinstance(shadow, str):
            return self._texts(live, shadow, name)
        if json_type(live) == json_type(shadow) == "number":
            return self._numbers(live, shadow, name)
        return ""

    def _numbers(self, live: Any, shadow: Any, name: str) -> str:
        if type(live) is not type(shadow) or not isinstance(live, int | float):
            return ""
        moments = number_moment(live), number_moment(shadow)
        if None not in moments and self._follow(*moments):
            return "timestamp"
        if isinstance(live, float) and self._is_rounding(live, shadow, name):
            return "float"
        if isinstance(live, int) and live > 0 < shadow and meaning_of(name).id:
            return "sequence"
        return ""

    def _is_rounding(self, live: float, shadow: float, name: str) -> bool:
        """Whether two fractions are as near as a rounding may leave them."""
        largest = max(abs(live), abs(shadow))
        if shape_of(live, name).startswith("timestamp"):
            # A billionth of half a century is more than a second.
            largest = EXACT
        return abs(live - shadow) <= self._floats * largest

    def _texts(self, live: str, shadow: str, name: str) -> str:
        shape, other = shapes_of(live, shadow, name)
        if not (live and shadow):
            return ""
        moments = moment_of(live), moment_of(shadow)
        if any(moments):
            return "timestamp" if all(moments) and self._follow(*moments) else ""
        sort = family(shape)
        if sort == family(other):
            found = _of_one_sort(sort, live, shadow, self)
            if found:
                return found
            if shape == "digits" and self._follow(*_epochs(live, shadow)):
                return "timestamp"
        if self.one_host(live, shadow):
            return "host"
        return "sequence" if _is_sequence(live, shadow, name) else ""

    def apart(self, live: Any, shadow: Any) -> str:
        """Return how far two times are apart, each from its own request, or ''."""
        legs = self._legs
        if legs is None or not (isinstance(live, str) and isinstance(shadow, str)):
            return ""
        ours, theirs = moment_of(live), moment_of(shadow)
        if ours is None or theirs is None:
            return ""
        seconds = ours.seconds - legs.live_at - (theirs.seconds - legs.shadow_at)
        return "slight" if abs(seconds) <= self._seconds else "large"

    def one_host(self, live: str, shadow: str) -> bool:
        """Whether they are equal once each side's own address is taken out."""
        left, right = self.without_hosts(live, shadow)
        return left == right

    def without_hosts(self, live: str, shadow: str) -> tuple[str, str]:
        """Return both with the same mark in place of each side's own address."""
        legs = self._legs
        if legs is None or not (legs.live_host and legs.shadow_host):
            return live, shadow
        return _unhosted(live, legs.live_host), _unhosted(shadow, legs.shadow_host)

    def _follow(self, live: Moment | None, shadow: Moment | None) -> bool:
        """Whether each time keeps the same distance from its own request."""
        legs = self._legs
        if legs is None or live is None or shadow is None:
            return False
        if (live.format, live.zone) != (shadow.format, shadow.zone):
            return False
        if live.form == "date":
            return _turns(live, shadow, legs, self._seconds)
        ours, theirs = live.seconds - legs.live_at, shadow.seconds - legs.shadow_at
        apart = abs(ours - theirs)
        if live.form == "clock":
            apart = min(apart % DAY, -apart % DAY)
        slack = self._seconds + (live.step if live.step > 1 else 0)
        return apart <= slack and _is_current(ours, live, slack)


def _is_current(distance: float, moment: Moment, slack: float) -> bool:
    """Whether a time is near its request or later, in whatever zone is not stated."""
    recent = max(RECENT, slack)
    if moment.form == "full" and distance >= -recent:
        return True
    if moment.zone or (moment.form == "full" and distance < -WIDEST_ZONE - recent):
        return False
    return (distance + recent) % QUARTER <= recent + slack


def _turns(live: Moment, shadow: Moment, legs: Legs, slack: float) -> bool:
    """Whether a day, in whatever zone, ended between the two requests."""
    first, last = sorted((legs.live_at, legs.shadow_at))
    if abs(live.seconds - shadow.seconds) != DAY or last - first >= DAY:
        return False
    if (live.seconds < shadow.seconds) != (legs.live_at <= legs.shadow_at):
        return False
    midnight = (last + slack) // QUARTER * QUARTER >= first - slack
    return midnight and min(live.seconds, shadow.seconds) >= first - 2 * DAY


def _of_one_sort(sort: str, live: str, shadow: str, likeness: Likeness) -> str:
    """Return the likeness of two texts of the same shape that is made anew."""
    if sort in MADE_ANEW:
        named = unprefixed(live)[0], unprefixed(shadow)[0]
        # What looks like a prefix on one side only is a part of what is random.
        return "" if all(named) and named[0] != named[1] else sort
    if sort == "hash":
        return sort if len(live) == len(shadow) else ""
    if sort == "signed-url":
        bare = likeness.without_hosts(live, shadow)
        return sort if _unsigned(bare[0]) == _unsigned(bare[1]) else ""
    if sort == "jwt":
        return sort if _same_claims(live, shadow, likeness) else ""
    return ""


def _same_claims(live: str, shadow: str, likeness: Likeness) -> bool:
    """Whether two JWTs say the same, but for what is made anew or follows the clock."""
    left, right = _claims(live), _claims(shadow)
    if left is None or right is None:
        return left is right
    if left.keys() != right.keys():
        return False
    return all(
        value == right[name]
        or shape_of(value, name).startswith("timestamp")
        or (name == "jti" and type(value) is type(right[name]))
        or likeness.of(value, right[name]) not in ("", "sequence")
        for name, value in left.items()
    )


def _claims(token: str) -> dict[str, Any] | None:
    """Return what a JWT claims, or None where it is sealed."""
    payload = token.split(".")[1]
    try:
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _unsigned(url: str) -> tuple[str, Sequence[tuple[str, str]]]:
    """Return a URL without what a signature changes."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return url, ()
    kept = [(name, "" if PASSING.fullmatch(name) else value) for name, value in pairs]
    return f"{parts.scheme}://{parts.netloc}{parts.path}#{parts.fragment}", kept


def _epochs(live: str, shadow: str) -> tuple[Moment | None, Moment | None]:
    if len(live) != len(shadow) or not 10 <= len(live) <= 19:
        return None, None
    return number_moment(int(live)), number_moment(int(shadow))


def _is_sequence(live: str, shadow: str, name: str) -> bool:
    if name in LOCATIONS:
        (path, _, live), (other, _, shadow) = map(_last_step, (live, shadow))
        return path == other and live.isdigit() and shadow.isdigit()
    if not meaning_of(name).reference:
        return False
    ours, theirs = NUMBERED.fullmatch(live), NUMBERED.fullmatch(shadow)
    return bool(ours and theirs and ours.group(1) == theirs.group(1))


def _last_step(url: str) -> tuple[str, str, str]:
    return url.rpartition("/")


def _unhosted(text: str, host: str) -> str:
    bare = host.rpartition("://")[2]
    if bare not in text:
        return text
    return _host_pattern(bare).sub(HOST_MARK, text)


@lru_cache(maxsize=256)
def _host_pattern(host: str) -> re.Pattern[str]:
    """Match an address with its scheme; a name of one word only with a scheme."""
    name = re.escape(host)
    after = r"(?![\w-]|\.\w|:\d)"
    with_scheme = rf"(?:\w+:)?//{name}{after}|(?i:\w+%3A%2F%2F){name}{after}"
    if "." not in host and ":" not in host:
        return re.compile(with_scheme)
    return re.compile(rf"{with_scheme}|(?<![\w.-]){name}{after}")
