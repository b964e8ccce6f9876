"""CSV is compared by row and column, not as so many lines."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from shadow_middleware.compare import Comparison
from shadow_middleware.exchange import Kind
from tests.compare.making import answer, compare

HEAD = "title,price,stock"


def tables(live: str, shadow: str, kind: str = "text/csv") -> Comparison:
    """What the comparer says of two tables."""
    return compare(answer(live.encode(), kind=kind), answer(shadow.encode(), kind=kind))


def places(found: Comparison) -> list[tuple[str, str, Kind]]:
    """Path, shape and kind of each difference."""
    return [(one.path, one.shape, one.kind) for one in found.differences]


def test_a_cell_is_named_by_its_column_whatever_the_row_is_called() -> None:
    """A thousand products with a wrong price are one finding."""
    rows = [f"book {n},{n}.50,3" for n in range(3)]
    wrong = [f"book {n},{n}.49,3" for n in range(3)]

    found = tables("\n".join([HEAD, *rows]), "\n".join([HEAD, *wrong]))

    assert [(f"/{n}/price", "/*/price", Kind.CHANGED) for n in (1, 2, 3)] == places(
        found
    )


def test_columns_in_another_order_are_a_difference() -> None:
    """Whoever reads by position gets other values."""
    found = tables("a,b\n1,2\n", "b,a\n2,1\n")

    assert {"/*"} == {shape for _, shape, _ in places(found)}
    assert "different" == found.result


def test_a_lost_column_is_missing_in_each_row() -> None:
    """And in the row of names."""
    found = tables(f"{HEAD}\nx,1,2\n", "title,price\nx,1\n")

    assert ("/1/stock", "/*/stock", Kind.MISSING) in places(found)


def test_quotes_and_line_ends_are_formatting() -> None:
    """Other bytes, the same cells: the reason is recorded."""
    found = tables("a,b\r\n1,x y\r\n", 'a,b\n"1","x y"\n')

    assert ("explained", ("csv-formatting",)) == (found.result, found.explained)


def test_another_separator_is_a_difference() -> None:
    """One of the body as a whole; the cells are compared beside it, by column."""
    same = tables("a,b\n1,2\n3,4\n", "a;b\n1;2\n3;4\n")
    other = tables("a,b\n1,2\n3,4\n", "a;b\n1;2\n3;5\n")
    whole = ("", "", Kind.CHANGED)

    assert ("different", [whole]) == (same.result, places(same))
    assert [whole, ("/2/b", "/*/b", Kind.CHANGED)] == places(other)
    (said,) = same.differences
    assert ("columns between commas", "columns between semicolons") == (
        said.live,
        said.shadow,
    )


def test_one_column_has_no_separator_to_differ() -> None:
    """A second one that comes is a difference of every line."""
    found = tables("a\n1\n", "a;b\n1;2\n")

    assert ["/0", "/1"] == [path for path, _, _ in places(found)]


def test_tabs_and_semicolons_separate_as_well() -> None:
    """Where the first row has more of them."""
    for kind, mark in (("text/tab-separated-values", "\t"), ("text/csv", ";")):
        found = tables(f"a{mark}b\n1{mark}2\n", f"a{mark}b\n1{mark}3\n", kind)
        assert [("/1/b", "/*/b", Kind.CHANGED)] == places(found)


def test_a_table_without_names_goes_by_number() -> None:
    """Numbers in the first row, or the same name twice, name nothing."""
    for live, shadow in (("1,2\n3,4\n", "1,2\n3,5\n"), ("a,a\n3,4\n", "a,a\n3,5\n")):
        assert [("/1/1", "/*/*", Kind.CHANGED)] == places(tables(live, shadow))


def test_what_is_no_table_is_compared_by_line() -> None:
    """An open quote: nothing is lost, and the line is told."""
    found = tables('a,b\n"1,2\n', 'a,b\n"1,3\n')

    assert ["/1"] == [path for path, _, _ in places(found)]


CELLS = st.lists(st.lists(st.text(max_size=4), min_size=1, max_size=4), max_size=5)


@given(CELLS, CELLS)
def test_other_cells_are_never_called_the_same(
    live: list[list[str]], shadow: list[list[str]]
) -> None:
    """W11: whatever they hold."""
    written = []
    for rows in (live, shadow):
        text = io.StringIO()
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
        written.append(text.getvalue())

    found = tables(*written)

    assert (live == shadow) == (found.result == "equal")
