"""Links within the dashboard, right under any prefix it is mounted at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import quote, urlencode

__all__ = ["Links", "static_version", "with_query"]

_STATIC: Final = files("shadow_middleware.dashboard") / "static"


class Links:
    """
    Makes links for one look at a page.

    Args:
        prefix: Where the dashboard is mounted, without a slash at the end.
        paths: The path of each page by its name, with its placeholders.
        kept: What of the filter a link carries on.
        query: The whole query of the page, for links to the page itself.
    """

    def __init__(
        self,
        prefix: str,
        paths: Mapping[str, str],
        kept: Mapping[str, str],
        query: Mapping[str, str],
    ) -> None:
        self._prefix = prefix
        self._paths = paths
        self._kept = kept
        self._query = query

    def url(self, name: str, /, *, _keep: bool = False, **given: object) -> str:
        """
        Return the link to a page; what fills no placeholder of its path is its query.

        The filter goes along unless it is given anew; None or '' leaves a name out.
        `_keep` carries on the whole query, for another order or part of a list.
        """
        query: dict[str, object] = {**self._kept}
        if _keep:
            query |= self._query
        path = self._paths[name]
        for key, value in given.items():
            placeholder = f"{{{key}}}"
            if placeholder in path:
                path = path.replace(placeholder, quote(str(value), safe=""))
                query.pop(key, None)
            else:
                query[key] = value
        return with_query(quote(self._prefix, safe="/") + path, query)

    def static(self, path: str) -> str:
        """Return the link to a packaged file, another one after each change of it."""
        return f"{quote(self._prefix, safe='/')}/static/{path}?v={static_version(path)}"


def with_query(path: str, query: Mapping[str, object]) -> str:
    """Return the path with what of the query is not empty."""
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


@cache
def static_version(path: str) -> str:
    """Return eight digits that depend on the content of a packaged file."""
    return hashlib.blake2b((_STATIC / path).read_bytes(), digest_size=4).hexdigest()
