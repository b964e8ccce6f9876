"""Targets through the API: set, listed, removed, and refused where they may not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shadow_middleware.api import api
from tests.api.conftest import BEARER, TOKEN
from tests.shared import copied

SETTINGS: dict[str, Any] = {
    "shadow_url": "http://v1.test",
    "target_allow": ["*.lab.test"],
}
NEW = {"url": "http://v2.lab.test", "rate": 0.5, "note": "try it", "by": "ada"}


@pytest.fixture
def client(empty_store: Path, tmp_path: Path) -> TestClient:
    """Give a client of an API whose settings name one target, and allow some."""
    url = copied(empty_store, tmp_path / "empty.db")
    app = api(token=TOKEN, store_url=url, **SETTINGS)
    return TestClient(app, headers=BEARER)


def listed(client: TestClient) -> dict[str, Any]:
    """Return the targets by name."""
    found = client.get("/api/v1/targets").json()["items"]
    return {one["target"]: one for one in found}


def test_a_target_is_added_and_listed_with_all_that_was_set(client: TestClient) -> None:
    """Beside that of the settings, and with who said so."""
    made = client.patch("/api/v1/targets/v2", json=NEW).json()
    both = listed(client)

    assert ("v2", 0.5, "ada", "try it", None) == (
        *(made[name] for name in ("name", "rate", "by", "note", "enabled")),
    )
    assert ["settings", "added"] == [one["standing"]["origin"] for one in both.values()]
    assert ("http://v2.lab.test", 0.5) == (
        both["v2"]["address"],
        both["v2"]["stated"]["rate"],
    )


def test_single_fields_change_and_null_follows_the_settings_again(
    client: TestClient,
) -> None:
    """What is not named stays."""
    client.patch("/api/v1/targets/shadow", json={"rate": 0.1, "enabled": False})
    changed = listed(client)["shadow"]
    client.patch("/api/v1/targets/shadow", json={"enabled": None})
    back = listed(client)["shadow"]

    assert ("changed", "disabled") == (
        changed["standing"]["origin"],
        changed["standing"]["why"],
    )
    assert (True, 0.1, "") == (
        back["stated"]["enabled"],
        back["stated"]["rate"],
        back["standing"]["why"],
    )


def test_what_was_set_can_be_forgotten(client: TestClient) -> None:
    """An added target is no more; nothing else was set, so nothing else is removed."""
    client.patch("/api/v1/targets/v2", json=NEW)

    assert 204 == client.delete("/api/v1/targets/v2").status_code
    again = client.delete("/api/v1/targets/v2")
    assert (404, True) == (again.status_code, "disable it" in again.json()["detail"])
    assert ["shadow"] == [*listed(client)]


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("v2", {"url": "http://evil.test"}, "target_allow has '*.lab.test'"),
        ("v2", {"url": "ftp://v2.lab.test"}, "'ftp://v2.lab.test'"),
        ("shadwo", {"rate": 1}, "did you mean 'shadow'?"),
        ("shadow", {"rate": 0.00001}, "did you mean 0.0001?"),
        ("a b", {"url": "http://v2.lab.test"}, "is not a name"),
    ],
)
def test_what_cannot_be_set_is_refused_and_says_why(
    client: TestClient, name: str, body: dict[str, Any], said: str
) -> None:
    """Nothing is changed by it."""
    answer = client.patch(f"/api/v1/targets/{name}", json=body)

    assert 422 == answer.status_code
    assert said in answer.json()["detail"]
    assert ["shadow"] == [*listed(client)]
    assert listed(client)["shadow"]["standing"]["stored"] is None


def test_the_switch_stops_every_target(client: TestClient) -> None:
    """And has them all get copies again."""
    before = client.get("/api/v1/switch").json()
    client.put("/api/v1/switch", json={"on": False, "reason": "incident 7"})
    off = client.get("/api/v1/targets").json()
    client.put("/api/v1/switch", json={"on": True})

    assert before["on"]
    assert (False, "incident 7", "the API") == (
        *(off["switch"][name] for name in ("on", "reason", "by")),
    )
    assert ["switched_off"] == [one["standing"]["why"] for one in off["items"]]
    assert "" == listed(client)["shadow"]["standing"]["why"]
