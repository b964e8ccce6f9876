"""Writing to a file by a path of one's own: a copy writes into the void."""

from __future__ import annotations

import io
import os
from typing import IO, Any

from shadow_middleware.isolation.context import is_shadow
from shadow_middleware.isolation.recording import note

__all__ = ["open_file"]

_WRITES = frozenset("wax+")


def open_file(path: str | os.PathLike[str], mode: str = "r", **options: Any) -> IO[Any]:
    """
    Open a file as `open` does; a copy that opens it to write gets one in memory.

    Built-in `open` cannot be stood in for: imports, logs and libraries use it too. So
    an app calls this one where a request writes a file.
    """
    if not (is_shadow() and _WRITES & set(mode)):
        return open(path, mode, **options)
    note("file", f"open {os.fspath(path)}", mode)
    before = b""
    if "w" not in mode and os.path.exists(path):
        with open(path, "rb") as file:
            before = file.read()
    data = io.BytesIO(before)
    if "a" in mode:
        data.seek(0, io.SEEK_END)
    if "b" in mode:
        return data
    text = {
        key: options[key] for key in ("encoding", "errors", "newline") if key in options
    }
    return io.TextIOWrapper(data, **text)
