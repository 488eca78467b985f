"""A care plan as clinical statements: what is done for which goal, and how far goals were reached."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from careloop.fhir.xmls import Element
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.writing.statements import outcome
from careloop.intake.ccda.writing.types import Hand, uuid_of

_SNOMED = "2.16.840.1.113883.6.96"
PART = "2.25.203794365931824332968034175242730408480"
"""Our own template and code system for what C-CDA has no place for: how often a planned act is done (its effectiveTime
is an interval, which cannot say so)."""
_PERTAINS = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"
_UNITS = {"d": "day", "wk": "week", "mo": "month", "a": "year", "h": "hour"}


def intervention(hand: Hand, entry: Element, one: Json) -> None:
    """A step (`detail` of an activity, or a request) as a planned intervention with the goals that it is for."""
    act = hand.add(entry, "act", classCode="ACT", moodCode="INT")
    hand.template(act, "22.4.146")
    own = str(one.get("id", ""))
    hand.add(act, "id", root=uuid_of(f"intervention {own}"))
    hand.add(
        act, "code", code="362956003", codeSystem=_SNOMED, displayName="Procedure / intervention (navigational concept)"
    )
    hand.add(act, "statusCode", code="active")
    _planned(hand, hand.add(act, "entryRelationship", typeCode="REFR"), one)
    for goal in goals_of(hand, one):
        _entry_reference(hand, hand.add(act, "entryRelationship", typeCode="RSON"), goal)


def goals_of(hand: Hand, one: Mapping[str, Any]) -> list[Json]:
    """The goals that a step says it is for."""
    links = [said["valueReference"] for said in one.get("extension", ()) if said.get("url") == _PERTAINS]
    found = [hand.resolve(str(said.get("reference", ""))) for said in (*one.get("goal", ()), *links)]
    return [goal for goal in found if goal is not None]


def _planned(hand: Hand, link: Element, one: Json) -> None:
    inner = hand.add(link, "act", classCode="ACT", moodCode="INT")
    hand.template(inner, "22.4.39")
    hand.add(inner, "id", root=uuid_of(f"step {one.get('id', '')}"))
    hand.code(inner, "code", one.get("code"))
    if one.get("description"):
        hand.add(inner, "text", str(one["description"]))
    hand.add(inner, "statusCode", code="active")
    for who in one.get("performerType", ()):
        entity = hand.add(hand.add(inner, "performer", typeCode="PRF"), "assignedEntity")
        hand.add(entity, "id", nullFlavor="NI")
        hand.code(entity, "code", who)
    repeat = one.get("scheduledTiming", {}).get("repeat", {})
    if "period" in repeat:
        _part(hand, inner, "interval", "How often it is done: once in", "PQ", repeat["period"], repeat["periodUnit"])
    elif repeat:
        _part(hand, inner, "times", "How many times it is done", "INT", repeat.get("count", 1))
    if one.get("minutes"):
        _part(hand, inner, "minutes", "Minutes that it takes", "PQ", one["minutes"], "min")


def _part(hand: Hand, step: Element, code: str, shown: str, kind: str, value: Any, unit: str | None = None) -> None:
    """What has no place in C-CDA, as a statement of our own template within the step."""
    inner = hand.add(
        hand.add(step, "entryRelationship", typeCode="COMP"), "observation", classCode="OBS", moodCode="INT"
    )
    hand.add(inner, "templateId", root=PART)
    hand.add(inner, "code", code=code, codeSystem=PART, displayName=shown)
    hand.add(inner, "statusCode", code="active")
    hand.add(inner, "value", xsi_type=kind, value=value, unit=unit)


def _entry_reference(hand: Hand, link: Element, goal: Json) -> None:
    act = hand.add(link, "act", classCode="ACT", moodCode="EVN")
    hand.template(act, "22.4.122")
    hand.ids(act, goal)
    hand.add(act, "code", nullFlavor="NP")
    hand.add(act, "statusCode", code="completed")


def outcome_for(hand: Hand, entry: Element, one: Json, goals: Sequence[Json]) -> None:
    """An observation that tells how far these goals were reached."""
    inner = outcome(hand, entry, one)
    for goal in goals:
        _entry_reference(hand, hand.add(inner, "entryRelationship", typeCode="GEVL"), goal)


def often_words(one: Mapping[str, Any]) -> str:
    """How often a step is done, for people."""
    repeat = one.get("scheduledTiming", {}).get("repeat", {})
    if "period" not in repeat:
        return "once" if repeat else ""
    amount, unit = Decimal(str(repeat["period"])), _UNITS.get(str(repeat.get("periodUnit")), "")
    return f"each {unit}" if amount == 1 else f"every {amount.normalize():f} {unit}s"
