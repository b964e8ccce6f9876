"""Everything that a copy writes through an engine is undone: Core, ORM, sync, async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shadow_middleware.errors import ConfigurationError, NotIsolatedError
from shadow_middleware.isolation import ShadowRequest
from shadow_middleware.isolation.context import entered
from shadow_middleware.isolation.sqlalchemy import read_only, release, rollback
from tests.postgres import PostgresServer


class Base(DeclarativeBase):
    """The tables of these tests."""


class Order(Base):
    """Something that is written."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database with one order, of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('db') / 'shop.db'}"
        made = create_engine(url)
        _prepare(made)
        yield url
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    made = create_engine(server.url(name))
    _prepare(made)
    yield server.url(name)
    server.drop(name)


def _prepare(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Order(name="first"))
        session.commit()
    engine.dispose()


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    """An engine whose copies are rolled back; afterwards only the first order is left."""
    made = create_engine(address)
    rollback(made)
    yield made
    release(made)
    with made.connect() as connection:
        left = list(connection.execute(select(Order.name)).scalars())
    made.dispose()
    assert ["first"] == left


@contextmanager
def copied() -> Iterator[ShadowRequest]:
    """Work for a copy, and end it."""
    copy = ShadowRequest("5f-1")
    with entered(copy):
        yield copy
    copy.end()


def names(engine: Engine) -> list[str]:
    """All orders that one sees who comes anew."""
    with Session(engine) as session:
        return sorted(session.scalars(select(Order.name)))


def test_what_is_committed_is_seen_by_the_copy_and_by_nobody_after(
    engine: Engine,
) -> None:
    """Across sessions, with commits and rollbacks within, and savepoints."""
    with copied():
        with Session(engine) as session:
            session.add(Order(name="a"))
            session.commit()
            nested = session.begin_nested()
            session.add(Order(name="a"))
            with pytest.raises(IntegrityError):
                session.flush()
            nested.rollback()
            session.add(Order(name="b"))
            session.commit()
        assert ["a", "b", "first"] == names(engine)
        with Session(engine) as session:
            session.add(Order(name="c"))
            session.flush()
            session.rollback()
            session.add(Order(name="a"))
            with pytest.raises(IntegrityError):
                session.flush()
            session.rollback()
            assert 3 == len(session.scalars(select(Order)).all())

    assert ["first"] == names(engine)


def test_core_raw_connections_and_option_engines_are_undone_as_well(
    engine: Engine,
) -> None:
    """All ways to a connection lead to the copy's own; tables that it makes go too."""
    with copied():
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO orders (name) VALUES ('core')"))
            connection.execute(text("CREATE TABLE made (a int)"))
        raw = engine.raw_connection()
        raw.cursor().execute("INSERT INTO orders (name) VALUES ('raw')")
        raw.commit()
        raw.close()
        with engine.execution_options(logging_token="x").begin() as connection:
            connection.execute(text("INSERT INTO orders (name) VALUES ('option')"))
        assert ["core", "first", "option", "raw"] == names(engine)
    with engine.connect() as connection, pytest.raises(DBAPIError):
        connection.execute(text("SELECT * FROM made"))


def test_ordinary_requests_commit_beside_a_copy(engine: Engine) -> None:
    """The same engine, the same moment; SQLite lets one of them write at a time."""
    sqlite = engine.dialect.name == "sqlite"
    with copied():
        with Session(engine) as session:
            if not sqlite:
                session.add(Order(name="copy"))
            session.commit()

        def write() -> None:
            with Session(engine) as session:
                session.add(Order(name="ordinary"))
                session.commit()

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert ["first", "ordinary"] == names(engine)
    with Session(engine) as session:
        session.query(Order).filter_by(name="ordinary").delete()
        session.commit()


@pytest.mark.parametrize(
    "statement",
    ["COMMIT", "/* why */ commit", "BEGIN", "ROLLBACK", "VACUUM"],
)
def test_what_could_not_be_undone_is_refused(engine: Engine, statement: str) -> None:
    """Raised rather than written, and told to the live side."""
    with copied() as copy:
        with (
            engine.connect() as connection,
            pytest.raises(NotIsolatedError, match="could not be undone"),
        ):
            connection.execute(text(statement))
        assert "not_isolated" == copy.refused


def test_autocommit_is_refused(engine: Engine) -> None:
    """On SQLite it would commit on the spot what was done before."""
    with copied():
        with Session(engine) as session:
            session.add(Order(name="a"))
            session.commit()
        connection = engine.connect()
        with pytest.raises(NotIsolatedError, match="it would commit"):
            connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.close()
        option = engine.execution_options(isolation_level="AUTOCOMMIT")
        with pytest.raises(NotIsolatedError, match="it would commit"):
            option.connect()


def test_an_engine_in_autocommit_is_rolled_back_as_well(address: str) -> None:
    """Its connections begin no transaction, so the copy begins one."""
    made = create_engine(address, isolation_level="AUTOCOMMIT")
    rollback(made)
    with copied(), made.connect() as connection:
        connection.execute(text("INSERT INTO orders (name) VALUES ('auto')"))
    assert ["first"] == names(made)
    with made.connect() as connection:
        connection.execute(text("INSERT INTO orders (name) VALUES ('auto')"))
    assert ["auto", "first"] == names(made)
    with made.connect() as connection:
        connection.execute(text("DELETE FROM orders WHERE name = 'auto'"))
    release(made)
    made.dispose()


def test_who_writes_after_the_end_is_refused(engine: Engine) -> None:
    """A task that outlives its copy has nobody who would undo what it does."""
    with copied() as copy, Session(engine) as session:
        session.add(Order(name="a"))
        session.commit()
    late = Session(engine)
    with entered(copy), pytest.raises(NotIsolatedError, match="has ended"):
        late.scalars(select(Order))


def test_transactions_that_overlap_are_undone_or_refused(engine: Engine) -> None:
    """A session that only read may close late; one that wrote cannot take others back."""
    with copied():
        reading, writing = Session(engine), Session(engine)
        reading.scalars(select(Order)).all()
        writing.add(Order(name="a"))
        writing.commit()
        writing.close()
        reading.close()
        assert ["a", "first"] == names(engine)
        outer, inner = Session(engine), Session(engine)
        outer.add(Order(name="outer"))
        outer.flush()
        inner.add(Order(name="inner"))
        inner.commit()
        with pytest.raises(NotIsolatedError, match="overlap"):
            outer.rollback()


def test_the_engine_is_the_same_after_dispose_and_after_release(address: str) -> None:
    """A new pool is looked after as well; a released engine commits again."""
    made = create_engine(address)
    rollback(made)
    made.dispose()
    with copied(), Session(made) as session:
        session.add(Order(name="a"))
        session.commit()
    assert ["first"] == names(made)
    release(made)
    with copied(), Session(made) as session:
        session.add(Order(name="kept"))
        session.commit()
    assert ["first", "kept"] == names(made)
    with Session(made) as session:
        session.query(Order).filter_by(name="kept").delete()
        session.commit()
    made.dispose()


def test_read_only_refuses_at_the_database(address: str) -> None:
    """What the driver raises is marked, and the next who writes may."""
    made = create_engine(address)
    read_only(made)
    with copied() as copy:
        assert ["first"] == names(made)
        with Session(made) as session:
            session.add(Order(name="a"))
            with pytest.raises(DBAPIError):
                session.commit()
        assert ["first"] == names(made)
    assert "read_only" == copy.refused
    with Session(made) as session:
        session.add(Order(name="b"))
        session.commit()
        session.query(Order).filter_by(name="b").delete()
        session.commit()
    release(made)
    made.dispose()


def _async_addresses(address: str) -> list[str]:
    if address.startswith("sqlite"):
        return [address.replace("sqlite", "sqlite+aiosqlite")]
    return [address, address.replace("+psycopg", "+asyncpg")]


def test_asynchronous_engines_are_undone(address: str) -> None:
    """Each driver: sessions and Core share the one connection of the copy."""
    for url in _async_addresses(address):
        asyncio.run(_work_async(create_async_engine(url)))


async def _work_async(engine: AsyncEngine) -> None:
    rollback(engine)
    copy = ShadowRequest("5f-1")
    with entered(copy):
        async with AsyncSession(engine) as session:
            session.add(Order(name="a"))
            await session.commit()
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO orders (name) VALUES ('b')"))
        async with AsyncSession(engine) as session:
            found = await session.scalars(select(Order.name))
            assert ["a", "b", "first"] == sorted(found)
    await copy.aend()
    async with AsyncSession(engine) as session:
        assert ["first"] == list(await session.scalars(select(Order.name)))
    release(engine)
    await engine.dispose()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "sqlite://", "an Engine or AsyncEngine"),
        (lambda: create_engine("mysql+pymysql://x/y", module=_Driver), "not on mysql"),
    ],
)
def test_other_databases_are_refused(make: Callable[[], Any], words: str) -> None:
    """When it is set up, with what to do instead."""
    with pytest.raises(ConfigurationError, match=words):
        rollback(make())


class _Driver:
    """As much of a driver as an engine looks at before it connects."""

    paramstyle = "format"
    Error = Exception


def test_an_engine_is_looked_after_once(tmp_path: Path) -> None:
    """Twice would roll back the rollback's own savepoints."""
    made = create_engine(f"sqlite:///{tmp_path / 'x.db'}")
    rollback(made)
    with pytest.raises(ConfigurationError, match="release"):
        read_only(made)
    release(made)
    release(made)
    made.dispose()
