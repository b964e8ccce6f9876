"""The page of targets: what is posted there is set for all hosts, or said to be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shadow_middleware.dashboard import dashboard
from shadow_middleware.store.sql import SqlStore
from shadow_middleware.targets import Happening, HealthEvent, StoredTarget
from tests.dashboard.conftest import TOKEN
from tests.shared import copied

ALLOWED = ["*.lab.test"]
V2 = {"url": "http://v2.lab.test", "name": "v2"}


@pytest.fixture
def url(empty_store: Path, tmp_path: Path) -> str:
    """Give the address of an empty store."""
    return copied(empty_store, tmp_path / "empty.db")


def signed_in(url: str, **settings: Any) -> TestClient:
    """Return a client with the token, that is sent on to the page it is led to."""
    settings.setdefault("shadow_url", "http://v1.test")
    app = dashboard(token=TOKEN, store_url=url, **settings)
    return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.fixture
def client(url: str) -> Iterator[TestClient]:
    """Give one where the settings name a target, and allow some."""
    with signed_in(url, target_allow=ALLOWED) as made:
        yield made


def stored(url: str) -> dict[str, StoredTarget]:
    """Return what is set, by name."""
    with closing(SqlStore(url, create=False)) as store:
        return {one.name: one for one in store.targets_state().targets}


def test_a_target_is_added_and_shown(client: TestClient, url: str) -> None:
    """With a name that is given, or made of its URL."""
    text = client.post("/targets/add", data={**V2, "rate": "0.5", "note": "try"}).text
    client.post("/targets/add", data={"url": "http://v3.lab.test", "rate": ""})

    assert "Added: agents send to it" in text
    assert "http://v2.lab.test" in text
    assert {"v2": 0.5, "v3-lab-test": None} == {
        name: one.rate for name, one in stored(url).items()
    }


def test_what_a_form_leaves_empty_follows_the_settings(
    client: TestClient, url: str
) -> None:
    """And what it does not have stays."""
    fields = {"rate_limit": "5", "methods": "get, POST", "include": "/a/** /b"}
    client.post("/targets/set", data={"name": "shadow", "rate": "0.25"})
    client.post("/targets/set", data={"name": "shadow", **fields, "persistent": "yes"})
    first = stored(url)["shadow"]
    client.post("/targets/set", data={"name": "shadow", "rate": "", "include": ""})
    second = stored(url)["shadow"]

    assert (0.25, 5.0, ("GET", "POST"), ("/a/**", "/b"), True) == (
        first.rate, first.rate_limit, first.methods, first.include, first.persistent,
    )  # fmt: skip
    assert (None, 5.0, None) == (second.rate, second.rate_limit, second.include)


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("add", {"url": "http://evil.test"}, "target_allow has"),
        ("add", {"url": "<script>"}, "&lt;script&gt;"),
        ("add", {**V2, "name": "shadow"}, "There is a target named"),
        ("set", {"name": "shadow", "rate": "many"}, "is not a number"),
        ("set", {"name": "shadow", "rate": "2"}, "between 0 and 1"),
        ("set", {"name": "none", "rate": "1"}, "no target is named"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(
    client: TestClient, url: str, path: str, form: dict[str, str], said: str
) -> None:
    """With what was typed still there, and nothing changed."""
    answer = client.post(f"/targets/{path}", data=form)

    assert 422 == answer.status_code
    assert said in answer.text
    assert "<script>" not in answer.text
    if path == "add":
        typed = form["url"].replace("<", "&lt;").replace(">", "&gt;")
        assert f'value="{typed}"' in answer.text
    assert {} == stored(url)


def test_a_target_that_fails_says_why_and_can_be_enabled(
    client: TestClient, url: str
) -> None:
    """By hand it is healthy at once."""
    fell = HealthEvent(
        target="shadow", url="http://v1.test", what=Happening.FAILED, by="agent",
        reason="<b>refused",
    )  # fmt: skip
    with closing(SqlStore(url, create=False)) as store:
        store.health_event(fell)
    failing = client.get("/targets").text
    form = {"name": "shadow", "enabled": "yes"}
    healthy = client.post("/targets/set", data=form).text

    assert "it gets one probe now and then; &lt;b&gt;refused, failing since" in failing
    assert 'aria-label="Enable shadow"' in failing
    assert "one probe now and then" not in healthy


def test_what_was_set_is_forgotten(client: TestClient, url: str) -> None:
    """An added target goes; a second time there is nothing to forget."""
    client.post("/targets/add", data=V2)
    first = client.post("/targets/remove", data={"name": "v2"}).text
    second = client.post("/targets/remove", data={"name": "v2"}).text

    assert "Forgotten: nothing is set of it any more" in first
    assert "There is none of that name any more" in second
    assert {} == stored(url)


def test_the_switch_stops_all_copies(client: TestClient) -> None:
    """The page says so, with the reason, until it is turned again."""
    form = {"on": "no", "reason": "incident <7>"}
    off = client.post("/targets/switch", data=form).text
    on = client.post("/targets/switch", data={"on": "yes"}).text

    assert "All copies are stopped" in off
    assert "“incident &lt;7&gt;”" in off
    assert "Make copies again" in off
    assert "Copies are made" in on


def test_without_an_allowed_address_the_page_says_how_to_allow_one(url: str) -> None:
    """Instead of a form that would refuse everything."""
    with signed_in(url) as client:
        text = client.get("/targets").text

    assert "<code>target_allow</code> is empty" in text
    assert 'name="url"' not in text
