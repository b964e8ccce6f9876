"""The words in which an example states what its second version does differently."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Noise", "Planted", "path_fits"]


@dataclass(frozen=True, slots=True)
class Planted:
    """One difference that was put into v2 on purpose, as a report names it."""

    name: str
    endpoint: str
    """Method and the framework's own route: `GET /products/{product_id}`."""
    part: str
    """`status`, `header`, `body` or `latency`."""
    path: str
    """JSON pointer in which `*` is one segment, header name, or '' for a whole part."""
    kind: str
    """`changed`, `missing`, `added`, `type` or `order`."""
    what: str
    """What v2 does, in a few words."""

    def explains(self, endpoint: str, part: str, path: str, kind: str) -> bool:
        """Whether a difference found there is this one."""
        here = (self.endpoint, self.part, self.kind) == (endpoint, part, kind)
        return here and path_fits(self.path, path)


@dataclass(frozen=True, slots=True)
class Noise:
    """One place that differs between any two answers, and the setting that says so."""

    endpoint: str
    """Method and route, or `*` for every one."""
    part: str
    path: str
    setting: str


def path_fits(pattern: str, path: str) -> bool:
    """Whether `path` is `pattern`, where `*` stands for one segment, `**` for any."""
    expression = re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]+")
    return re.fullmatch(expression, path) is not None
