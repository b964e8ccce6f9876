"""Which build answered: as its answers say, or else as the settings say."""

from __future__ import annotations

from typing import Final

from shadow_middleware.exchange import Headers

__all__ = ["Versions", "version_in"]

LONGEST: Final = 100
MOST: Final = 100
"""Versions of one target that are told apart; a header may turn out to be none."""
TOO_MANY: Final = "(other)"


def version_in(headers: Headers, name: bytes) -> str:
    """Return the version that the header of that lower-case name holds; '' if none."""
    if not name:
        return ""
    for header, value in headers:
        if len(header) == len(name) and header.lower() == name:
            text = value.decode("latin-1").strip()[:LONGEST]
            return "".join(c if c.isprintable() else "?" for c in text)
    return ""


class Versions:
    """
    The versions of one target, as they come by.

    Args:
        header: Lower-case name of the response header that holds it; '' is none.
        stated: What to say where an answer does not.
    """

    def __init__(self, header: str, stated: str = "") -> None:
        self._header = header.encode("latin-1")
        self._stated = stated
        self._known = {stated}
        self.latest = stated
        """Of the last answer: what failures count under, for they name none."""

    def of(self, headers: Headers) -> str:
        """Return the version that answered."""
        version = version_in(headers, self._header) or self._stated
        if version not in self._known:
            if len(self._known) > MOST:
                version = TOO_MANY
            self._known.add(version)
        self.latest = version
        return version
