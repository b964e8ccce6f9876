"""Rules suggested: all noise explained, no divergence hidden, nothing said twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.exchange import Kind, Part
from shadow_middleware.knowledge import MANY, GroupKey
from shadow_middleware.report.coverings import Cell, explains, may_hide
from shadow_middleware.report.suggest import NoisyCell, suggest
from shadow_middleware.rule import Rule
from shadow_middleware.rule_checks import complaint

AT = "timestamp"


def key(
    path: str = "/id",
    *,
    route: str = "GET /a",
    part: Part = Part.BODY,
    kind: Kind = Kind.CHANGED,
    live: str = "uuid",
    shadow: str | None = None,
    target: str = "shadow",
) -> GroupKey:
    """Return a group's key; the shadow has the same shape as live where left out."""
    other = live if shadow is None else shadow
    return GroupKey(target, route, part, path, kind, live, other)


def noisy(cell: GroupKey, size: str = "", why: str = "control") -> NoisyCell:
    """Return a cell that three exchanges showed as noise."""
    return NoisyCell(Cell(cell, size), why, 3)


def test_one_noisy_field_is_one_narrow_rule() -> None:
    """Target, route, path, kind and shape are those of what was seen."""
    found = suggest([noisy(key("/items/*/id"))], [], [])

    assert [
        Rule(
            name="noise: GET /a body /items/*/id (control)",
            target="shadow",
            route="GET /a",
            path="/items/*/id",
            kind="changed",
            shape="uuid",
        )
    ] == [one.rule for one in found.proposals]


def test_the_same_name_all_over_is_one_rule() -> None:
    """Three routes and two depths fold into `/**/id` on all routes."""
    cells = [key("/id", route=f"GET /{n}") for n in "abc"] + [key("/items/*/id")]

    found = suggest(map(noisy, cells), [], [])

    assert [("**", "/**/id", 4.0 * 3)] == [
        (one.rule.route, one.rule.path, one.count) for one in found.proposals
    ]


def test_a_divergence_keeps_rules_narrow() -> None:
    """Where `/**/id` would hide a divergence on another route, routes are named."""
    cells = [key("/id", route="GET /a"), key("/id", route="GET /b")]
    bad = Cell(key("/order/id", route="GET /c"))

    found = suggest(map(noisy, cells), [bad], [])

    rules = [one.rule for one in found.proposals]
    assert [("**", "/id")] == [(rule.route, rule.path) for rule in rules]
    assert not any(may_hide(rule, bad) for rule in rules)


def test_a_key_of_a_map_may_be_any_name() -> None:
    """A divergence under `/*` could stand at `/id` itself, so no rule says `/id`."""
    found = suggest([noisy(key("/id"))], [Cell(key("/*"))], [])

    assert () == found.proposals
    assert ["a rule for it would hide a divergence as well"] == [
        one.reason for one in found.left
    ]


def test_formats_of_time_are_one_shape() -> None:
    """A rule names no format, but both sides must be of the same one to be both times."""
    at = key("/at", live="timestamp %Y-%m-%d")
    other = key("/at", live="timestamp %Y-%m-%d", shadow="timestamp %s")

    assert [["timestamp"], [""]] == [
        [one.rule.shape for one in suggest([noisy(it)], [], []).proposals]
        for it in (at, other)
    ]


def test_what_lies_within_what_is_ignored_is_hidden_as_well() -> None:
    """So a rule about a list is not offered while one of its members diverges."""
    tags = noisy(key("/tags", live="array"))
    inner = Cell(key("/tags/*/name", live="word"))

    assert () == suggest([tags], [inner], []).proposals


def test_a_shape_that_no_rule_can_name_is_not_named() -> None:
    """The rule speaks of changed values then, and of nothing else."""
    found = suggest([noisy(key("/note", live="text"))], [], [])

    assert [("changed", "")] == [
        (one.rule.kind, one.rule.shape) for one in found.proposals
    ]


def test_numbers_that_are_near_are_tolerated_not_ignored() -> None:
    """The step that was seen is the tolerance, and a larger one stays a divergence."""
    number = key("/score", live="number")

    found = suggest([noisy(number, "slight")], [Cell(number, "large")], [])

    assert [("tolerate", 0.01)] == [
        (one.rule.action, one.rule.relative) for one in found.proposals
    ]


def test_numbers_of_unknown_step_are_not_tolerated_away() -> None:
    """Where the step of a divergence is not known, it could be within the tolerance."""
    number = key("/score", live="number")

    assert () == suggest([noisy(number, "slight")], [Cell(number)], []).proposals


def test_a_number_within_a_text_is_not_tolerated_away() -> None:
    """No distance is taken between texts of a body; between those of a header it is."""
    line = key('/* "<p> of"', live="decimal")
    header = key("age", part=Part.HEADER, live="digits")

    found = [suggest([noisy(cell, "slight")], [], []) for cell in (line, header)]

    assert [["ignore"], ["tolerate"]] == [
        [proposal.rule.action for proposal in one.proposals] for one in found
    ]


def test_another_order_is_a_list_without_order() -> None:
    """The items are compared all the same."""
    found = suggest([noisy(key("/tags", kind=Kind.ORDER, live="list"))], [], [])

    assert [("tolerate", True)] == [
        (one.rule.action, one.rule.unordered) for one in found.proposals
    ]


def test_statuses_are_named_both() -> None:
    """Never is the status ignored as a whole."""
    found = suggest(
        [noisy(key("", part=Part.STATUS, live="200", shadow="304"))], [], []
    )

    assert [("tolerate", (200, 304))] == [
        (one.rule.action, one.rule.statuses) for one in found.proposals
    ]


def test_a_header_is_named() -> None:
    """Never is a header ignored together with others."""
    found = suggest(
        [
            noisy(key("etag", part=Part.HEADER, live="hash", route=r))
            for r in ("GET /a", "GET /b")
        ],
        [],
        [],
    )

    assert [("header", "etag", "**", "hash")] == [
        (one.rule.part, one.rule.path, one.rule.route, one.rule.shape)
        for one in found.proposals
    ]


def test_what_no_rule_can_say_is_left_and_said() -> None:
    """A latency, places too many to tell apart, and a body as a whole."""
    found = suggest(
        [noisy(key("", part=Part.LATENCY, live="")), noisy(key(MANY)), noisy(key(""))],
        [],
        [],
    )

    assert () == found.proposals
    assert {"no rule can say this and no more"} == {one.reason for one in found.left}


def test_what_a_rule_of_today_explains_is_not_suggested() -> None:
    """And is counted as such."""
    today = Rule(name="ids", path="/**/id", kind="changed", shape="uuid")

    found = suggest(
        [noisy(key("/id")), noisy(key("/at", live="timestamp"))], [], [today]
    )

    assert 1 == found.already
    assert ["/at"] == [one.rule.path for one in found.proposals]


def test_names_are_told_apart() -> None:
    """A name that a rule of today has gets a number."""
    today = Rule(name="noise: GET /a body /id (control)", path="/other")

    found = suggest([noisy(key("/id"))], [], [today])

    assert ["noise: GET /a body /id (control) 2"] == [
        one.rule.name for one in found.proposals
    ]


# --- whatever was seen --------------------------------------------------------------

SHAPES = st.sampled_from(["uuid", "timestamp %Y", "timestamp %s", "integer", "word"])
SEGMENTS = st.sampled_from(["*", "**", "id", "at", "items", "a~1b", "p Date"])
PATHS = st.lists(SEGMENTS, min_size=0, max_size=3).map(
    lambda names: "".join(f"/{name}" for name in names)
)


@st.composite
def keys(draw: st.DrawFn) -> GroupKey:
    """Return keys of few words, so that many of them meet."""
    part = draw(st.sampled_from(list(Part)))
    kind = draw(st.sampled_from(list(Kind)))
    path = {
        Part.BODY: PATHS,
        Part.HEADER: st.sampled_from(["etag", "set-cookie/sid", "set-cookie/*"]),
    }.get(part, st.just(""))
    live, shadow = draw(SHAPES), draw(SHAPES)
    if part is Part.STATUS:
        kind = Kind.CHANGED
        live, shadow = draw(st.sampled_from([("200", "404"), ("200", "503")]))
    return GroupKey(
        draw(st.sampled_from(["shadow", "next"])),
        draw(st.sampled_from(["GET /a", "GET /a/{id}", "POST /a", MANY])),
        part,
        draw(st.one_of(path, path, st.just(MANY))) if part is Part.BODY else draw(path),
        kind,
        live,
        draw(st.sampled_from([live, shadow])),
    )


CELLS = st.builds(
    Cell, keys(), st.sampled_from(["", "tiny", "slight", "some", "large"])
)
NOISY = st.builds(NoisyCell, CELLS, st.sampled_from(["control", "uuid"]), st.just(1.0))


@given(st.lists(NOISY, max_size=12), st.lists(CELLS, max_size=6))
def test_all_noise_is_explained_and_no_divergence_is_hidden(
    seen: list[NoisyCell], signal: list[Cell]
) -> None:
    """W63: each noisy cell has a rule or a reason; no rule could touch a divergence."""
    found = suggest(seen, signal, [])

    rules = [one.rule for one in found.proposals]
    left = {one.noisy for one in found.left}
    for one in seen:
        assert one in left or any(explains(rule, one.cell) for rule in rules)
    for cell in signal:
        assert not any(explains(rule, cell) or may_hide(rule, cell) for rule in rules)
    assert [] == [rule for rule in rules if complaint(rule)]


@given(st.lists(NOISY, max_size=12), st.lists(CELLS, max_size=6))
def test_applied_once_there_is_nothing_more_to_suggest(
    seen: list[NoisyCell], signal: list[Cell]
) -> None:
    """The second time all is explained already, but for what was left before."""
    first = suggest(seen, signal, [])
    second = suggest(seen, signal, [one.rule for one in first.proposals])

    assert () == second.proposals
    assert first.left == second.left


@given(st.lists(NOISY, max_size=8))
def test_without_divergences_only_what_no_rule_can_say_is_left(
    seen: list[NoisyCell],
) -> None:
    """Nothing stands in the way then."""
    found = suggest(seen, [], [])

    assert {"no rule can say this and no more"} >= {one.reason for one in found.left}


@given(st.lists(NOISY, max_size=12), st.lists(CELLS, max_size=6))
def test_each_rule_is_needed(seen: list[NoisyCell], signal: list[Cell]) -> None:
    """Without any one of them, something that it was offered for is unexplained."""
    rules = [one.rule for one in suggest(seen, signal, []).proposals]

    for rule in rules:
        others = [other for other in rules if other is not rule]
        assert any(
            explains(rule, one.cell)
            and not any(explains(other, one.cell) for other in others)
            for one in seen
        )


def test_one_cookie_is_no_name_for_a_rule_but_its_header_is() -> None:
    """So it is offered only where no other cookie diverges."""
    cookie = key("set-cookie/sid", part=Part.HEADER, live="token")
    other = Cell(key("set-cookie/theme", part=Part.HEADER, live="token"))

    assert ["set-cookie"] == [
        one.rule.path for one in suggest([noisy(cookie)], [], []).proposals
    ]
    assert () == suggest([noisy(cookie)], [other], []).proposals


def test_a_cell_knows_what_it_is_counted_under() -> None:
    """What both values are, and the size of the step."""
    number = key("/n", live="number")

    assert [
        Cell(number, "tiny", "float"),
        Cell(number, "", "uuid"),
        Cell(number, "slight", ""),
        Cell(number),
    ] == [Cell.of(number, name) for name in ("float tiny", "uuid", "slight", "")]


def test_times_that_are_numbers_are_named_and_not_measured() -> None:
    """Seconds since the epoch are near each other only until the next run."""
    at = key("/at", live="timestamp epoch-s.f")
    cells = [NoisyCell(Cell(at, "tiny", like), "control", 1) for like in ("", AT)]

    for cell in cells:
        [one] = suggest([cell], [], []).proposals
        assert ("ignore", "changed", AT) == (
            one.rule.action,
            one.rule.kind,
            one.rule.shape,
        )


def test_what_both_values_are_is_what_a_rule_names() -> None:
    """Two words that are the host name of each side, whatever their shape."""
    found = suggest([NoisyCell(Cell(key(live="url"), "", "host"), "host", 1)], [], [])

    assert ["host"] == [one.rule.shape for one in found.proposals]
