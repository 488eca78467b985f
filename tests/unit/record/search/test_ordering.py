"""Cursors of pages."""

from datetime import UTC, datetime

import pytest

from careloop.errors import Rejected
from careloop.record.search.ordering import Cursor, Ordering, from_text, to_text
from careloop.record.search.sql import Sql

DATE = Ordering(expression=Sql("x"), descending=True, kind="date")
TEXT = Ordering(expression=Sql("y"), descending=False, kind="string")


def test_a_cursor_comes_back_as_it_was():
    cursor = Cursor(key=7, total=12, values=(datetime(2024, 1, 2, 3, tzinfo=UTC), "smith"))
    assert from_text(to_text(cursor), [DATE, TEXT]) == cursor
    empty = Cursor(key=7, values=(None, None))
    assert from_text(to_text(empty), [DATE, TEXT]) == empty


@pytest.mark.parametrize(
    "text", ["", "%%%", "abc", "W10", "bnVsbA", to_text(Cursor(key=1)), to_text(Cursor(key=1, values=("x", 1)))]
)
def test_what_is_no_cursor_of_this_order_is_refused(text):
    with pytest.raises(Rejected):
        from_text(text, [DATE, TEXT])
