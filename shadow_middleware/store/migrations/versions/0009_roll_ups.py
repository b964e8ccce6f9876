"""
Sums that only reading needs, kept by the database itself.

Older workers write on beside newer tables and know nothing of them, so triggers keep
these: whatever is added to an hour, taken from it or removed with it goes the same way
here, in the same transaction. See `roll_ups` for what they are read for.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
WHOLE: Final = ("span", "start", "bucket")
REASONS: Final = ("reason_spans", "run", "span", "reason", "start", "target", "route")
DAYS: Final = ("latency_days", "run", "start", "target", "leg", "bucket", "version")
HOUR_OF_DIVERGENCES: Final = "{}.span = 60 AND {}.outcome = 'divergence'"
HOUR: Final = "{}.span = 60"


def upgrade() -> None:
    """Create the tables, fill them, and have them kept."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    if not is_sqlite:
        # Adding up all that was ever counted takes longer than writing a batch may.
        op.execute("SET LOCAL statement_timeout = 0")
    for name, *keys in (REASONS, DAYS):
        _create(name, keys)
    for span in (60, 240, 1440):
        _fill(REASONS, "count_spans", span, "outcome = 'divergence'")
    _fill(DAYS, "latency_times", 1440, "1 = 1")
    keep = _keep_in_sqlite if is_sqlite else _keep_in_postgres
    keep(REASONS, "count_spans", (60, 240, 1440), HOUR_OF_DIVERGENCES)
    keep(DAYS, "latency_times", (1440,), HOUR)
    op.create_index(
        "ix_shadow_count_spans_nameless",
        "shadow_count_spans",
        ["run", "span", "target", "start"],
        sqlite_where=sa.text("version = ''"),
        postgresql_where=sa.text("version = ''"),
    )


def _create(name: str, keys: list[str]) -> None:
    op.create_table(
        f"shadow_{name}",
        *(
            sa.Column(key, sa.Integer if key in WHOLE else KEY, nullable=False)
            for key in keys
        ),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_shadow_{name}"),
        sqlite_with_rowid=False,
    )


def _fill(sums: tuple[str, ...], of: str, span: int, which: str) -> None:
    name, *keys = sums
    told = {key: key for key in keys}
    told |= {"span": str(span), "start": f"start - start % {span}"}
    values = ", ".join(told[key] for key in keys)
    grouped = ", ".join(told[key] for key in keys if key != "span")
    op.execute(
        f"INSERT INTO shadow_{name} ({', '.join(keys)}, count) "
        f"SELECT {values}, sum(count) FROM shadow_{of} "
        f"WHERE span = 60 AND {which} GROUP BY {grouped}"
    )


def _adding(sums: tuple[str, ...], row: str, span: int, count: str) -> str:
    """Return what adds so much to the sum that a row of an hour is in."""
    name, *keys = sums
    told = {key: f"{row}.{key}" for key in keys}
    told |= {"span": str(span), "start": f"{row}.start - {row}.start % {span}"}
    values = ", ".join(told[key] for key in keys)
    named = ", ".join(keys)
    return (
        f"INSERT INTO shadow_{name} ({named}, count) VALUES ({values}, {count}) "
        f"ON CONFLICT ({named}) DO UPDATE "
        f"SET count = shadow_{name}.count + excluded.count;"
    )


def _emptied(sums: tuple[str, ...], row: str, span: int) -> str:
    """Return what removes the sum that a row was in, where nothing is left of it."""
    name, *keys = sums
    told = {key: f"{row}.{key}" for key in keys}
    told |= {"span": str(span), "start": f"{row}.start - {row}.start % {span}"}
    here = " AND ".join(f"{key} = {told[key]}" for key in keys)
    return f"DELETE FROM shadow_{name} WHERE {here} AND count <= 0;"


def _keep_in_sqlite(
    sums: tuple[str, ...], of: str, spans: tuple[int, ...], which: str
) -> None:
    name = sums[0]
    changes = (
        ("added", "INSERT", "new", "new.count", False),
        ("changed", "UPDATE OF count", "new", "new.count - old.count", False),
        ("removed", "DELETE", "old", "-old.count", True),
    )
    for change, event, row, count, gone in changes:
        steps = [_adding(sums, row, span, count) for span in spans]
        steps += [_emptied(sums, row, span) for span in spans if gone]
        op.execute(
            f"CREATE TRIGGER shadow_{name}_{change} AFTER {event} ON shadow_{of} "
            f"WHEN {which.format(row, row)} BEGIN {' '.join(steps)} END"
        )


def _keep_in_postgres(
    sums: tuple[str, ...], of: str, spans: tuple[int, ...], which: str
) -> None:
    name = sums[0]
    changes = (
        ("added", "INSERT", "NEW", "NEW.count", False),
        ("changed", "UPDATE OF count", "NEW", "NEW.count - OLD.count", False),
        ("removed", "DELETE", "OLD", "-OLD.count", True),
    )
    for change, event, row, count, gone in changes:
        steps = [_adding(sums, row, span, count) for span in spans]
        steps += [_emptied(sums, row, span) for span in spans if gone]
        op.execute(
            f"CREATE FUNCTION shadow_{name}_{change}() RETURNS trigger "
            f"LANGUAGE plpgsql AS $$ BEGIN {' '.join(steps)} RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER shadow_{name}_{change} AFTER {event} ON shadow_{of} "
            f"FOR EACH ROW WHEN ({which.format(row, row)}) "
            f"EXECUTE FUNCTION shadow_{name}_{change}()"
        )
