"""What every test starts from: no settings from outside, the same Hypothesis profile."""

from __future__ import annotations

import os

import hypothesis
import pytest

from tests.postgres import empty_postgres_url, postgres_server, postgres_url
from tests.shared import empty_store, tea_store
from tests.tracing import children_uncounted, untraced

__all__ = [
    "children_uncounted",
    "empty_postgres_url",
    "empty_store",
    "postgres_server",
    "postgres_url",
    "tea_store",
    "untraced",
]

hypothesis.settings.register_profile(
    "project",
    # Examples take longer on a machine that is busy; that says nothing about the code.
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("project")


CHOSEN_FOR_THE_RUN = "SHADOW_MIDDLEWARE_HTTP_CLIENT"
"""Stays, so that the whole run can be done with either client."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every setting out of the environment, and with it every proxy."""
    for name in os.environ.keys() - {CHOSEN_FOR_THE_RUN}:
        if name.startswith("SHADOW_MIDDLEWARE_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # Tests that wait for an agent are what it would give way to.
    monkeypatch.setenv("SHADOW_MIDDLEWARE_AGENT_NICE", "0")
