"""
W51: other projects' own tests pass the same when every app in them is wrapped by us.

The quick part of three suites; `scripts/suites` runs them whole.
"""

from __future__ import annotations

import pytest

from tests.suites.run import SUITES, changed, run

FEWEST = {"starlette": 700, "flask": 400, "django": 300}
"""Tests that have to pass, so that a suite that ran nothing proves nothing."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SUITES)
def test_anothers_tests_pass_the_same_when_every_app_is_wrapped(name: str) -> None:
    """W51: on asyncio and trio, with warnings as errors, hundreds of instances a process."""
    bare = run(name, wrap=False, quick=True)
    wrapped = run(name, wrap=True, quick=True)

    assert [] == changed(bare, wrapped)
    assert bare.passed >= FEWEST[name]
    assert wrapped.wrapped >= 100
    assert wrapped.mirrored >= 100
