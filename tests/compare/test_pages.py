"""HTML is compared by its lines, without the white space that nobody sees."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare import Comparison
from shadow_middleware.compare.pages import lines_of_page
from tests.compare.making import answer, compare

HTML = "text/html; charset=utf-8"


def pages(live: str, shadow: str, kind: str = HTML, other: str = HTML) -> Comparison:
    """What the comparer says of two pages."""
    return compare(
        answer(live.encode(), kind=kind), answer(shadow.encode(), kind=other)
    )


@pytest.mark.parametrize(
    ("live", "shadow"),
    [
        ("<ul>\n  <li>a</li>\n</ul>", "<ul>\n        <li>a</li>\n\t</ul>"),
        ("<p>a</p>\n<p>b</p>", "<p>a</p>\n\n   \n<p>b</p>"),
        ("<p>a</p>\n", "\n  <p>a</p>"),
        ("<p>a</p>\r\n<p>b</p>\r\n", "<p>a</p>\n<p>b</p>\n"),
        ("<p>a</p>  \n<pre> x\n  y</pre>", "<p>a</p>\n   <pre> x\n  y</pre>"),
    ],
)
def test_indentation_and_blank_lines_are_formatting(live: str, shadow: str) -> None:
    """A template that is included from elsewhere is no finding; the reason is recorded."""
    found = pages(live, shadow)

    assert ("explained", ("html-formatting",)) == (found.result, found.explained)


@pytest.mark.parametrize(
    ("live", "shadow"),
    [
        ("<pre>\n  a\n</pre>", "<pre>\n a\n</pre>"),
        ("<PRE>\n  a\n</PRE>", "<PRE>\n a\n</PRE>"),
        (
            "<pre>a\n <script>b</script>\n  c</pre>",
            "<pre>a\n <script>b</script>\nc</pre>",
        ),
        ("<textarea>a\n\nb</textarea>", "<textarea>a\nb</textarea>"),
        ("<script>x = `a\n  b`</script>", "<script>x = `a\nb`</script>"),
        ('<input value="a\n  b">', '<input value="a\nb">'),
        ("<input value='a\n  b'>", "<input value='a\nb'>"),
        ("<pre>\n  a", "<pre>\n a"),
        ("<b>a</b> <b>c</b>", "<b>a</b><b>c</b>"),
        ("<b>a</b>\n<b>c</b>", "<b>a</b><b>c</b>"),
        ("<b>a\n\u00a0</b>", "<b>a\n</b>"),
    ],
)
def test_white_space_that_is_seen_is_a_difference(live: str, shadow: str) -> None:
    """Within elements that keep it, within values, and between words."""
    assert "different" == pages(live, shadow).result


def test_other_text_keeps_all_its_white_space() -> None:
    """Indentation is YAML's and Python's meaning; a page that only one side states is text."""
    live, shadow = "a:\n  b: 1", "a:\nb: 1"

    assert "different" == pages(live, shadow, "text/yaml", "text/yaml").result
    assert "different" == pages(live, shadow, HTML, "text/plain").result


def test_a_page_in_another_charset_is_the_same_page() -> None:
    """What explains the bytes is the charset, not the formatting."""
    found = compare(
        answer("<p>ü</p>".encode(), kind=HTML),
        answer("<p>ü</p>".encode("latin-1"), kind="text/html; charset=latin-1"),
    )

    assert "charset" in found.explained
    assert "html-formatting" not in found.explained


def test_one_line_more_in_a_template_is_one_difference_however_it_is_indented() -> None:
    """The rest of the page moved with it, and says nothing."""
    live = "<div>\n  <ul>\n    <li>a</li>\n    <li>b</li>\n  </ul>\n</div>\n"
    shadow = "<div>\n\n<ul>\n  <li>a</li>\n  <li>new</li>\n  <li>b</li>\n</ul></div>\n"
    shadow = shadow.replace("</ul></div>", "</ul>\n</div>")

    assert ["added"] == [one.kind.value for one in pages(live, shadow).differences]


@given(st.text(alphabet=" \n\tab<>/pre=\"'", max_size=60))
def test_lines_hold_the_same_words_in_the_same_order(text: str) -> None:
    """Nothing but white space is ever taken away, and what is left is left alone."""
    lines = lines_of_page(text)

    assert re.sub(r"\s", "", text) == re.sub(r"\s", "", "".join(lines))
    assert lines == lines_of_page("\n".join(lines))


@pytest.mark.parametrize("hostile", [" ", "<pre", '="', "</pre", "\n ", "<pre>='"])
def test_a_hostile_page_takes_linear_time(hostile: str) -> None:
    """Half a megabyte of anything is read in a small part of a second."""
    started = time.process_time()

    lines_of_page(hostile * (500_000 // len(hostile)))

    assert 1.0 > time.process_time() - started
