"""Every view of the dashboard, from its own list of pages: a new one cannot be forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode

from shadow_middleware.dashboard.app import SCREENS

__all__ = ["DOWNLOADS", "views"]

DOWNLOADS = ("verdict-file",)
"""Pages that are no pages but files."""


def views(
    stands_for: Mapping[str, Sequence[str]],
    queries: Mapping[str, Sequence[dict[str, str]]],
) -> Iterator[str]:
    """
    Return the path of every page that can be looked at.

    Args:
        stands_for: What each placeholder of a path can be.
        queries: Queries besides none, by the name of the page.
    """
    for screen in SCREENS:
        if screen.method != "GET" or screen.name in DOWNLOADS:
            continue
        for path in _paths(screen.path, stands_for):
            yield path
            for query in queries.get(screen.name, ()):
                yield f"{path}?{urlencode(query)}"


def _paths(path: str, stands_for: Mapping[str, Sequence[str]]) -> Iterator[str]:
    name = path.partition("{")[2].partition("}")[0]
    if not name:
        yield path
        return
    for value in stands_for[name]:
        yield path.replace(f"{{{name}}}", quote(value, safe=""))
