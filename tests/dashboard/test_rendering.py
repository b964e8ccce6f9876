"""What templates may print: nothing of the outside is markup, nothing is hidden."""

from __future__ import annotations

import pytest

from shadow_middleware.dashboard.figures import (
    lasting,
    ms,
    number,
    share,
    signed_ms,
    when,
)
from shadow_middleware.dashboard.rendering import render

FRAME = {
    "title": "t",
    "nav": (),
    "here": "",
    "url": lambda *_, **__: "/x",
    "static": lambda path: f"/s/{path}",
    "csrf": "",
    "signed_in": False,
    "every": 0,
    "etag": "",
    "heading": "h",
    "advice": (),
}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" autofocus onfocus=alert(1) x="',
    "{{ 7 * 7 }}{% include 'base.html' %}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_the_outside_is_never_markup(text: str) -> None:
    """Tags, quotes and template marks are shown as what they are."""
    page = render("problem.html", {**FRAME, "message": text})

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert '" autofocus' not in page
    assert "49" not in page


def test_what_cannot_be_seen_is_made_visible() -> None:
    """Escapes, zeroes and marks that turn the direction of writing show as codes."""
    page = render("problem.html", {**FRAME, "message": "a\x00b\x1b[31m\u202ec"})

    assert r"a\x00b\x1b[31m\u202ec" in page


def test_a_look_for_news_gets_the_moving_part_alone() -> None:
    """It is put into the page that is open already."""
    page = render("problem.html", {**FRAME, "message": "gone"}, look=True)

    assert "gone" in page
    assert "<html" not in page


def test_a_page_names_no_other_host_and_runs_nothing_inline() -> None:
    """All that it loads is packaged; the policy would refuse the rest."""
    page = render("problem.html", {**FRAME, "message": ""})

    assert "//" not in page.replace("http://www.w3.org", "")
    assert page.count("<script") == page.count("<script defer src=")
    assert " style=" not in page
    assert "<style" not in page


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number(12_345), "12,345"),
        (number(None), "\u2013"),
        (share(0.99999), "99.99 %"),
        (ms(0.1234), "0.12"),
        (signed_ms(12.34), "+12.3"),
        (signed_ms(-3.0), "-3.0"),
        (lasting(7_200), "2 h"),
        (lasting(59), "59 s"),
        (when(None), "\u2013"),
    ],
)
def test_figures_are_written_as_people_read_them(written: str, expected: str) -> None:
    """With as many digits as matter; a dash where there is no figure."""
    assert expected == written


def test_a_time_is_written_for_people_and_for_machines() -> None:
    """A script may say how long ago it is; without one it is UTC."""
    made = str(when(1_800_000_000.0))

    assert 'datetime="2027-01-15T08:00:00Z"' in made
    assert ">2027-01-15 08:00 UTC<" in made
