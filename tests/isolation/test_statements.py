"""What a rollback would not undo is told by a statement's first words."""

from __future__ import annotations

import pytest

from shadow_middleware.isolation.statements import (
    is_ddl,
    is_read,
    is_savepoint,
    outside,
)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("COMMIT", "COMMIT"),
        ("  -- why\n/* and */ commit work", "COMMIT WORK"),
        ("BEGIN IMMEDIATE", "BEGIN IMMEDIATE"),
        ("START TRANSACTION", "START TRANSACTION"),
        ("END", "END"),
        ("ROLLBACK", "ROLLBACK"),
        ("PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION"),
        ("VACUUM", "VACUUM"),
        ("ALTER SYSTEM SET work_mem = 1", "ALTER SYSTEM"),
        ("INSERT INTO t VALUES (1); COMMIT; SELECT 1", "COMMIT"),
        ("ROLLBACK TO SAVEPOINT a", ""),
        ("SAVEPOINT a", ""),
        ("PREPARE plan AS SELECT 1", ""),
        ("INSERT INTO t VALUES ('x; COMMIT; y')", ""),
        ("UPDATE committed SET begin = 1", ""),
        ("", ""),
    ],
)
def test_what_would_stay_is_found(sql: str, found: str) -> None:
    """Whatever the case and the comments; not in quoted text."""
    assert found == outside(sql)


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT 1", True),
        ("  /* x */ select * from t", True),
        ("SELECT * FROM t FOR UPDATE", False),
        ("SELECT nextval('s')", False),
        ("SELECT * INTO u FROM t", False),
        ("WITH x AS (DELETE FROM t RETURNING 1) SELECT * FROM x", False),
        ("INSERT INTO t VALUES (1)", False),
    ],
)
def test_what_only_reads_is_known(sql: str, reads: bool) -> None:
    """When in doubt it writes."""
    assert reads is is_read(sql)


def test_definitions_and_savepoints_are_told_apart() -> None:
    """Some databases commit with the first; the second are the framework's own."""
    assert is_ddl("create index i on t(a)")
    assert not is_ddl("INSERT INTO created VALUES (1)")
    assert is_savepoint("RELEASE SAVEPOINT a")
    assert not is_savepoint("SELECT 1")
