"""
What a statement does to a transaction, told by its first words.

Comments and case are looked through, and quoted text is left out. It is a net for what
could not be undone, not a parser: what a driver is given past the framework's own
cursor is not seen.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_ddl", "is_read", "is_savepoint", "outside"]

_FIRST = re.compile(
    r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|;)*([A-Za-z]+)(?:\s+([A-Za-z]+))?", re.DOTALL
)
_CONTROL: Final = frozenset({"BEGIN", "COMMIT", "END", "ABORT", "START", "PREPARE"})
"""Begin or end a transaction; ROLLBACK does so without TO."""
_OUTSIDE: Final = frozenset({"ATTACH", "CHECKPOINT", "CLUSTER", "DETACH", "VACUUM"})
_OUTSIDE_PAIRS: Final = frozenset(
    {
        ("ALTER", "SYSTEM"),
        ("CREATE", "DATABASE"),
        ("CREATE", "TABLESPACE"),
        ("DROP", "DATABASE"),
        ("DROP", "TABLESPACE"),
    }
)
_DDL: Final = frozenset(
    {"ALTER", "CREATE", "DROP", "GRANT", "RENAME", "REVOKE", "TRUNCATE"}
)
_READS: Final = frozenset({"DESCRIBE", "EXPLAIN", "FETCH", "SELECT", "SHOW", "VALUES"})
_LOCKS: Final = re.compile(
    r"\b(?:FOR\s+(?:NO\s+KEY\s+)?(?:UPDATE|SHARE)|INTO|nextval|setval)\b", re.I
)
_QUOTED: Final = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(\$\w*\$).*?\1", re.DOTALL
)
_LATER: Final = re.compile(
    r";\s*(BEGIN|COMMIT|END|ABORT|ROLLBACK(?!\s+(?:WORK\s+|TRANSACTION\s+)?TO\b))\b",
    re.I,
)


def outside(sql: str) -> str:
    """
    Return the words of a statement that a rollback would not undo, else nothing.

    Those that begin or end a transaction, and those that run in none.
    """
    first, second = _words(sql)
    if first in _CONTROL:
        # PREPARE alone names a statement; PREPARE TRANSACTION outlives a rollback.
        only_named = first == "PREPARE" and second != "TRANSACTION"
        return "" if only_named else f"{first} {second}".strip()
    if first == "ROLLBACK":
        return "" if re.search(r"\bTO\b", sql, re.I) else "ROLLBACK"
    if first in _OUTSIDE:
        return first
    if (first, second) in _OUTSIDE_PAIRS:
        return f"{first} {second}"
    if ";" in sql and (found := _LATER.search(_QUOTED.sub("''", sql))):
        return found.group(1).upper()
    return ""


def is_ddl(sql: str) -> bool:
    """Whether it defines something; some databases commit when it comes."""
    return _words(sql)[0] in _DDL


def is_savepoint(sql: str) -> bool:
    """Whether it makes a savepoint, or ends one."""
    return _words(sql)[0] in ("SAVEPOINT", "RELEASE", "ROLLBACK")


def is_read(sql: str) -> bool:
    """Whether it only reads, as far as its words say: without locks, or sequences."""
    first, _ = _words(sql)
    return first in _READS and not _LOCKS.search(sql)


def _words(sql: str) -> tuple[str, str]:
    found = _FIRST.match(sql)
    if found is None:
        return "", ""
    return found.group(1).upper(), (found.group(2) or "").upper()
