"""Differences within a text: each place for itself, wherever the line is."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare import Comparer, Comparison, Legs
from shadow_middleware.compare.spans import spans_of
from shadow_middleware.settings import Settings
from tests.compare.making import answer, compare_json, exchange

LEGS = Legs(1_795_000_000.0, 1_795_000_060.0, "live.example", "shadow.example")
PAGE = """<html>
<head><script nonce="{nonce}">go()</script></head>
<form><input type="hidden" name="csrfmiddlewaretoken" value="{csrf}"></form>
<p class="price">12.50</p>
<footer>Rendered at {time} by <a href="http://{host}/x">us</a></footer>
</html>"""
LIVE = {
    "nonce": "q83vEjRWeJCrze8S",
    "csrf": "aB3dE5" * 10,
    "time": "2026-11-18 18:26:40",
    "host": "live.example",
}
SHADOW = {
    "nonce": "ze8SNFZ4kKvN7xI0",
    "csrf": "Zy7xW5" * 10,
    "time": "2026-11-18 18:27:40",
    "host": "shadow.example",
}


def pages(live: str, shadow: str, kind: str = "text/html") -> Comparison:
    """What is said of two texts."""
    left, right = (answer(text.encode(), kind=kind) for text in (live, shadow))
    return Comparer(Settings()).compare(exchange(left), "shadow", right, LEGS)


def told(comparison: Comparison) -> set[tuple[str, str]]:
    """Path shape and likeness of each difference."""
    return {(d.shape, d.alike) for d in comparison.differences}


def test_each_place_of_a_page_is_named_and_has_its_own_likeness() -> None:
    """A nonce, a token, a time and a host name; nothing else is said to differ."""
    comparison = pages(PAGE.format(**LIVE), PAGE.format(**SHADOW))

    assert {
        ("/* <script nonce=", "token"),
        ("/* <input csrfmiddlewaretoken value=", "csrf-token"),
        ("/* <footer> Rendered at", "timestamp"),
        ("/* <a href=", "host"),
    } == told(comparison)


def test_lines_above_do_not_change_where_a_place_is() -> None:
    """The shape does not depend on the number of the line."""
    more = "<p>more</p>\n" * 7
    lower = pages(more + PAGE.format(**LIVE), more + PAGE.format(**SHADOW))

    assert told(lower) == told(pages(PAGE.format(**LIVE), PAGE.format(**SHADOW)))


def test_noise_in_a_line_hides_no_change_beside_it() -> None:
    """The change is a difference of its own, without a likeness."""
    live, shadow = PAGE.format(**LIVE), PAGE.format(**SHADOW)
    changed = pages(live, shadow.replace(">us<", ">them<"))
    dearer = pages(live, shadow.replace("12.50", "12.51"))

    assert ("/* <a>", "") in told(changed)
    assert ("/* <footer> Rendered at", "timestamp") in told(changed)
    assert ("/* <p price>", "") in told(dearer)


def test_two_places_of_a_page_are_two_shapes() -> None:
    """Also where both are numbers in lines that look alike."""
    live = '<td id="tax">1</td>\n<td id="sum">22222222</td>\nTotal amount: 3 EUR'
    shadow = '<td id="tax">4</td>\n<td id="sum">55555555</td>\nTotal amount: 6 EUR'
    comparison = pages(live, shadow)

    assert 3 == len({d.shape for d in comparison.differences})


def test_a_line_without_tags_is_named_by_its_words() -> None:
    """Whether one place in it differs or several."""
    one = pages("queue_depth 24 now", "queue_depth 26 now", "text/plain")
    two = pages("queue_depth 24 or 3", "queue_depth 26 or 4", "text/plain")

    assert ["/* queue_depth"] == [d.shape for d in one.differences]
    assert ["/* queue_depth", "/* queue_depth or"] == [d.shape for d in two.differences]


def test_lines_in_another_order_are_no_set() -> None:
    """Rows of an export have an order, even where nothing sorts them."""
    lines = ["d,1", "b,9", "e,2", "a,5", "c,7"]
    comparison = pages(
        "\n".join(lines), "\n".join(lines[i] for i in (2, 0, 4, 1, 3)), "text/csv"
    )

    assert {("order", "")} == {(str(d.kind), d.alike) for d in comparison.differences}


def test_a_field_of_text_is_told_in_as_many_differences_as_likenesses() -> None:
    """What is explained stands beside what is not, at the same path."""
    live = {"m": "job 3f2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f took 7 steps"}
    shadow = {"m": "job 9a2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f took 8 steps"}
    comparison = compare_json(live, shadow)
    other = compare_json({"m": "one red fox ran"}, {"m": "two red cats ran"})

    assert [("/m", "uuid", "uuid"), ("/m", "digits", "")] == [
        (d.shape, d.live_is, d.alike) for d in comparison.differences
    ]
    assert [("text", "text", "")] == [
        (d.live_is, d.shadow_is, d.alike) for d in other.differences
    ]


def test_a_policy_with_a_nonce_is_alike_unless_more_has_changed() -> None:
    """Headers are looked into as well."""
    policy = "script-src 'nonce-{}'; img-src {}"
    made = []
    for where in ("a.example", "b.example"):
        live, shadow = (
            answer(headers=((b"Content-Security-Policy", text.encode()),))
            for text in (
                policy.format("q83vEjRWeJCrze8S", "a.example"),
                policy.format("ze8SNFZ4kKvN7xI0", where),
            )
        )
        found = Comparer(Settings()).compare(exchange(live), "shadow", shadow)
        made.append([d.alike for d in found.differences])

    assert [["token"], ["token", ""]] == made


@given(st.text(max_size=80), st.text(max_size=80))
def test_spans_hold_all_that_differs(live: str, shadow: str) -> None:
    """Put into live's text, what the shadow has at each place makes the shadow's."""
    spans = spans_of(live, shadow)
    if not spans:
        return
    made, end = [], 0
    for span in spans:
        assert live[span.live_at :].startswith(span.live)
        made += [live[end : span.live_at], span.shadow]
        end = span.live_at + len(span.live)

    assert shadow == "".join([*made, live[end:]])


@given(st.lists(st.sampled_from(["<p>", "a", " ", "1", "\n", "x=", '"', "é"])))
def test_texts_that_differ_are_never_silently_the_same(pieces: Any) -> None:
    """Whatever the places, at least one difference is told."""
    text = "".join(pieces)
    comparison = pages(text + "end 1", text + "end 2")

    assert "different" == comparison.result
    assert comparison.differences


def lines(live: str, shadow: str) -> list[tuple[str, str, str]]:
    """Where two texts of one line differ, and what stands there on each side."""
    found = pages(live, shadow)
    return [(d.shape, d.live_is, d.shadow_is) for d in found.differences]


def test_each_place_in_which_a_line_differs_has_its_name() -> None:
    """So that the noise of a footer is not that of a title."""
    footer = "<p>Rendered by {} in {} ms</p>"
    live = footer.format("web-5d9f7c6b84-zr4tw", "14.88")
    shadow = footer.format("web-next-66c4d9f7b5-x2k9p", "9.1")

    assert [
        ("/* <p> Rendered by", "token", "token"),
        ("/* <p>", "decimal", "decimal"),
    ] == lines(live, shadow)
    assert [("/* <title>", "word", "word")] == lines(
        "<title>Help</title>", "<title>help</title>"
    )


def test_a_line_that_is_missing_is_named_by_its_tag_and_class() -> None:
    """A hint that comes and goes is no row of a table."""
    page, hint, row = "<body>\n{}</body>", '<p class="hint">New</p>\n', "<tr></tr>\n"

    shapes = [lines(page.format(""), page.format(line))[0][0] for line in (hint, row)]

    assert ["/* <p hint>", "/* <tr>"] == shapes


def test_the_labels_of_a_metric_are_part_of_its_name() -> None:
    """The noise of answered requests hides no count of errors."""
    metric = 'http_requests_total{{code="{}"}} {}'

    assert ['/* http_requests_total{code="500"}'] == [
        shape for shape, _, _ in lines(metric.format(500, 71), metric.format(500, 0))
    ]


def test_a_span_holds_no_more_than_what_differs() -> None:
    """Also where one side has more words than the other."""
    spans = spans_of("one two three four", "one two and three four")

    assert [("", "and")] == [(s.live.strip(), s.shadow.strip()) for s in spans]
    around = spans_of("1 mid 2", "3 mid 4 5")
    assert [("1", "3"), ("2", "4 5")] == [(s.live, s.shadow) for s in around]


def test_an_id_within_an_address_is_looked_at_by_itself() -> None:
    """The rest of the address must be the same, or is told beside it."""
    live = {"m": "see https://a.example/x/3f2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f/y ok"}
    made = []
    for end in ("y", "z"):
        other = f"https://a.example/x/9a2b8c1e-58a7-4d3c-9a51-0c4b7a1e2d3f/{end}"
        comparison = compare_json(live, {"m": f"see {other} ok"})
        made.append([d.alike for d in comparison.differences])

    assert [["uuid"], ["uuid", ""]] == made


def test_a_line_that_is_another_one_altogether_is_told_once() -> None:
    """Beyond a few places, each of them is no news."""
    assert [("/* <p>", "text", "text")] == lines(
        "<p>one and two and three and four and five</p>",
        "<p>six and ten and eight and nine and none</p>",
    )
