"""Conditions on dates, so that a window of time costs what it holds and not what came before or after it.

`resource_date.shape` tells rows apart: a field's only date of at most 31 days (for which "ends after A" means "begins
after A - 31 days", which the index can look up), a field's only date that is longer, and one of several dates (where
each condition may be met by another date).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from careloop.fhir.dates import BEGINNING, END
from careloop.fhir.prefixes import Alternatives, Comparison
from careloop.record.indexing import LONG, LONG_ALONE, ONE_OF_SEVERAL, SHORT_ALONE
from careloop.record.search.keysets import KeySet, KeyTest, of_selects
from careloop.record.search.sql import Sql, all_of, any_of, chain, joined

_TABLE = "resource_date as dated"
_KEYS = "select dated.key from resource_date as dated where dated.field = %s and"
_COMPARISONS = {
    (column, operator): f"dated.{column} {operator} %s"
    for column in ("low", "high")
    for operator in ("<", "<=", ">", ">=")
}

MILLISECOND = timedelta(milliseconds=1)

Window = tuple[datetime, datetime]


FEW_DAYS = timedelta(days=2)


def date_keys(
    field: int, groups: Sequence[Alternatives[datetime]], *, alone: bool = False, of_people: bool = False
) -> KeySet:
    """The resources with dates of `field` that satisfy every one of `groups`.

    A field's only date must satisfy all of them; of several dates each group asks for one. Each shape of row is a
    range of the index of its own; a field that never has several (`alone`) is not looked up among those. Days of birth
    are `of_people`: few share one, in a million about thirty.
    """
    conditions = [_holds(group) for group in groups]
    low, high = _window(groups)
    short = [_shape(SHORT_ALONE), Sql("dated.low >= %s and dated.low <= %s", (_shift(low, -LONG), high)), *conditions]
    long = [_shape(LONG_ALONE), Sql("dated.low <= %s", (high,)), *conditions]
    selects = [_select(field, short), _select(field, long)]
    if not alone:
        several = [_select(field, [_shape(ONE_OF_SEVERAL), one]) for one in conditions]
        selects.append(joined(" intersect ", several))
    tests = [KeyTest(_TABLE, "dated", all_of([Sql("dated.field = %s", (field,)), one])) for one in conditions]
    narrow = of_people and high - low <= FEW_DAYS
    return of_selects([chain("(", one, ")") for one in selects], tests, narrow=narrow)


def _select(field: int, parts: Sequence[Sql]) -> Sql:
    return chain(Sql(_KEYS, (field,)), all_of(parts))


def _shape(shape: int) -> Sql:
    return Sql("dated.shape = %s", (shape,))


def last_updated(alternatives: Alternatives[datetime]) -> Sql:
    """The same for `_lastUpdated`, which is a column and lasts one millisecond."""
    return any_of(all_of(_updated(one) for one in alternative) for alternative in alternatives)


_UPDATED = {operator: f"resource.last_updated {operator} %s" for operator in ("<", "<=", ">", ">=")}


def _updated(one: Comparison[datetime]) -> Sql:
    value = one.value if one.column == "low" else _shift(one.value, -MILLISECOND)
    return Sql(_UPDATED[one.operator], (value,))


def _holds(alternatives: Alternatives[datetime]) -> Sql:
    return any_of(
        all_of(Sql(_COMPARISONS[one.column, one.operator], (one.value,)) for one in alternative)
        for alternative in alternatives
    )


def _window(groups: Sequence[Alternatives[datetime]]) -> Window:
    """Outside this no date that satisfies all groups can begin (its end is a month later at most, for short ones)."""
    windows = [_hull([_single(alternative) for alternative in group]) for group in groups]
    return max(low for low, _ in windows), min(high for _, high in windows)


def _hull(windows: Sequence[Window]) -> Window:
    return min(low for low, _ in windows), max(high for _, high in windows)


def _single(comparisons: Sequence[Comparison[datetime]]) -> Window:
    lows = [one.value for one in comparisons if one.operator in (">", ">=")]
    highs = [one.value for one in comparisons if one.operator in ("<", "<=")]
    return max(lows, default=BEGINNING), min(highs, default=END)


def _shift(moment: datetime, by: timedelta) -> datetime:
    try:
        return (moment + by).astimezone(UTC)
    except OverflowError:
        return BEGINNING if by < timedelta(0) else END
