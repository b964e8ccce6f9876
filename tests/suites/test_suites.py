"""
W51: other projects' own tests pass the same when every app in them is wrapped by us.

The quick part of three suites; `scripts/suites` runs them whole.
"""

from __future__ import annotations

import pytest

from tests.suites.run import SUITES, run

FEWEST = {"starlette": 900, "flask": 450, "django": 340}
"""Tests that have to pass, so that a suite that ran nothing proves nothing."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SUITES)
def test_anothers_tests_pass_the_same_when_every_app_is_wrapped(name: str) -> None:
    """
    W51: on asyncio and trio, with warnings as errors, hundreds of instances a process.

    What passes needs no comparison; what does not has to end the same without us.
    """
    wrapped = run(name, wrap=True, quick=True)
    odd = [test for test, outcome in wrapped.outcomes.items() if outcome != "passed"]
    bare = run(name, wrap=False, quick=True, only=odd).outcomes if odd else {}

    assert {test: bare.get(test) for test in odd} == {
        test: wrapped.outcomes[test] for test in odd
    }
    assert wrapped.passed >= FEWEST[name]
    assert wrapped.wrapped >= 100
    assert wrapped.mirrored >= 100
