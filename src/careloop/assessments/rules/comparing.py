"""Scores over time: response, remission, a change that counts (AS-10), and when to ask again."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal

from careloop.assessments.model import Instrument, Rescreen


@dataclass(frozen=True, kw_only=True)
class Change:
    """A later total against an earlier one. `percent` is the fall (the rise where higher is better)."""

    by: Decimal
    percent: int | None
    response: bool
    remission: bool
    counts: bool
    better: bool


def compared(instrument: Instrument, before: Decimal, after: Decimal) -> Change:
    """What became of the score."""
    rules = instrument.change
    gained = before - after if instrument.better == "lower" else after - before
    share = gained * 100 / before if before else None
    return Change(
        by=after - before,
        percent=None if share is None else int(share.to_integral_value(ROUND_FLOOR)),
        response="response_percent" in rules and share is not None and share >= rules["response_percent"],
        remission="remission_below" in rules and after < rules["remission_below"],
        counts="least" in rules and abs(gained) >= rules["least"],
        better=gained > 0,
    )


def rescreen_due(
    instrument: Instrument, total: Decimal | None, earlier: Sequence[Decimal], at: datetime
) -> tuple[datetime, Rescreen] | None:
    """When to ask again after a score of this instant; `earlier` are totals before it (AS-10)."""
    for rule in instrument.rescreen:
        if rule.total_at_least is not None and (total is None or total < rule.total_at_least):
            continue
        if rule.was_positive and not _was_positive(instrument, earlier):
            continue
        return add_span(at, rule.every), rule
    return None


def _was_positive(instrument: Instrument, earlier: Sequence[Decimal]) -> bool:
    cut = instrument.positive.at_least if instrument.positive else None
    return cut is not None and any(total >= cut for total in earlier)


def add_span(at: datetime, span: str) -> datetime:
    """`at` and so long: `4 weeks`, `12 months` (the last day of a shorter month), `2 hours`."""
    count, _, unit = span.partition(" ")
    number = int(count)
    if unit == "months":
        month = at.month - 1 + number
        year, month = at.year + month // 12, month % 12 + 1
        return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))
    return at + timedelta(**{unit: number})
