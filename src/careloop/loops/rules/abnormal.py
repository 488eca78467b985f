"""Findings that need a named further step (results.md section 3), and what counts as that step.

`target_days` starts outreach, `limit_days` marks overdue; day 0 is the date of the final result. A repeat of the same
test, or a booking, is not the follow-up.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from careloop.loops.rules.critical import positivity
from careloop.loops.rules.result_tables import FollowUpKind, FollowUpRow, FollowUpTable, ResultTables, When
from careloop.loops.rules.result_values import (
    ABNORMAL_FLAGS,
    HIGH_FLAGS,
    LOW_FLAGS,
    affirmed,
    codes_in,
    flags_of,
    in_unit,
    measured,
    range_of,
    words_of,
)
from careloop.loops.rules.result_windows import group_of

Resource = Mapping[str, Any]
_RADS_TEXT = re.compile(
    r"\b(bi|lung)[\s-]?rads\b(?:\s*(?:®|\(r\)|assessment|category|cat\.?|score|final|overall|v?\d{4}|:|=|-))*\s*"
    r"([0-6])\s?([abcx])?(?![\w.])",
    re.IGNORECASE | re.ASCII,
)
_SCALES = {"bi": "BI-RADS", "lung": "Lung-RADS"}


@dataclass
class _Result:
    """A result with what several rows ask of it, each worked out when it is first asked for."""

    resource: Resource
    tables: ResultTables

    @cached_property
    def codes(self) -> frozenset[str]:
        return frozenset(codes_in(self.resource.get("code", {})))

    @cached_property
    def value_codes(self) -> frozenset[str]:
        return _value_codes(self.resource)

    @cached_property
    def text(self) -> str:
        return _text_of(self.resource)

    @cached_property
    def group(self) -> str:
        return group_of(self.resource, self.tables.windows).id

    def rads(self, scale: str) -> frozenset[str]:
        """None where neither a code nor a word can say one."""
        if not self.value_codes and "rads" not in self.text.lower():
            return frozenset()
        return rads_of(self.resource, scale, self.tables.follow_ups)


def row_for(resource: Resource, tables: ResultTables) -> FollowUpRow | None:
    """The finding of an Observation or DiagnosticReport that needs a further step; the most urgent if several fit."""
    result = _Result(resource, tables)
    table = tables.follow_ups
    rows = [row for code in result.codes for row in table.by_code.get(code, ())]
    rows += table.by_words if result.text or result.value_codes else ()
    fitting = [row for row in {row.id: row for row in rows}.values() if any(_shows(when, result) for when in row.when)]
    return min(fitting, key=lambda row: row.limit_days or 10**6, default=None)


def _shows(when: When, result: _Result) -> bool:
    if when.codes and not when.codes & result.codes:
        return False
    if when.scale is not None and not when.categories & result.rads(when.scale):
        return False
    if when.value_codes and not when.value_codes & result.value_codes:
        return False
    if when.words and not (result.text and _says(when, result.text)):
        return False
    if when.group is not None and result.group != when.group:
        return False
    return _value_fits(when, result.resource, result.tables)


def _says(when: When, text: str) -> bool:
    return affirmed(text, when.words) and (not when.and_words or affirmed(text, when.and_words))


def _text_of(resource: Resource) -> str:
    """What the result says in words: value, conclusion and their codes."""
    parts = [
        str(resource.get("valueString", "")),
        words_of(resource.get("valueCodeableConcept", {})),
        str(resource.get("conclusion", "")),
        words_of(resource.get("conclusionCode", [])),
    ]
    return ". ".join(part for part in parts if part)


def _value_codes(resource: Resource) -> frozenset[str]:
    return frozenset(
        (*codes_in(resource.get("valueCodeableConcept", {})), *codes_in(resource.get("conclusionCode", [])))
    )


def _value_fits(when: When, resource: Resource, tables: ResultTables) -> bool:
    value = measured(resource)
    if when.value == "positive":
        return positivity(resource, value, tables.critical) == "positive"
    if when.value == "out-of-range":
        return out_of_range(resource) not in (None, "")
    if when.value == "above-range":
        return out_of_range(resource) == "high"
    if when.unit is None:
        return True
    if value.number is None:
        return False
    number = in_unit(value.number, value.unit, when.unit, tables.critical.units)
    if number is None or value.comparator in ("<", "<="):
        return False
    return (when.low is None or number >= when.low) and (when.below is None or number < when.below)


def out_of_range(resource: Resource) -> str | None:
    """`low`, `high`, empty for inside the range or called normal, None where nobody can tell. The flag speaks first."""
    flags = flags_of(resource)
    if flags & LOW_FLAGS:
        return "low"
    if flags & HIGH_FLAGS:
        return "high"
    value = measured(resource)
    low, high = range_of(resource)
    if value.number is None or (low is None and high is None):
        return "" if flags and not flags & ABNORMAL_FLAGS else None
    if low is not None and value.number < low and not value.comparator.startswith(">"):
        return "low"
    if high is not None and value.number > high and not value.comparator.startswith("<"):
        return "high"
    return ""


def rads_of(resource: Resource, scale: str, table: FollowUpTable) -> frozenset[str]:
    """The categories of a scale that a result states, by code or in words; `4B` counts as `4` too."""
    coded = (table.rads[code] for code in _value_codes(resource) if code in table.rads)
    found = {category for known, category in coded if known == scale}
    found |= {category for known, category in _in_words(_text_of(resource)) if known == scale}
    found |= {category[0] for category in found} if scale == "BI-RADS" else set()
    return frozenset(found)


def _in_words(text: str) -> Iterator[tuple[str, str]]:
    if "rads" not in text.lower():
        return
    for scale, number, letter in _RADS_TEXT.findall(text):
        yield _SCALES[scale.lower()], f"{number}{letter.upper()}"


def kinds_of(resource: Resource, table: FollowUpTable) -> frozenset[str]:
    """The kinds of follow-up that a Procedure, report, observation, order or visit is."""
    codes = frozenset((*codes_in(resource.get("code", {})), *codes_in(resource.get("type", []))))
    found = {kind.id for kind in table.kinds.values() if codes & kind.codes and _resolves(kind, resource, table)}
    if resource.get("resourceType") == "Encounter":
        found |= {kind.id for kind in table.kinds.values() if kind.encounters and resource.get("status") == "finished"}
    return frozenset(found)


def _resolves(kind: FollowUpKind, resource: Resource, table: FollowUpTable) -> bool:
    """Imaging that must come to a decision counts only with one of its categories."""
    if kind.scale is None:
        return True
    return bool(kind.categories & rads_of(resource, kind.scale, table))


def satisfies(done: frozenset[str], needs: str, table: FollowUpTable) -> bool:
    """True when something of these kinds is the follow-up that was named, or one that counts for it."""
    return needs in done or bool(done & table.kinds[needs].others)


def closes(done: frozenset[str], table: FollowUpTable) -> frozenset[str]:
    """Every need that something of these kinds satisfies."""
    return frozenset(name for name in table.kinds if satisfies(done, name, table))


@dataclass(frozen=True, kw_only=True)
class FollowUpClock:
    """When outreach starts and when the follow-up is overdue, by date."""

    target: date
    limit: date

    def state(self, today: date) -> str:
        """`on-time`, `outreach` after the target, `overdue` after the limit."""
        if today > self.limit:
            return "overdue"
        return "outreach" if today > self.target else "on-time"


def clock_of(row: FollowUpRow, final: date) -> FollowUpClock | None:
    """The dates of a finding; None where it opens nothing (BI-RADS 6)."""
    if row.target_days is None or row.limit_days is None:
        return None
    return FollowUpClock(target=final + timedelta(days=row.target_days), limit=final + timedelta(days=row.limit_days))
