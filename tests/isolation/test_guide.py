"""The guide's snippets: compose files are sound, and its SQL runs on a real Postgres."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tests.postgres import PostgresServer

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "isolation.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    found = BLOCK.findall(PAGE.read_text("utf-8"))
    return [text for name, text in found if name == language]


def block_with(words: str) -> str:
    """Return the one SQL block with these words."""
    (found,) = [text for text in blocks("sql") if words in text]
    return found


def address(server: PostgresServer, name: str) -> str:
    """The address as psycopg takes it."""
    return server.url(name).replace("+psycopg", "")


def shop(server: PostgresServer) -> str:
    """A database with one order of number 1, and its name."""
    name = server.create()
    with psycopg.connect(address(server, name), autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id serial PRIMARY KEY, name text)")
        connection.execute("CREATE TABLE empty (id int GENERATED ALWAYS AS IDENTITY)")
        connection.execute("INSERT INTO orders (name) VALUES ('first')")
    return name


@pytest.mark.parametrize("text", blocks("yaml"))
def test_compose_files_name_what_they_define(text: str) -> None:
    """Services, conditions and networks exist; every variable that is needed says so."""
    file: dict[str, Any] = yaml.safe_load(text)
    services = file["services"]
    conditions = {"service_healthy", "service_completed_successfully"}
    for service in services.values():
        assert set(service) <= {
            "command",
            "depends_on",
            "environment",
            "healthcheck",
            "image",
            "networks",
            "tmpfs",
        }
        for name, how in service.get("depends_on", {}).items():
            assert how["condition"] in conditions
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[name]
        assert set(service.get("networks", ())) <= set(file["networks"])
    assert [] == re.findall(r"\$\{\w+\}", text)


def test_a_template_is_a_snapshot(postgres_server: PostgresServer) -> None:
    """What is written into the copy is not in the original."""
    name = shop(postgres_server)
    statement = block_with("TEMPLATE").replace("shop_shadow", f"{name}_shadow")
    with psycopg.connect(
        address(postgres_server, "postgres"), autocommit=True
    ) as connection:
        connection.execute(statement.replace("TEMPLATE shop", f"TEMPLATE {name}"))
    with psycopg.connect(address(postgres_server, f"{name}_shadow")) as connection:
        connection.execute("INSERT INTO orders (name) VALUES ('copy')")
    with psycopg.connect(address(postgres_server, name)) as connection:
        rows = connection.execute("SELECT name FROM orders").fetchall()

    assert [("first",)] == rows


def test_sequences_are_put_behind_what_is_there(
    postgres_server: PostgresServer,
) -> None:
    """After many rolled back inserts the next id is the next one again."""
    name = shop(postgres_server)
    with psycopg.connect(address(postgres_server, name)) as connection:
        for _ in range(10):
            connection.execute("INSERT INTO orders (name) VALUES ('x')")
        connection.execute("INSERT INTO empty DEFAULT VALUES")
        connection.rollback()
        connection.execute(block_with("setval"))
        connection.commit()
        one = connection.execute("INSERT INTO orders DEFAULT VALUES RETURNING id")
        other = connection.execute("INSERT INTO empty DEFAULT VALUES RETURNING id")

        assert ((2,), (1,)) == (one.fetchone(), other.fetchone())


def test_the_role_reads_and_does_not_write(postgres_server: PostgresServer) -> None:
    """Refused by the default, and with the default switched off by what it is granted."""
    name = shop(postgres_server)
    role = f"{name}_reader"
    statement = block_with("CREATE ROLE").replace("shop_shadow", role)
    with psycopg.connect(address(postgres_server, name), autocommit=True) as owner:
        owner.execute(statement)
        # Otherwise than by a login, a role does not bring its settings along.
        owner.execute(f"SET ROLE {role}")
        assert ("first",) == owner.execute("SELECT name FROM orders").fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("INSERT INTO orders (name) VALUES ('x')")
        owner.execute("RESET ROLE")
        settings = owner.execute(
            "SELECT setconfig FROM pg_db_role_setting WHERE setrole = %s::regrole",
            [role],
        ).fetchone()
        owner.execute(f"DROP ROLE {role}")

    assert (["default_transaction_read_only=on"],) == settings
