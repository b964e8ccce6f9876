"""Names that a shadow issues itself: learned, put into requests, and compared."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import Body, Request, Response
from shadow_middleware.transform.rebind.learn import Answers, pairs_of, side_of
from shadow_middleware.transform.rebind.links import link_pairs
from shadow_middleware.transform.rebind.nouns import named, route_noun, singular
from shadow_middleware.transform.rebind.restate import restated
from shadow_middleware.transform.rebind.spans import leaves, splice
from shadow_middleware.transform.rebind.substitute import substituted
from shadow_middleware.transform.rebind.table import Ambiguous, Pair, Table

JSON = (b"Content-Type", b"application/json")
HTML = (b"Content-Type", b"text/html; charset=utf-8")
FORM = (b"Content-Type", b"application/x-www-form-urlencoded")


def answer(value: Any, *headers: tuple[bytes, bytes], status: int = 200) -> Response:
    """Return an answer in JSON, or as a page where it is a text."""
    page = isinstance(value, str)
    data = value.encode() if page else json.dumps(value).encode()
    return Response(status, (HTML if page else JSON, *headers), Body(data, len(data)))


class Known:
    """What one session has learned."""

    def __init__(self) -> None:
        self.table = Table(1000, 1_000_000)
        self.ambiguous: list[Ambiguous] = []

    def hear(
        self, route: str, live: Any, shadow: Any, *, method: str = "POST", **more: Any
    ) -> Response:
        """Learn from two answers; return the shadow's in live's names."""
        ours = live if isinstance(live, Response) else answer(live)
        theirs = shadow if isinstance(shadow, Response) else answer(shadow)
        answers = Answers(f"{method} {route}", route, method != "GET", ours, theirs)
        left, right = side_of(ours), side_of(theirs)
        for pair in sorted(pairs_of(answers, left, right), key=lambda p: not p.issued):
            self.table.learn(pair, 0.0)
        return restated(answers, left, right, self.table) or theirs

    def rename(self, value: str, place: Any) -> str | None:
        """Return the shadow's name of a value, as a session does."""
        found = self.table.find(value, place.nouns, place.role, 0.0)
        if isinstance(found, Ambiguous):
            self.ambiguous.append(found)
            return None
        return None if found is None or found.shadow == value else found.shadow

    def send(
        self,
        path: bytes,
        query: bytes = b"",
        body: bytes = b"",
        *headers: tuple[bytes, bytes],
        route: str = "",
    ) -> Request:
        """Return a request as the shadow gets it."""
        request = Request("PUT", path, query, headers, Body(body, len(body)))
        return substituted(request, route or path.decode(), self.rename)


def with_item() -> Known:
    """Return a session in which item 17 is the shadow's item 42."""
    known = Known()
    known.hear("/items", {"id": 17, "title": "x"}, {"id": 42, "title": "x"})
    return known


# --- requests ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (b"/items/17", b"", (b"/items/42", b"")),
        (b"/items/17/edit", b"", (b"/items/42/edit", b"")),
        (b"/items/17", b"page=17&size=17", (b"/items/42", b"page=17&size=17")),
        (b"/lines", b"item_id=17&quantity=17", (b"/lines", b"item_id=42&quantity=17")),
        (b"/lines", b"item=17", (b"/lines", b"item=42")),
        (b"/pages/170", b"", (b"/pages/170", b"")),
        (b"/v17/items/17", b"", (b"/v17/items/42", b"")),
        (b"/items/%31%37", b"", (b"/items/42", b"")),
    ],
)
def test_a_name_is_replaced_where_it_names_that_thing(
    path: bytes, query: bytes, expected: tuple[bytes, bytes]
) -> None:
    """`17` of an item is no `17` of a page, of a quantity, or of a version."""
    sent = with_item().send(path, query)

    assert expected == (sent.path, sent.query)


def test_json_keeps_its_types_and_its_layout() -> None:
    """A number takes the place of a number, a text of a text, and nothing else moves."""
    body = b'{ "item_id" :17,\n "s": {"item_id":"17"}, "n": 17, "a": [1.0, 1e3, 17] }'

    sent = with_item().send(b"/lines", b"", body, JSON)

    assert (
        b'{ "item_id" :42,\n "s": {"item_id":"42"}, "n": 17, "a": [1.0, 1e3, 17] }'
        == sent.body.data
    )


def test_forms_multipart_and_headers_are_looked_into() -> None:
    """Wherever a client puts what it was given."""
    known = with_item()
    etag = (b"ETag", b'"live"'), (b"ETag", b'"shadow"')
    known.hear("/items/{id}", answer({}, etag[0]), answer({}, etag[1]), method="GET")
    parts = (
        b'--b\r\nContent-Disposition: form-data; name="item_id"\r\n\r\n17\r\n'
        b'--b\r\nContent-Disposition: form-data; name="n"\r\n\r\n17\r\n--b--\r\n'
    )

    form = known.send(b"/lines", b"", b"item_id=17&n=17", FORM)
    many = known.send(
        b"/lines", b"", parts, (b"Content-Type", b"multipart/form-data; boundary=b")
    )
    headers = known.send(
        b"/x",
        b"",
        b"",
        (b"If-Match", b'"live", W/"other"'),
        (b"Referer", b"https://app.example/items/17?page=17"),
    )

    assert b"item_id=42&n=17" == form.body.data
    assert parts.replace(b"\r\n17\r\n", b"\r\n42\r\n", 1) == many.body.data
    assert [
        (b"If-Match", b'"shadow", W/"other"'),
        (b"Referer", b"https://app.example/items/42?page=17"),
    ] == headers.headers


def test_a_long_random_value_is_known_wherever_it_stands() -> None:
    """An upload's address, a token, a UUID: chance makes no two of them alike."""
    known = Known()
    known.hear(
        "/uploads",
        {"upload_url": "/uploads/Zk3vQ8xT1mBn5Rw2LpYa"},
        {"upload_url": "/uploads/h7Gc4DsJ9eKf6NqXuVo0"},
    )

    assert b"/u/h7Gc4DsJ9eKf6NqXuVo0" == known.send(b"/u/Zk3vQ8xT1mBn5Rw2LpYa").path


def test_an_ambiguous_value_is_left_alone_and_told() -> None:
    """`5` is a user here and an item there, and nothing says which `thing_id` means."""
    known = Known()
    known.hear("/users", {"id": 5}, {"id": 105})
    known.hear("/items", {"id": 5}, {"id": 9})

    sent = known.send(b"/x", b"thing_id=5&user_id=5&item_id=5")

    assert b"thing_id=5&user_id=105&item_id=9" == sent.query
    assert [Ambiguous("5", ("item", "user"))] == known.ambiguous


def test_tokens_of_pages_follow_the_form() -> None:
    """A CSRF token in a hidden field and one in a meta, each by its own name."""
    page = '<meta name="csrf-token" content="{0}"><input type="hidden" name="csrf" value="{0}">'
    known = Known()

    told = known.hear(
        "/login",
        page.format("LiVeToKeN12345678"),
        page.format("ShAdOwToKeN876543"),
        method="GET",
    )
    sent = known.send(b"/login", b"", b"csrf=LiVeToKeN12345678", FORM)

    assert page.format("LiVeToKeN12345678").encode() == told.body.data
    assert b"csrf=ShAdOwToKeN876543" == sent.body.data


# --- comparison ---------------------------------------------------------------------------


def test_what_the_shadow_calls_otherwise_is_no_difference() -> None:
    """Ids, links, and what is said of them in words."""
    live = {
        "id": 17,
        "owner_id": 5,
        "links": {"self": "/items/17"},
        "text": "Item 17, page 17.",
        "page": 17,
    }
    shadow = {
        **live,
        "id": 42,
        "links": {"self": "/items/42"},
        "text": "Item 42, page 17.",
    }

    told = with_item().hear("/items/{id}", live, shadow, method="GET")

    assert json.dumps(live).encode() == told.body.data


def test_another_thing_under_a_known_name_stays_a_difference() -> None:
    """Item 17 is 42 at the shadow; an answer that says 43 is about another item."""
    told = with_item().hear("/items/{id}", {"id": 17}, {"id": 43}, method="GET")

    assert b'{"id": 43}' == told.body.data


def test_two_things_under_one_name_stay_a_difference() -> None:
    """The shadow made nothing new: it answers with the item that it made before."""
    told = with_item().hear("/items", {"id": 18}, {"id": 42})

    assert b'{"id": 42}' == told.body.data


def test_a_reference_that_nothing_confirms_stays_a_difference() -> None:
    """`status_id` 2 against 3 is more likely a fault than a name of the shadow's."""
    told = with_item().hear(
        "/items", {"id": 18, "status_id": 2}, {"id": 43, "status_id": 3}
    )

    assert b'{"id": 18, "status_id": 3}' == told.body.data


def test_data_is_never_taken_for_a_name() -> None:
    """Another price, title or count is what a comparison is for."""
    live = {"id": 1, "price": 10, "title": "a", "count": 3, "balance": 7}
    shadow = {"id": 2, "price": 11, "title": "b", "count": 4, "balance": 8}
    known = Known()

    told = known.hear("/items", live, shadow)
    sent = known.send(b"/items", b"", b'{"balance":7,"price":10,"title":"a"}', JSON)

    assert {**shadow, "id": 1} == json.loads(told.body.data)
    assert b'{"balance":7,"price":10,"title":"a"}' == sent.body.data


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        [{"id": 1}, {"id": 2}],
        [{"item": {"id": 1}, "name": "a"}, {"item": {"id": 2}, "name": "b"}],
    ],
)
def test_rows_in_another_order_name_nothing(rows: list[Any]) -> None:
    """Or a shadow that sorts otherwise would have every row renamed."""
    known = Known()

    told = known.hear("/items", {"items": rows}, {"items": rows[::-1]}, method="GET")

    assert {"items": rows[::-1]} == json.loads(told.body.data)
    assert b"/items/1" == known.send(b"/items/1").path


def test_codings_are_kept() -> None:
    """A compressed answer is looked into, and compared as compressed."""
    import gzip

    coding = (b"Content-Encoding", b"gzip")

    def packed(value: Any) -> Response:
        data = gzip.compress(json.dumps(value).encode())
        return Response(200, (JSON, coding), Body(data, len(data)))

    told = Known().hear("/items", packed({"id": 1}), packed({"id": 2}))

    assert b'{"id": 1}' == gzip.decompress(told.body.data)


# --- words and links -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "role", "noun"),
    [
        ("id", "self", ""),
        ("item_id", "ref", "item"),
        ("itemId", "ref", "item"),
        ("csrfToken", "token", "csrf_token"),
        ("quantity", "plain", ""),
        ("owner", "plain", "owner"),
        ("", "plain", ""),
    ],
)
def test_names_of_fields_say_what_they_hold(name: str, role: str, noun: str) -> None:
    """The few words on which all of this stands."""
    assert (role, noun) == named(name)


def test_routes_and_words_have_one_form() -> None:
    """Plural and singular, and what a route does beside what it is about."""
    assert ["item", "category", "status", "box"] == [
        *map(singular, ("items", "categories", "status", "boxes"))
    ]
    assert ["item", "me", ""] == [
        *map(route_noun, ("/items/{id}/edit", "/api/me", "/"))
    ]


def test_links_that_are_built_otherwise_are_not_aligned() -> None:
    """Another number of steps, other fixed words, other data."""
    for shadow in ("/items/2/x", "/things", "/items/2?page=2"):
        assert None is link_pairs("/items/1?page=1", shadow, "", issued=True)


# --- properties ----------------------------------------------------------------------------

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(values)
def test_splicing_its_own_values_changes_no_value(value: Any) -> None:
    """Every leaf is found where it stands, in whatever JSON there is."""
    text = json.dumps(value, indent=1)
    found = dict(leaves(value))

    assert value == json.loads(splice(text, found))
    assert text == splice(text, {})


@given(
    st.binary(max_size=60),
    st.binary(max_size=60),
    values,
    st.sampled_from([JSON, FORM]),
)
def test_a_request_without_a_known_value_is_the_same_object(
    path: bytes, query: bytes, value: Any, kind: tuple[bytes, bytes]
) -> None:
    """Substituting never touches what it does not know."""
    body = json.dumps(value).encode()
    request = Request(
        "POST", b"/" + path, query, [kind, (b"X", path)], Body(body, len(body))
    )

    assert request is substituted(request, "/{x}", Known().rename)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=20))
def test_names_go_both_ways(pairs: list[tuple[int, int]]) -> None:
    """Whatever is claimed, no two names of live's are one of the shadow's."""
    table = Table(100, 100_000)
    for one, other in pairs:
        table.learn(Pair(("item",), str(one), str(other), "self", "", True), 0.0)
    held: dict[str, str] = {}
    for live in map(str, range(1, 10)):
        found = table.find(live, ("item",), "self", 0.0)
        if found is not None and not isinstance(found, Ambiguous):
            held[live] = found.shadow

    assert len(held) == len({*held.values()})
    assert all(
        live == table.name_of(shadow, ("item",)) for live, shadow in held.items()
    )


@given(st.integers(1, 30), st.integers(500, 5000))
def test_a_table_is_bounded_in_pairs_and_bytes(most: int, size: int) -> None:
    """The names that were not used for longest are forgotten."""
    table = Table(most, size)
    for number in range(100):
        pair = Pair(("item",), f"live{number}", f"shadow{number}", "self", "", True)
        table.learn(pair, float(number))

    assert len(table) <= most
    assert table.bytes <= size
    table.expire(1e9)
    assert (0, 0) == (len(table), table.bytes)


def test_a_name_that_is_used_keeps_no_older_one() -> None:
    """One that is found by itself is as new as one that its place names."""
    table, token = Table(100, 100_000), "5f1c0a52-1d6f-4a53-9a51-6a0c5a4f7e10"
    table.learn(Pair(("item",), token, "1", "self", "", True), 0.0)
    table.learn(Pair(("owner",), "2", "9", "self", "", True), 1.0)

    table.find(token, ("order",), "ref", 100.0)
    table.expire(50.0)

    assert 1 == len(table)
    assert table.find("2", ("owner",), "ref", 100.0) is None


@given(st.text(alphabet="<>\"'= abc/-", max_size=300))
def test_no_page_is_too_odd_to_be_looked_at(page: str) -> None:
    """Learning and restating raise nothing, whatever a shadow sends."""
    Known().hear("/", page or " ", page[::-1] or " ", method="GET")
