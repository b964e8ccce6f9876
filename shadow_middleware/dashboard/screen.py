"""
The words of a page: where it is, who looks, and what it shows.

A page is a function from a visit to a template and its values. It runs on a worker
thread, so it may read the store; it computes no number of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from shadow_middleware.dashboard.filters import Filters
from shadow_middleware.reading import Reading, Steering, Triage

__all__ = ["Document", "Screen", "Shown", "Visit"]


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a page, by somebody who may see it."""

    reading: Reading
    triage: Triage
    steering: Steering
    filters: Filters
    """Target, route and time, as the URL says."""
    path: Mapping[str, str]
    """What the placeholders of the page's path stand for."""
    query: Mapping[str, str]
    """Everything behind the `?`; of a name that is there twice, the last."""
    form: Mapping[str, str] = {}
    """What was sent, where something was; never the CSRF token."""

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Return a whole number of the query; the default where it is none."""
        text = self.query.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            return default
        return max(least, int(text))


class Document(msgspec.Struct, frozen=True):
    """A file to keep."""

    text: str
    media_type: str
    name: str
    """What the browser calls it; plain ASCII of ours."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows: a template and its values, or another page to go to."""

    template: str = ""
    values: dict[str, Any] = {}
    status: int = 200
    title: str = ""
    """In the browser's tab; '' is the page's label."""
    goto: str = ""
    """The path of another page within the dashboard, to go to instead."""
    document: Document | None = None
    """A file to hand over instead."""


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """A page. What is registered here is served, guarded and found by the tests."""

    name: str
    """Unique; links are made from it: `url('group', fingerprint=…)`."""
    path: str
    """Within the dashboard, as `/groups/{fingerprint}`."""
    show: Callable[[Visit], Shown]
    method: Literal["GET", "POST"] = "GET"
    """A page that is posted to decides something; the CSRF token is checked before."""
    label: str = ""
    """Its name in the navigation and its heading; '' keeps it out of the navigation."""
    part_of: str = ""
    """The page in the navigation that it belongs to, where it has no label."""
    key: str = ""
    """Pressed after `g`, opens it."""
    choices: Mapping[str, Sequence[str]] = {}
    """What parameters of its query may be; whatever else they are is said."""
    ready: bool = False
    """Whether it is worked out before anybody looks, where a process has nothing else."""
    every: int = 0
    """Seconds between looks for news while it is open; 0 is never."""
