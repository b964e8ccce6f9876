"""The API does what its own description says, whatever is asked (schemathesis)."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from shadow_middleware.api import api
from shadow_middleware.api.app import OPERATIONS
from shadow_middleware.api.operation import Operation
from tests.api.conftest import BEARER, TOKEN


def test_every_operation_is_described(client: TestClient) -> None:
    """With its own name, so that clients can be made from the document."""
    document = client.get("/api/openapi.json").json()

    named = {
        (method.upper(), path): one["operationId"]
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    }
    assert {(one.method, one.path): one.name for one in OPERATIONS} == named
    assert len(set(named.values())) == len(named)
    assert "3.1.0" == document["openapi"]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_it_does_what_its_description_says(operation: Operation, url: str) -> None:
    """No answer that is not described, none of another form, and no server error."""
    app = api(token=TOKEN, store_url=url)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=BEARER)
    # What is a TOML of rules, or a target that may be added, is more than a schema says.
    words = operation.name in ("add_rules", "set_target")
    beyond: list[Any] = [positive_data_acceptance] if words else []
    cases = schema[operation.path][operation.method].as_strategy()

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def holds(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=BEARER, excluded_checks=beyond)

    holds()
