"""`/metrics` tells what the store holds, to Prometheus and to nobody else."""

from __future__ import annotations

import sys

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from shadow_middleware.api import api
from shadow_middleware.dashboard import dashboard
from tests.api.conftest import BEARER, TOKEN

PREFIX = "shadow_middleware_store"


@pytest.mark.parametrize("made", [api, dashboard])
def test_figures_are_those_of_the_summary(made: type, url: str) -> None:
    """Read by Prometheus' own parser, in the API alone and in the dashboard."""
    client = TestClient(made(token=TOKEN, store_url=url), headers=BEARER)
    answer = client.get("/metrics")
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    (target,) = client.get("/api/v1/summary").json()["targets"]

    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    outcomes: dict[str, float] = {}
    for sample in families[f"{PREFIX}_replays"].samples:
        name = sample.labels["outcome"]
        outcomes[name] = outcomes.get(name, 0) + sample.value
    assert sum(target["outcomes"].values()) == sum(outcomes.values()) > 20
    (selected,) = families[f"{PREFIX}_selected"].samples
    assert target["selected"] == selected.value


def test_nobody_else_reads_them(stranger: TestClient) -> None:
    """They are refused as everything else is, and cannot be written to."""
    assert 401 == stranger.get("/metrics").status_code
    assert 405 == stranger.post("/metrics", headers=BEARER).status_code


def test_a_store_that_is_away_is_said_to_be(tmp_path: object) -> None:
    """Prometheus counts the scrape as failed, and a person reads why."""
    app = api(token=TOKEN, store_url=f"sqlite:///{tmp_path}/none/x.db")

    answer = TestClient(app, headers=BEARER).get("/metrics")

    assert 503 == answer.status_code
    assert "none/x.db" in answer.json()["detail"]


def test_without_the_extra_it_says_what_to_install(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the API needs no Prometheus client."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    answer = client.get("/metrics")

    assert 501 == answer.status_code
    assert "pip install 'shadow-middleware[metrics]'" in answer.json()["detail"]
