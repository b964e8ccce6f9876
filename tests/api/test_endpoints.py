"""Every endpoint answers what the store holds, in parts that have a bound."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from shadow_middleware.api import api
from tests.api.conftest import BEARER, TOKEN

READS = [
    "/api/stats",
    *(
        f"/api/v1/{name}"
        for name in (
            "overview", "summary", "routes", "series", "groups", "divergences", "noise", "rules",
            "suggestions", "targets", "coverage", "verdict", "versions",
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
def test_an_answer_that_did_not_change_is_not_sent_again(
    path: str, client: TestClient
) -> None:
    """Whoever looks again sends the tag of what it has."""
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert 200 == first.status_code
    assert (304, b"") == (again.status_code, again.content)


def test_stats_has_the_figures_that_scripts_know(client: TestClient) -> None:
    """They add up to what the summary says."""
    stats = client.get("/api/stats").json()
    (target,) = client.get("/api/v1/summary").json()["targets"]

    wanted = {
        "started_at", "last_event_at", "total_requests", "divergences", "matches",
        "status_mismatches", "body_mismatches", "latency_buckets", "divergence_rate",
        "avg_latency_delta_ms", "recent_divergences",
    }  # fmt: skip
    assert wanted <= stats.keys()
    assert target["outcomes"]["divergence"] == stats["divergences"] > 0
    assert target["outcomes"].get("match", 0) == stats["matches"]
    assert sum(target["outcomes"].values()) == stats["total_requests"]
    samples = sum(one["shadow"] for one in stats["latency_buckets"])
    assert target["latency"]["samples"] == samples
    assert 0 < stats["status_mismatches"] + stats["body_mismatches"]
    assert stats["started_at"] <= stats["last_event_at"]


@pytest.mark.parametrize("name", ["divergences", "groups", "routes"])
def test_a_list_comes_in_parts(name: str, client: TestClient) -> None:
    """The parts together are the list, and none is longer than was asked for."""
    query: dict[str, Any] = {"state": "all"} if name == "groups" else {}
    whole = client.get(f"/api/v1/{name}", params={"limit": 200} | query).json()
    parts: list[Any] = []
    for offset in range(whole["total"]):
        page = {"limit": 1, "offset": offset}
        parts += client.get(f"/api/v1/{name}", params=page | query).json()["items"]

    assert whole["total"] == len(whole["items"]) > 1
    assert whole["items"] == parts


def test_no_list_is_longer_than_its_bound(client: TestClient) -> None:
    """A million rows cannot be asked for at once."""
    answer = client.get("/api/v1/divergences", params={"limit": 201})

    assert 400 == answer.status_code
    assert "application/problem+json" == answer.headers["content-type"]
    assert "limit" in answer.json()["detail"]


def test_divergences_are_found_by_what_they_are(client: TestClient) -> None:
    """By route, target and group; a name that was never seen finds none."""
    (first, *_) = client.get("/api/v1/divergences").json()["items"]

    def found(**query: str) -> list[int]:
        page = client.get("/api/v1/divergences", params=query).json()
        return [one["id"] for one in page["items"]]

    assert first["id"] in found(route=first["route"])
    assert first["id"] in found(target=first["target"])
    assert [] == found(route="GET /never")
    assert [] == found(until="1")
    assert {first["route"]} == {
        one["route"]
        for one in client.get(
            "/api/v1/divergences", params={"route": first["route"]}
        ).json()["items"]
    }


@pytest.mark.parametrize("name", ["groups", "routes", "noise"])
def test_rows_are_found_by_words(name: str, client: TestClient) -> None:
    """All of the words, in any case and any order; none finds everything."""

    def found(find: str) -> int:
        query = {"find": find} | ({"state": "all"} if name == "groups" else {})
        total: int = client.get(f"/api/v1/{name}", params=query).json()["total"]
        return total

    whole = client.get(
        f"/api/v1/{name}", params={"state": "all"} if name == "groups" else {}
    ).json()["total"]
    assert 0 < found("tea GET") == found("get TEA") < whole
    assert whole == found(" ")
    assert 0 == found("tea nowhere")


def test_groups_of_several_states_can_be_asked_for(client: TestClient) -> None:
    """`counted` is two of them, and `all` is each."""
    (first, *_) = client.get("/api/v1/groups").json()["items"]
    path = f"/api/v1/groups/{first['fingerprint']}"
    client.patch(path, json={"state": "ignored"})

    def total(state: str) -> int:
        found: int = client.get("/api/v1/groups", params={"state": state}).json()[
            "total"
        ]
        return found

    assert 1 == total("ignored")
    assert total("counted") + 1 == total("open,regressed,ignored")
    assert total("all") == total("counted,all") == total("all,ignored")
    assert 400 == client.get("/api/v1/groups?state=open,none").status_code


def test_the_overview_is_the_summary_and_the_verdict(client: TestClient) -> None:
    """From one reading, so that they cannot contradict each other."""
    seen = client.get("/api/v1/overview").json()

    assert client.get("/api/v1/summary").json() == seen["summary"]
    assert client.get("/api/v1/verdict").json() == seen["verdict"]


def test_a_divergence_and_its_exchange_are_whole(client: TestClient) -> None:
    """Both answers, the request and what differs, as they are stored."""
    (first, *_) = client.get("/api/v1/divergences").json()["items"]

    one = client.get(f"/api/v1/divergences/{first['id']}").json()
    exchange = client.get(f"/api/v1/exchanges/{first['exchange_id']}").json()

    assert first["exchange_id"] == one["record"]["exchange_id"]
    assert one in exchange["items"]
    assert {"live_body", "shadow_body", "request_headers"} <= one["record"].keys()


@pytest.mark.parametrize(
    "path",
    [
        "divergences/999999", "divergences/0", "divergences/99999999999999999999",
        "divergences/x", "exchanges/none", "groups/0123456789abcdef",
        "groups/short", "groups/0123456789abcdef/recheck", "nothing",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_that_says_so(
    path: str, client: TestClient
) -> None:
    """In the same form everywhere."""
    answer = client.get(f"/api/v1/{path}")

    assert 404 == answer.status_code
    assert {"status", "title", "detail", "type"} == answer.json().keys()


def test_a_decision_about_a_group_holds(client: TestClient) -> None:
    """It is ignored, then counts again, and a ruling is taken back as it was made."""
    (first, *_) = client.get("/api/v1/groups").json()["items"]
    path = f"/api/v1/groups/{first['fingerprint']}"

    ignored = client.patch(path, json={"state": "ignored", "note": "a typo"}).json()
    counted = client.get("/api/v1/groups").json()["items"]
    assert ("ignored", "a typo") == (ignored["state"], ignored["note"])
    assert first["fingerprint"] not in [one["fingerprint"] for one in counted]

    client.patch(path, json={"state": "open"})
    ruled = client.patch(path, json={"ruling": "noise"}).json()
    assert "noise" == ruled["state"]
    client.patch(path, json={"ruling": "learned"})
    assert "open" == client.get(path).json()["row"]["state"]


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_nothing_is_decided_of_a_group_that_is_not_there(
    method: str, client: TestClient
) -> None:
    """Neither a state nor a recheck."""
    path = "/api/v1/groups/0123456789abcdef" + ("/recheck" if method == "POST" else "")

    assert 404 == client.request(method, path, json={}).status_code


def test_rules_are_added_and_removed(client: TestClient) -> None:
    """By name, slashes and all; a second removal finds none."""
    toml = {"toml": 'name = "a / b?"\npath = "/**/id"\n', "note": "why"}

    assert {"added": 1} == client.post("/api/v1/rules", json=toml).json()
    assert {"added": 0} == client.post("/api/v1/rules", json=toml).json()
    rules = client.get("/api/v1/rules").json()["items"]
    assert ["a / b?"] == [one["name"] for one in rules if one["source"] == "store"]
    assert 204 == client.delete("/api/v1/rules/a%20%2F%20b%3F").status_code
    assert 404 == client.delete("/api/v1/rules/a%20%2F%20b%3F").status_code


def test_a_rule_that_is_wrong_says_what_would_be_right(client: TestClient) -> None:
    """Nothing of the text is added then."""
    answer = client.post("/api/v1/rules", json={"toml": 'paht = "/a"'})

    assert 422 == answer.status_code
    assert "paht" in answer.json()["detail"]


def test_a_recheck_without_a_shadow_is_refused(client: TestClient) -> None:
    """The settings have to say where it is."""
    (first, *_) = client.get("/api/v1/groups").json()["items"]
    path = f"/api/v1/groups/{first['fingerprint']}/recheck"

    answer = client.post(path, json={})

    assert 409 == answer.status_code
    assert "shadow_url" in answer.json()["detail"]


def test_a_recheck_runs_beside_and_is_asked_for_later(url: str) -> None:
    """It answers at once; what came of it can be read until the process ends."""
    app = api(token=TOKEN, store_url=url, shadow_url="http://127.0.0.1:9")
    client = TestClient(app, headers=BEARER)
    (first, *_) = client.get("/api/v1/groups").json()["items"]
    path = f"/api/v1/groups/{first['fingerprint']}/recheck"

    begun = client.post(path, json={})
    while (job := client.get(path).json())["running"]:
        pass  # until a port that nobody listens on has refused

    assert 202 == begun.status_code
    assert "cannot tell" == job["fate"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "offset=-1", "since=nan", "since=inf", "nonsense=1",
     "route=%00", "limit=1&limit=2", "part=soul"],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_refused(
    query: str, client: TestClient
) -> None:
    """A mistyped parameter must not look as if it had been heeded."""
    assert 400 == client.get(f"/api/v1/groups?{query}").status_code


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state=nonsense", "state: 'nonsense' is not right; it may be one of counted"),
        ("part=soul", "it may be status, header, body, latency"),
        ("limit=0", "limit: '0' is not right; it may be a whole number from 1 to 200"),
        ("nonsense=1", "'nonsense' is not known; there are: limit, offset, target"),
        ("route=", "it may be text of 1 to 500 characters, without a zero byte"),
    ],
)
def test_a_refusal_says_what_would_be_right(
    query: str, said: str, client: TestClient
) -> None:
    """In words, and never as a regular expression."""
    detail = client.get(f"/api/v1/groups?{query}").json()["detail"]

    assert said in detail
    assert "^" not in detail


def test_a_body_that_is_refused_says_what_would_be_right(client: TestClient) -> None:
    """The same for what is posted."""
    group = client.get("/api/v1/groups").json()["items"][0]["fingerprint"]
    answer = client.patch(f"/api/v1/groups/{group}", json={"state": "closed"})

    detail = answer.json()["detail"]
    assert "state: 'closed' is not right; it may be ignored, open, resolved" == detail


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"toml": 1}', b'{"toml": "a", "more": 1}']
)
def test_a_body_that_makes_no_sense_is_refused(body: bytes, client: TestClient) -> None:
    """With a problem, and never a traceback."""
    json = {"Content-Type": "application/json"}

    answer = client.post("/api/v1/rules", content=body, headers=json)

    assert 400 == answer.status_code


def test_a_body_that_never_ends_is_not_read_to_its_end(client: TestClient) -> None:
    """64 KiB are enough for any decision."""
    answer = client.post("/api/v1/rules", json={"toml": "#" * 70_000})

    assert 413 == answer.status_code


def test_a_store_that_is_away_is_a_problem_of_its_own(tmp_path: object) -> None:
    """The host goes on, and the answer says what is missing."""
    app = api(token=TOKEN, store_url=f"sqlite:///{tmp_path}/none/x.db")

    answer = TestClient(app, headers=BEARER).get("/api/stats")

    assert 503 == answer.status_code
