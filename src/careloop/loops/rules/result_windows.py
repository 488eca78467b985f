"""Clocks of test results (results.md section 1): groups of tests, the five queues, escalation, matches without numbers.

"Not done" is not "no result" (RE-06): each kind of waiting has its own queue and its own clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.loops.rules.calendar import INSTANT, Calendar, Deadline, Span, after
from careloop.loops.rules.result_tables import Clocks, Group, WindowTable
from careloop.loops.rules.result_values import codes_in, words_of

Resource = Mapping[str, Any]
FINAL = frozenset({"final", "amended", "corrected", "appended"})
ABNORMAL_CLOCKS = frozenset({"abnormal", "unknown", "critical", "critical-orange", "critical-yellow", "cannot-decide"})
"""Findings with the shorter clock; what nobody classified is not taken for normal."""


def group_of(resource: Resource, table: WindowTable, *, priority: str | None = None) -> Group:
    """The group of an order or a result: by code or category, then by the words of its name, then by its priority."""
    codes = frozenset((*codes_in(resource.get("code", {})), *codes_in(resource.get("category", []))))
    named = f" {words_of(resource.get('code', {})).lower()} "
    urgent = priority or str(resource.get("priority", ""))
    for group in table.groups:
        if codes & (group.codes | group.categories):
            return group
    for group in table.groups:
        if any(word in named for word in group.words) or urgent in group.priority:
            return group
    return next(group for group in table.groups if group.otherwise)


def is_test(order: Resource, table: WindowTable) -> bool:
    """True for an order whose result must come back; a referral or a consult is none."""
    codes = frozenset((*codes_in(order.get("code", {})), *codes_in(order.get("category", []))))
    if codes & table.not_tests:
        return False
    known = any(codes & (group.codes | group.categories) for group in table.groups)
    return known or bool(codes & table.categories) or any(code.split("|")[0] in table.systems for code in codes)


def review_span(clocks: Clocks, finding: str) -> Span:
    """How long a clinician may take to read a final result."""
    return clocks.review["abnormal" if finding in ABNORMAL_CLOCKS else "normal"]


def tell_span(clocks: Clocks, finding: str) -> Span:
    """How long until the patient is told, after the review."""
    return clocks.tell["abnormal" if finding in ABNORMAL_CLOCKS else "normal"]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a test has come. `resulted` is when the last final or corrected version came (RE-04); `status` is that of
    the newest version. `follow_up` is None where none is needed, else its limit; `follow_up_done` closes it."""

    ordered: datetime
    collected: datetime | None = None
    resulted: datetime | None = None
    status: str = ""
    finding: str = "unknown"
    reviewed: datetime | None = None
    told: datetime | None = None
    follow_up: datetime | None = None
    follow_up_done: datetime | None = None

    @property
    def is_final(self) -> bool:
        """RE-05: only a final or corrected result can close."""
        return self.resulted is not None and self.status in FINAL

    @property
    def is_reviewed(self) -> bool:
        """Reviewed since the last version came."""
        return self.is_final and self.reviewed is not None and self._stands(self.reviewed)

    @property
    def is_told(self) -> bool:
        """Told since the last version came: whoever heard the earlier value must hear the new one (RE-04)."""
        return self.is_final and self.told is not None and self._stands(self.told)

    @property
    def is_closed(self) -> bool:
        """RE-03."""
        done = self.follow_up is None or self.follow_up_done is not None
        return self.is_final and self.is_reviewed and self.is_told and done

    def _stands(self, at: datetime) -> bool:
        return self.resulted is not None and at >= self.resulted


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Where a test waits, until when, and whether it is late."""

    id: str
    deadline: Deadline
    late: bool


def queue_of(
    progress: Progress, clocks: Clocks, own: Clocks, table: WindowTable, zone: str, calendar: Calendar, now: datetime
) -> Queue | None:
    """The queue of the first thing that is missing; None when nothing is. `own` are the clocks of the test itself where
    `clocks` are those of a result that was open at discharge (RE-09)."""
    if progress.is_closed:
        return None
    step, start, span = _waiting_for(progress, clocks, own)
    if step == "follow-up":
        assert progress.follow_up is not None
        deadline = Deadline(due=progress.follow_up, because="limit of the follow-up")
    else:
        assert start is not None and span is not None
        deadline = after(start, span, zone, calendar)
    return Queue(id=table.queues[step], deadline=deadline, late=now >= deadline.due + INSTANT)


def _waiting_for(progress: Progress, clocks: Clocks, own: Clocks) -> tuple[str, datetime | None, Span | None]:
    if progress.collected is None and progress.resulted is None:
        return "collected", progress.ordered, clocks.collect
    if not progress.is_final:
        return "resulted", progress.collected or progress.ordered, clocks.result or own.result
    if not progress.is_reviewed:
        return "reviewed", progress.resulted, review_span(clocks, progress.finding)
    if not progress.is_told:
        return "patient-told", progress.reviewed, tell_span(clocks, progress.finding)
    return "follow-up", None, None


def hearing(due: datetime, zone: str, calendar: Calendar, table: WindowTable) -> list[tuple[datetime, tuple[str, ...]]]:
    """RE-10: who hears of an abnormal result that nobody reviewed, and when."""
    found = []
    for days, to in table.escalation:
        at = due if days == 0 else after(due, Span(amount=days, unit="business-days"), zone, calendar).due
        found.append((at, to))
    return found


@dataclass(frozen=True, kw_only=True)
class Match:
    """An order that a result may belong to. `sure` by its numbers; else only a suggestion for a person (RE-08)."""

    order: str
    sure: bool
    hours_apart: int | None = None


def matches(
    result: Resource, taken: datetime | None, orders: Sequence[tuple[Resource, datetime | None]], table: WindowTable
) -> list[Match]:
    """The orders of this patient that fit a result: the same order number, else the same test within 24 hours."""
    numbers, codes = _numbers(result), frozenset(codes_in(result.get("code", {})))
    found = []
    for order, at in orders:
        reference = f"ServiceRequest/{order.get('id', '')}"
        if numbers & _numbers(order):
            found.append(Match(order=reference, sure=True))
        elif taken is not None and at is not None and codes & frozenset(codes_in(order.get("code", {}))):
            apart = abs(taken - at)
            if apart <= timedelta(hours=table.match_hours):
                found.append(Match(order=reference, sure=False, hours_apart=int(apart.total_seconds() // 3600)))
    return sorted(found, key=lambda match: (not match.sure, match.hours_apart or 0, match.order))


def _numbers(resource: Resource) -> frozenset[str]:
    """Placer and filler numbers as `kind|system|value`; other identifiers are no order numbers."""
    found = set()
    for one in resource.get("identifier", ()):
        kinds = {code.rpartition("|")[2] for code in codes_in(one.get("type", {}))} & {"PLAC", "FILL"}
        found |= {f"{kind}|{one.get('system', '')}|{one['value']}" for kind in kinds if one.get("value")}
    return frozenset(found)
