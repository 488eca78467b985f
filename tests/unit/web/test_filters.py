"""The filters of the worklist survive the way through an address and back."""

import pytest

from careloop.web.staff.worklist import ROWS, Filters, filters_of


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(scope="team", kind="ed-visit"), Filters(scope="queue", snoozed="yes", most=150)]
)
def test_a_query_string_gives_back_its_filters(filters: Filters) -> None:
    pairs = dict(part.split("=") for part in filters.query.strip("&").split("&"))
    assert filters_of(pairs) == filters


@pytest.mark.parametrize("query", [{"scope": "everybody"}, {"most": "-5"}, {"most": "many"}, {"most": "0"}])
def test_what_is_not_known_falls_back_to_my_own_first_page(query: dict[str, str]) -> None:
    assert filters_of(query) == Filters()


def test_nobody_asks_for_more_rows_than_a_page_can_hold() -> None:
    assert ROWS < filters_of({"most": "999999"}).most <= 500
