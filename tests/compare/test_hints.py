"""When a default of ours is the likely cause, the comparison names the setting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compare.making import answer, compare

WITHHELD = ("authorization", "cookie")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_after_withheld_credentials_names_the_setting(status: int) -> None:
    """The shadow never saw the credentials that live saw."""
    comparison = compare(answer(), answer(status=status), withheld=WITHHELD)

    assert "credentials='drop'" in comparison.hint
    assert "authorization, cookie" in comparison.hint
    assert "keep_headers" in comparison.hint


def test_a_redirect_to_the_login_page_names_the_setting_too() -> None:
    """That is how web pages refuse."""
    login = answer(status=302, headers=((b"Location", b"/accounts/login/?next=/"),))

    assert "credentials='drop'" in compare(answer(), login, withheld=WITHHELD).hint


@pytest.mark.parametrize(
    ("live", "shadow", "withheld"),
    [(200, 401, ()), (401, 401, WITHHELD), (401, 403, WITHHELD), (200, 500, WITHHELD)],
)
def test_no_setting_is_blamed_without_cause(
    live: Any, shadow: Any, withheld: Any
) -> None:
    """Nothing was withheld, or live refused as well."""
    comparison = compare(answer(status=live), answer(status=shadow), withheld=withheld)

    assert "" == comparison.hint


def test_a_host_that_is_not_accepted_names_the_setting() -> None:
    """Django answers 400 to a Host that is not in ALLOWED_HOSTS."""
    assert "host='preserve'" in compare(answer(), answer(status=400)).hint
