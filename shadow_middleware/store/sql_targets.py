"""Targets at run time, in SQLite or Postgres: one for all processes and hosts."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, and_, delete, select, update

from shadow_middleware.store import knowledge_queries as queries
from shadow_middleware.store import target_rows as rows
from shadow_middleware.store.leases import now_of
from shadow_middleware.store.merging import Row
from shadow_middleware.store.rows import fit
from shadow_middleware.store.sql_knowledge import SqlKnowledge
from shadow_middleware.store.target_tables import (
    ALL,
    switches,
    target_health,
    targets,
)
from shadow_middleware.targets import (
    HealthEvent,
    StoredTarget,
    Switch,
    TargetChange,
    TargetHealth,
    TargetsState,
    after,
    revival_of,
)

__all__ = ["SqlTargets"]

UNREAD = (
    "the target %r of the store does not apply here: another version of "
    "shadow-middleware wrote it, and this one cannot read it: %s"
)


class SqlTargets(SqlKnowledge):
    """The part of `SqlStore` that knows targets."""

    def targets_state(self) -> TargetsState:
        """Return all that is known of targets, in one reading."""
        with self._database.snapshot() as connection:
            found = connection.execute(select(targets).order_by(targets.c.name)).all()
            fares = select(target_health).order_by(*target_health.primary_key)
            health = connection.execute(fares).all()
            turned = connection.execute(select(switches)).first()
            return TargetsState(
                targets=tuple(self._legible(found)),
                health=tuple(rows.to_health(row._mapping) for row in health),
                switch=rows.to_switch(turned._mapping) if turned else Switch(),
                now=self._now(connection),
            )

    def _legible(self, found: Iterable[Any]) -> Iterable[StoredTarget]:
        for row in found:
            try:
                yield rows.to_target(row._mapping)
            except msgspec.ValidationError as error:
                self._note_once(UNREAD, row.name, error)

    def _now(self, connection: Connection) -> float:
        """Return the time by the one clock that all hosts of a Postgres share."""
        if self._clock is not time.time or self._database.is_sqlite:
            return self._clock()
        return float(connection.execute(select(now_of(self._database))).scalar_one())

    def change_target(self, change: TargetChange) -> StoredTarget:
        """Make the change, whoever else changes the target now; return what it is."""
        with self._database.writing() as connection:
            empty = rows.target_row(StoredTarget(name=change.name))
            here = targets.c.name == empty["name"]
            self._lock(connection, targets, empty, ["name"])
            row = connection.execute(
                select(targets).where(here).with_for_update()
            ).one()
            values = rows.target_row(change.of(_readable(row._mapping, change.name)))
            connection.execute(update(targets).where(here).values(values))
            if change.enabled is True or isinstance(change.url, str):
                self._revive(connection, change.name, change.by)
            self._moved(connection, queries.DECISIONS)
        return rows.to_target(values)

    def _lock(
        self, connection: Connection, table: Table, row: Row, keys: list[str]
    ) -> None:
        """See that there is a row, so that whoever changes it can be alone with it."""
        insert = self._statements.insert(table).values(row)
        connection.execute(insert.on_conflict_do_nothing(index_elements=keys))

    def _revive(self, connection: Connection, name: str, by: str) -> None:
        ill = select(target_health).where(target_health.c.target == fit(name))
        for row in connection.execute(ill).all():
            health = rows.to_health(row._mapping)
            self._happen(connection, revival_of(health, by))

    def remove_target(self, name: str) -> bool:
        """Forget what was set of a target and how it fares; False where nothing was."""
        with self._database.writing() as connection:
            # In the order of `change_target`: two that lock in another one deadlock.
            gone = connection.execute(
                delete(targets).where(targets.c.name == fit(name))
            )
            ours = target_health.c.target == fit(name)
            connection.execute(delete(target_health).where(ours))
            self._moved(connection, queries.DECISIONS)
            return gone.rowcount > 0

    def turn_switch(self, switch: Switch) -> None:
        """Turn the switch over all targets."""
        row = rows.switch_row(switch)
        insert = self._statements.insert(switches).values(name=ALL, **row)
        with self._database.writing() as connection:
            connection.execute(
                insert.on_conflict_do_update(index_elements=["name"], set_=row)
            )
            self._moved(connection, queries.DECISIONS)

    def health_event(self, event: HealthEvent) -> TargetHealth | None:
        """Take in an event; return how the target fares now, None if nothing changed."""
        with self._database.writing() as connection:
            return self._happen(connection, event)

    def _happen(
        self, connection: Connection, event: HealthEvent
    ) -> TargetHealth | None:
        key = rows.health_key(event)
        empty = rows.health_row(
            TargetHealth(target=event.target, url=event.url, host=event.host)
        )
        self._lock(connection, target_health, empty, list(key))
        here = and_(*(target_health.c[name] == value for name, value in key.items()))
        found = select(target_health).where(here).with_for_update()
        before = rows.to_health(connection.execute(found).one()._mapping)
        fares = after(before, event, self._now(connection))
        if fares is not None:
            values = rows.health_row(fares)
            connection.execute(update(target_health).where(here).values(values))
            self._moved(connection, queries.DECISIONS)
        return fares


def _readable(row: Any, name: str) -> StoredTarget:
    """Return what a row says; nothing where another version wrote what none can read."""
    try:
        return rows.to_target(row)
    except msgspec.ValidationError:
        return StoredTarget(name=name)
