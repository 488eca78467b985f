"""What is new or changed among the facts of a person since a moment: findings of a brief. Pure.

New to us is what counts, not new in the world: a fact is told when it was recorded after `since`. What another source
tells again is no news. Of each test only the newest value is told, with the one before.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.flows.brief_words import dated_words, day_words, is_private
from careloop.flows.patient_facts import Chart
from careloop.flows.patient_sections import detail_of, name_of_fact, results_by_test, scores_by_test
from careloop.flows.results_values import value_of
from careloop.flows.timeline import instant_of
from careloop.longitudinal import Fact, Longitudinal, Matter, SourceKind
from careloop.longitudinal.brief_model import Finding
from careloop.longitudinal.rules.paths import first, walk
from careloop.longitudinal.rules.saying import status_of
from careloop.longitudinal.rules.saying import value_of as text_of_value
from careloop.loops.rules.result_values import decimal_of, flags_of

Resource = Mapping[str, Any]
_TOLD = frozenset(
    {"Condition", "MedicationRequest", "MedicationStatement", "AllergyIntolerance", "Immunization", "Procedure",
     "Encounter", "DocumentReference"}
)  # fmt: skip
_CRITICAL = frozenset({"HH", "LL", "AA", "HU", "LU"})
_CLASSES = {
    "IMP": "hospital", "ACUTE": "hospital", "NONAC": "hospital", "OBSENC": "hospital", "SS": "hospital",
    "EMER": "emergency", "HH": "home", "VR": "video", "AMB": "visit",
}  # fmt: skip
_NOTHING_NEW = frozenset({"planned", "cancelled", "entered in error"})


@dataclass(frozen=True, kw_only=True)
class Since:
    """From when on something is news; what lies `old` before it was recorded is old news. `reader`: their name, so that
    what they told themselves is known. `is_critical`: whether the table of critical values says so (RC-01)."""

    since: datetime
    old: timedelta
    now: datetime
    zone: ZoneInfo
    reader: str
    is_critical: Callable[[Resource], bool]


def facts_found(chart: Chart, content: Longitudinal, since: Since) -> Iterator[Finding]:
    """Everything about facts."""
    for matter in chart.matters:
        if matter.shown.type in _TOLD and _is_news(matter, since.since):
            found = _fact(matter, since)
            if found is not None:
                yield found
    for ordered in results_by_test(chart, content, since.zone):
        yield from _result(ordered, since, "")
    for ordered in scores_by_test(chart):
        yield from _result(ordered, since, "score")


def _is_news(matter: Matter, since: datetime) -> bool:
    """True where the fact that is shown came after, and says something that no earlier one said."""
    if matter.shown.recorded <= since:
        return False
    before = [fact for fact in matter.also if fact.recorded <= since]
    return not before or status_of(matter.shown.resource) not in {status_of(fact.resource) for fact in before}


def _fact(matter: Matter, since: Since) -> Finding | None:
    fact = matter.shown
    resource = fact.resource
    status = status_of(resource)
    name = name_of_fact(fact)
    if (fact.type == "Encounter" and status in _NOTHING_NEW) or _says_none(fact, name):
        return None
    said = _said(fact)
    end = str(first(resource, ("period.end",)) or "") if fact.type == "Encounter" else ""
    return _finding(
        matter,
        since,
        {
            "status": status,
            "name": name,
            "detail": detail_of(resource),
            "class": _CLASSES.get(str((resource.get("class") or {}).get("code", "")), "visit"),
            "day": day_words(end or said, since.zone) if end or said else "",
        },
        end or said,
    )


def _says_none(fact: Fact, name: str) -> bool:
    """`No known allergies` is on the allergy list, and no allergy."""
    return fact.type == "AllergyIntolerance" and name.lower().startswith("no known")


def _result(ordered: Sequence[Matter], since: Since, category: str) -> Iterator[Finding]:
    """The newest value of a test where it is news; a score that could not be worked out says nothing."""
    newest = ordered[0]
    fact = newest.shown
    if fact.recorded <= since.since or any(one.recorded <= since.since for one in newest.also):
        return
    if category and not any(key.startswith("value") for key in fact.resource):
        return
    shown = value_of(fact.resource)
    is_critical = bool(flags_of(fact.resource) & _CRITICAL) or since.is_critical(fact.resource)
    before = ordered[1].shown.resource if ordered[1:] else None
    yield _finding(
        newest,
        since,
        {
            "name": shown.name,
            "value": text_of_value(fact.resource),
            "before": text_of_value(before) if before else "",
            "trend": _trend(fact.resource, before),
            "flag": "critical" if is_critical else shown.word,
            "category": category or _category(fact.resource),
            "count": str(len(ordered)),
        },
        _said(fact),
    )


def _finding(matter: Matter, since: Since, words: Mapping[str, str], said: str) -> Finding:
    fact = matter.shown
    at = instant_of(said) if said else None
    is_old = at is not None and at < fact.recorded - since.old and at < since.since
    source = fact.sources[0]
    stated = "" if source.kind is SourceKind.UNKNOWN else source.name
    told_new = fact.version == 1 and not any(one.recorded <= since.since for one in matter.also)
    when = dated_words(said, since.now, since.zone) if said else ""
    return Finding(
        kind="fact",
        words={
            "type": fact.type,
            "change": "new" if told_new else "changed",
            "dated": "old" if is_old else "recent",
            "system": stated,
            **words,
        },
        href=f"facts/{fact.type}/{fact.id}",
        source=", ".join(one for one in (stated, when) if one) or "source not stated",
        reference=f"{fact.reference}/_history/{fact.version}",
        at=min(at, since.now) if at else fact.recorded,
        private=is_private(fact.resource),
        own=source.kind is SourceKind.STAFF and source.name == since.reader,
    )


_DATES = (
    "recordedDate", "effectiveDateTime", "effectivePeriod.start", "occurrenceDateTime", "performedDateTime",
    "performedPeriod.start", "period.start", "onsetDateTime", "onsetPeriod.start", "authoredOn", "dateAsserted", "date",
    "issued",
)  # fmt: skip


def _said(fact: Fact) -> str:
    """When the fact was so, as FHIR text; a medicine or an allergy that was only recorded is as old as the record of
    it."""
    return str(first(fact.resource, _DATES) or "") or fact.sources[0].at


def _category(resource: Resource) -> str:
    codes = {str(one) for one in walk(resource, "category.coding.code")}
    return next((one for one in ("laboratory", "vital-signs", "survey") if one in codes), "other")


def _trend(resource: Resource, before: Resource | None) -> str:
    now, then = (_amount(one) if one else None for one in (resource, before))
    if now is None or then is None or now[1] != then[1] or now[0] == then[0]:
        return ""
    return "up" if now[0] > then[0] else "down"


def _amount(resource: Resource) -> tuple[Any, str] | None:
    quantity = resource.get("valueQuantity") or {}
    number = decimal_of(quantity.get("value"))
    return None if number is None else (number, str(quantity.get("code") or quantity.get("unit") or ""))
