"""The words by which pathways know a result: its group, what it found, how soon somebody must read it (results.md).

`findings(resource, birth_date=..., tables=...)` says what one resource says by itself; `result_keys` adds what only the
others can tell. Every word is decided by the tables of `content/results`.

| key | says |
|---|---|
| `group` | group of tests (`windows.yaml`) |
| `finding` | normal · abnormal · critical · critical-orange · critical-yellow · cannot-decide · unknown |
| `flag` | why it cannot be decided, or what is special: comparator, unit, text, range, age, laboratory |
| `minutes` | within which a critical value must be acknowledged |
| `critical-row`, `direction` | which line of `critical-values.yaml`, and which way |
| `follow-up-row`, `needs` | which line of `abnormal-followup.yaml`, and the follow-up it names |
| `follow-up` | named · decide (abnormal, a clinician says what follows) · none |
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from careloop.loops.rules.abnormal import out_of_range, row_for
from careloop.loops.rules.critical import Judged, Verdict, judge, positivity
from careloop.loops.rules.result_tables import FollowUpRow, ResultTables, tables_of
from careloop.loops.rules.result_values import ABNORMAL_FLAGS, NORMAL_FLAGS, flags_of, measured
from careloop.loops.rules.result_windows import group_of, is_test

Resource = Mapping[str, Any]
SEVERITY = ("critical", "cannot-decide", "critical-orange", "critical-yellow", "abnormal", "unknown", "normal")
"""Findings from the worst; of several results of one report the worst is the report's."""

_CULTURE = "microbiology_culture"
PAGED = frozenset({"critical", "cannot-decide", "critical-orange", "critical-yellow"})


def findings(resource: Resource, *, birth_date: date | None, tables: Mapping[str, Any]) -> Mapping[str, str]:
    """The words of one order, report or observation. `tables`: the documents of `content/results` by name."""
    return words_of_one(resource, birth_date, tables_of(tables))


def words_of_one(resource: Resource, birth_date: date | None, tables: ResultTables) -> dict[str, str]:
    """As `findings`, with tables that were read already."""
    if resource.get("resourceType") == "ServiceRequest":
        return {"group": group_of(resource, tables.windows).id, "test": yes(is_test(resource, tables.windows))}
    judged = judge(resource, tables.critical, birth_date)
    row = row_for(resource, tables)
    finding = _finding(resource, judged, row, tables)
    found = {
        "group": group_of(resource, tables.windows).id,
        "finding": finding,
        "follow-up": follow_up_of(finding, row),
        "flag": judged.flag or "",
        "minutes": str(judged.minutes) if judged.pages and judged.minutes is not None else "",
        "critical-row": judged.row.id if judged.row is not None and judged.pages else "",
        "direction": judged.direction or out_of_range(resource) or "",
        "follow-up-row": row.id if row is not None else "",
        "needs": row.needs or "" if row is not None else "",
    }
    return {name: word for name, word in found.items() if word}


def yes(holds: bool) -> str:
    """`yes` or `no`."""
    return "yes" if holds else "no"


def _finding(resource: Resource, judged: Judged, row: FollowUpRow | None, tables: ResultTables) -> str:
    if judged.verdict is Verdict.CANNOT_DECIDE:
        return "cannot-decide"
    if judged.verdict is Verdict.CRITICAL:
        return "critical" if judged.tier == "red" else f"critical-{judged.tier}"
    flags = flags_of(resource)
    if row is not None or flags & ABNORMAL_FLAGS or out_of_range(resource):
        return "abnormal"
    if flags & NORMAL_FLAGS or out_of_range(resource) == "":
        return "normal"
    return _in_words(resource, tables)


def _in_words(resource: Resource, tables: ResultTables) -> str:
    """A value without flag and range: a culture as its words say, else only one that is coded as positive or negative
    or says just that. A sentence such as "No acute findings" is for a person to read: unknown."""
    value = measured(resource)
    if value.number is not None or not (value.text or value.codes):
        return "unknown"
    said = value.text.strip(" .").lower()
    words = tables.critical.words
    plain = said in words["negative"] or said in words["positive"]
    if not (plain or value.codes or group_of(resource, tables.windows).id == _CULTURE):
        return "unknown"
    return {"positive": "abnormal", "negative": "normal"}.get(positivity(resource, value, tables.critical), "unknown")


def follow_up_of(finding: str, row: FollowUpRow | None) -> str:
    """RE-03: a named follow-up, a clinician's decision for what is not normal, or none."""
    if row is not None and row.needs is not None:
        return "named"
    return "none" if finding == "normal" or row is not None else "decide"


def worst(found: list[str]) -> str:
    """The worst of several findings; `unknown` where there is none."""
    return min(found, key=SEVERITY.index, default="unknown")
