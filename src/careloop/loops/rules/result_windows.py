"""Clocks of test results (results.md section 1): groups of tests, their clocks, matches without numbers.

The five queues (RE-06) and who hears of what nobody read (RE-10) are steps of `content/pathways/test-result.yaml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.loops.rules.calendar import Span
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
