"""A server's log format as people give it: the text, or where in which file it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from shadow_middleware.errors import ConfigurationError

__all__ = ["found_in", "log_format_of"]

_NGINX: Final = re.compile(
    r"(?m)^\s*(?P<all>log_format\s+(?P<name>\S+)\s(?:[^;'\"]|'(?:[^'\\]|\\.)*'"
    r"|\"(?:[^\"\\]|\\.)*\")*;)"
)
_APACHE: Final = re.compile(
    r"(?m)^\s*(?P<all>LogFormat\s+\"(?:[^\"\\]|\\.)*\"\s+(?P<name>\S+))\s*$"
)


def log_format_of(text: str) -> str:
    """
    Return the log format that `--log-format` means.

    Raises:
        ConfigurationError: the file cannot be read, or the format is not in it.
    """
    if not text.startswith("@"):
        return text
    path, _, name = text[1:].partition("#")
    try:
        content = Path(path).read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror or error}"
        ) from None
    try:
        return found_in(content, name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def found_in(content: str, name: str) -> str:
    """
    Return the directive of this name in a configuration; '' is the only one.

    Raises:
        ConfigurationError: there is none, or more than one without a name.
    """
    found = {
        each["name"].strip("\"'"): each["all"]
        for pattern in (_NGINX, _APACHE)
        for each in pattern.finditer(content)
    }
    if name in found:
        return found[name]
    if not found:
        raise ConfigurationError("there is neither a log_format nor a LogFormat in it")
    if not name and len(found) == 1:
        return next(iter(found.values()))
    raise ConfigurationError(
        f"say which log format: @FILE#NAME, with one of {', '.join(sorted(found))}"
    )
