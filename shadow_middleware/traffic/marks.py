"""
The key under which secrets become marks: one for each directory of capture files.

All writers of a directory share it, so a session that is served by several processes
stays one session. It lies beside the files, for its owner only; whoever has the files
without it can tell that two secrets are equal, and nothing else.
"""

from __future__ import annotations

import os
import secrets
from typing import Final

__all__ = ["KEY_FILE", "key_of"]

KEY_FILE: Final = "marks.key"
_SIZE: Final = 32


def key_of(folder: str) -> bytes:
    """
    Return the directory's key; the first who asks makes it.

    Raises:
        OSError: it can neither be read nor made.
    """
    path = os.path.join(folder, KEY_FILE)
    try:
        return _read(path)
    except FileNotFoundError:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    _make(path)
    return _read(path)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        key = file.read(_SIZE)
    if len(key) < _SIZE:
        raise OSError(f"{path} is too short to be a key; remove it to have a new one")
    return key


def _make(path: str) -> None:
    # Under another name first: whoever finds the key finds all of it.
    draft = f"{path}.{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_SIZE))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)
