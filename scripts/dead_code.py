"""Refuse functions, classes, methods and properties of the package that nothing uses."""

from __future__ import annotations

import sys

from vulture.core import Vulture

KINDS = {"class", "function", "import", "method", "property", "unreachable_code"}
"""Fields of data are left out: a record is read by name, from outside as well."""

USED_FROM_OUTSIDE: dict[str, str] = {}
"""Names that others call: each with who does."""

FOR_USERS = "testing.py"
"""What it offers is called from the tests of others."""


def main() -> int:
    """Print what is dead; return 1 if anything is."""
    vulture = Vulture(
        ignore_names=["__*__", *USED_FROM_OUTSIDE],
        ignore_decorators=["@*.callback", "@*.command", "@register", "@receiver"],
    )
    vulture.scavenge(["shadow_middleware"], exclude=["*/migrations/*"])
    dead = [
        item
        for item in vulture.get_unused_code()
        if item.typ in KINDS and item.filename.name != FOR_USERS
    ]
    for item in dead:
        print(f"{item.filename}:{item.first_lineno}: unused {item.typ} {item.name!r}")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
