"""Rules as commands read and write them: from options, from TOML, into the rules file."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from shadow_middleware.errors import ConfigurationError
from shadow_middleware.reading.stated import rule_of, rules_in

__all__ = ["read_source", "replace_file", "rule_of", "rules_in", "text_of"]


def read_source(name: str) -> tuple[str, str]:
    """Return the text of a file, or of standard input where it is `-`, and its name."""
    if name == "-":
        return sys.stdin.read(), "standard input"
    return text_of(Path(name)), f"file {name}"


def text_of(path: Path) -> str:
    """
    Return the text of a file.

    Raises:
        ConfigurationError: it cannot be read, or is no text.
    """
    name = str(path)
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{name!r} cannot be read: {error.strerror or error}"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name!r} is not UTF-8: {error}") from None


def replace_file(path: Path, text: str) -> None:
    """Write the whole file or nothing: what reads it meanwhile sees the old one."""
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).chmod(mode)
        Path(beside).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(beside).unlink()
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{str(path)!r} cannot be written: {error.strerror or error}"
    )
