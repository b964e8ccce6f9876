"""Several capture files as one: by time, and each exchange once."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from shadow_middleware.traffic.files import read_file
from shadow_middleware.traffic.importers.ordering import in_order, merged
from shadow_middleware.traffic.recorded import BadRecord, Recorded

__all__ = ["Merged"]

_ROTATED: Final = re.compile(r"\d{8}T\d{6}\.\d{3}Z-(.+)-\d+\.ndjson")
_REMEMBERED: Final = 100_000
"""Ids that are known again: copies of one exchange have one time, and stand together."""
_WINDOW: Final = 2_000
"""Exchanges of each writer that are held to be put in order."""
_WINDOW_BYTES: Final = 16 * 1024 * 1024


class Merged:
    """The exchanges of many files, in order of time; iterate over it once."""

    def __init__(
        self,
        paths: Iterable[str],
        advance: Callable[[int], None] | None = None,
        bad: Callable[[BadRecord], None] | None = None,
    ) -> None:
        """
        Open nothing yet.

        Args:
            paths: Of files. Those that one writer rotated are read one after the other.
            advance: Told of bytes that were read.
            bad: Told of what is no exchange.
        """
        self._paths = list(paths)
        self._advance = advance
        self._bad = bad
        self.copies = 0
        """Exchanges that were there already."""

    def __iter__(self) -> Iterator[Recorded]:
        """Yield every exchange once, by the time when live began to serve it."""
        writers: dict[tuple[str, str], list[str]] = {}
        for path in self._paths:
            folder, name = os.path.split(path)
            found = _ROTATED.match(name)
            writers.setdefault((folder, found[1] if found else name), []).append(path)
        rows = [
            in_order(self._records(sorted(row)), _WINDOW, _WINDOW_BYTES)
            for row in writers.values()
        ]
        seen: OrderedDict[str, None] = OrderedDict()
        for record in merged(rows):
            if record.exchange.id in seen:
                self.copies += 1
                continue
            seen[record.exchange.id] = None
            if len(seen) > _REMEMBERED:
                seen.popitem(last=False)
            yield record

    def _records(self, paths: list[str]) -> Iterator[Recorded]:
        files = (read_file(path, self._advance) for path in paths)
        for read in chain.from_iterable(files):
            if isinstance(read, Recorded):
                yield read
            elif isinstance(read, BadRecord) and self._bad is not None:
                self._bad(read)
