"""Adherence of one person: fills and what is said, each with its source, and where they disagree.

Pure. Class sets, thresholds and days are content (`content/medications/adherence.yaml`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from careloop.catalog import Catalog
from careloop.medications.model import Medicine, Origin, Status, Unknown
from careloop.medications.rules.covered import (
    Covered,
    Fill,
    Measure,
    Period,
    covered_through,
    proportion_of_days_covered,
)
from careloop.medications.rules.singles import is_high_alert
from careloop.medications.safety_content import Safety

SNOMED = "http://snomed.info/sct"
_TAKES_LESS: Mapping[str, str] = {
    "275928001": "takes part of it",
    "266711001": "does not take it as told",
    "713247000": "takes it irregularly",
    "702565001": "does not take it as told",
    "129834002": "does not take it as told",
}
_TAKES: Mapping[str, str] = {"1156699004": "takes it as told", "182834008": "takes it as told"}


@dataclass(frozen=True, kw_only=True)
class ClassSet:
    """The medicines of one PDC measure, and what keeps a person out of it."""

    id: str
    title: str
    takes: tuple[str, ...]
    exclude_taking: tuple[str, ...]
    exclude_conditions: frozenset[str]
    source: str
    reviewed: bool


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`content/medications/adherence.yaml`."""

    classes: tuple[ClassSet, ...]
    measure: Measure
    gap_days: int
    high_alert_gap_days: int


@dataclass(frozen=True, kw_only=True)
class ClassAdherence:
    """PDC of one class; `Unknown` says why the person is not in the measure."""

    set: ClassSet
    pdc: Covered | Unknown
    fills: tuple[Fill, ...]
    excluded: str = ""


@dataclass(frozen=True, kw_only=True)
class Supply:
    """How long the fills of one ingredient last. `gap_on`: the day on which a missing refill becomes work."""

    ingredient: str
    last_fill: date
    through: date
    high_alert: str
    gap_on: date
    fills: int
    reference: str

    def is_gap(self, today: date) -> bool:
        """No supply for so long that somebody should ask."""
        return today >= self.gap_on


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody says about taking a medicine: the person, a caregiver, or the pharmacy that filled it."""

    ingredient: str
    by: str
    says: str
    day: date | None
    reference: str
    takes: bool


@dataclass(frozen=True, kw_only=True)
class Adherence:
    """Everything of one person on one day."""

    classes: tuple[ClassAdherence, ...]
    supplies: tuple[Supply, ...]
    said: tuple[Said, ...]
    disagreements: tuple[str, ...]


def rules_of(catalog: Catalog) -> Rules:
    """What the catalog says."""
    document = catalog.document("medications", "adherence")
    return Rules(
        classes=tuple(
            ClassSet(
                id=one["id"],
                title=one["title"],
                takes=tuple(one["takes"]),
                exclude_taking=tuple(one.get("exclude_taking", ())),
                exclude_conditions=frozenset(one.get("exclude_conditions", ())),
                source=one["source"],
                reviewed=one["reviewed"] is not None,
            )
            for one in document["classes"]
        ),
        measure=Measure(
            threshold=Decimal(document["threshold"]),
            least_days=document["least_days"],
            least_fills=document["least_fills"],
        ),
        gap_days=document["gap_days"],
        high_alert_gap_days=document["high_alert_gap_days"],
    )


def fills_of(medicines: Iterable[Medicine]) -> list[Fill]:
    """The fills that were handed over and say for how many days they last, one for each ingredient."""
    return [
        Fill(ingredient=ingredient.key, day=one.start, days=one.days_supply, reference=one.reference)
        for one in medicines
        if one.origin is Origin.FILL and one.status is Status.COMPLETED
        if one.start is not None and one.days_supply
        for ingredient in one.ingredients
    ]


def adherence_of(
    medicines: Sequence[Medicine],
    reports: Mapping[str, str],
    conditions: frozenset[str],
    facility: Sequence[Period],
    rules: Rules,
    safety: Safety,
    today: date,
) -> Adherence:
    """PDC of each class in the calendar year so far, supplies, what is said, disagreements. `reports`: what is told of
    taking it, by the reference of its statement."""
    fills = fills_of(medicines)
    period = Period(first=date(today.year, 1, 1), last=today)
    classes = tuple(_class(one, fills, conditions, facility, period, rules, safety) for one in rules.classes)
    supplies = tuple(_supplies(fills, medicines, facility, rules, safety))
    said = tuple(_said(medicines, reports))
    return Adherence(
        classes=tuple(one for one in classes if one.fills),
        supplies=supplies,
        said=said,
        disagreements=tuple(_disagreements(supplies, said, medicines, today)),
    )


def _class(
    one: ClassSet,
    fills: Sequence[Fill],
    conditions: frozenset[str],
    facility: Sequence[Period],
    period: Period,
    rules: Rules,
    safety: Safety,
) -> ClassAdherence:
    members = _members(one.takes, safety)
    mine = tuple(fill for fill in fills if fill.ingredient in members)
    kept_out = _members(one.exclude_taking, safety)
    other = next((fill.ingredient for fill in fills if fill.ingredient in kept_out and fill.day >= period.first), "")
    if other or conditions & (one.exclude_conditions | {"hospice"}):
        why = f"not counted: {other or 'by a condition'}"
        return ClassAdherence(set=one, pdc=Unknown(why), fills=mine, excluded=why)
    return ClassAdherence(set=one, pdc=proportion_of_days_covered(mine, period, rules.measure, facility), fills=mine)


def _members(classes: Sequence[str], safety: Safety) -> frozenset[str]:
    return frozenset(name for one in classes for name in safety.drugs.classes.get(one, ()))


def _supplies(
    fills: Sequence[Fill], medicines: Sequence[Medicine], facility: Sequence[Period], rules: Rules, safety: Safety
) -> Iterable[Supply]:
    """Ingredients that are still taken, by when their supply ends. What was stopped needs no refill."""
    ordered = [one for one in medicines if one.origin is not Origin.FILL]
    live = {each.key for one in ordered if one.status in (Status.ACTIVE, Status.UNKNOWN) for each in one.ingredients}
    away = [day for one in facility for day in _days(one)]
    for name in sorted({one.ingredient for one in fills}):
        if ordered and name not in live:
            continue
        mine = [one for one in fills if one.ingredient == name]
        through = covered_through(mine, away)
        if through is None:
            continue
        last = max(mine, key=lambda one: (one.day, one.reference))
        group = is_high_alert(safety, safety.bits.get(name, 0))
        wait = rules.high_alert_gap_days if group else rules.gap_days
        yield Supply(ingredient=name, last_fill=last.day, through=through, high_alert=group,
                     gap_on=through + timedelta(days=wait), fills=len(mine), reference=last.reference)  # fmt: skip


def _days(period: Period) -> list[date]:
    return [period.first + timedelta(days=step) for step in range(period.days)]


def _said(medicines: Sequence[Medicine], reports: Mapping[str, str]) -> Iterable[Said]:
    people = {Origin.PATIENT: "the patient", Origin.CAREGIVER: "a caregiver", Origin.STATEMENT: "staff or another list"}
    for one in medicines:
        if one.origin not in people or not one.ingredients:
            continue
        report = reports.get(one.reference, "")
        if one.status is Status.NOT_TAKEN:
            report, takes = report or "does not take it", False
        elif report in _TAKES_LESS.values():
            takes = False
        elif one.status is Status.ACTIVE:
            report, takes = report or "takes it", True
        else:
            continue
        for ingredient in one.ingredients:
            yield Said(ingredient=ingredient.key, by=people[one.origin], says=report, day=one.recorded,
                       reference=one.reference, takes=takes)  # fmt: skip


def report_of(resource: Mapping[str, Any]) -> str:
    """What an order or statement says about taking it: the US Core adherence extension, in words; empty for nothing."""
    for extension in resource.get("extension") or ():
        if not str(extension.get("url", "")).endswith("us-core-medication-adherence"):
            continue
        for part in extension.get("extension") or ():
            for coding in (part.get("valueCodeableConcept") or {}).get("coding") or ():
                code = str(coding.get("code", ""))
                if code in _TAKES_LESS or code in _TAKES:
                    return _TAKES_LESS.get(code) or _TAKES[code]
    return ""


def _disagreements(
    supplies: Sequence[Supply], said: Sequence[Said], medicines: Sequence[Medicine], today: date
) -> Iterable[str]:
    """Where the sources do not say the same: said to be taken but no supply; filled but said not to be taken; ordered
    and said by the person not to be taken."""
    by_name = {one.ingredient: one for one in supplies}
    ordered = {each.key for one in medicines if one.origin is Origin.ORDER and one.status is Status.ACTIVE
               for each in one.ingredients}  # fmt: skip
    for one in said:
        supply = by_name.get(one.ingredient)
        if one.takes and supply is not None and supply.is_gap(today):
            yield f"{one.ingredient}: {one.by} says: {one.says}; fills lasted until {supply.through:%-d %b %Y}"
        elif not one.takes and supply is not None and supply.through >= today:
            yield f"{one.ingredient}: {one.by} says: {one.says}; filled until {supply.through:%-d %b %Y}"
        elif not one.takes and supply is None and one.ingredient in ordered:
            yield f"{one.ingredient}: {one.by} says: {one.says}; it is ordered"
