"""Plans of other sources as values: goals, steps and advice of a CarePlan that we did not write. Pure.

Their steps are `activity.detail` or what `activity.reference` leads to; both kinds of R4 plans exist (US Core, MCC).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from careloop.careplans.model import Interval

Read = Mapping[str, Any]

FROM = "from/"
"""Keys of what was taken over, and names of their plans in advice, begin so."""

STEP_SYSTEM, ADVICE_SYSTEM = "urn:careloop:plan-step", "urn:careloop:plan-advice"
"""Codes of our own steps (`lab.a1c`) and subjects of advice, as other installations of ours send them."""

PERTAINS = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"
_MINUTES = "urn:careloop:plan-minutes"
_UNITS = {"d": "day", "wk": "week", "mo": "month", "a": "year"}
_OVER = frozenset({"completed", "cancelled", "stopped", "entered-in-error", "revoked", "rejected"})


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherGoal:
    """A goal of another source. `measure` is `system|code`; `due` a day as it was told."""

    id: str
    title: str
    measure: str = ""
    low: str = ""
    high: str = ""
    unit: str = ""
    due: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherStep:
    """A step of another source. `every` is None where it does not say how often; `times` more than once within that."""

    title: str
    patient: str = ""
    codes: tuple[str, ...] = ()
    every: Interval | None = None
    times: int = 1
    goals: tuple[str, ...] = ()
    by_patient: bool = False
    owner: str = ""
    minutes: int | None = None

    @property
    def advises(self) -> str:
        """The subject of ours that it is advice on, where it says so; empty for what is done."""
        return next((one.partition("|")[2] for one in self.codes if one.startswith(f"{ADVICE_SYSTEM}|")), "")


@dataclass(frozen=True, kw_only=True)
class OtherPlan:
    """What somebody else plans. `source` is who, in words; `on` the day it was told; `holds` while it is active."""

    id: str
    title: str
    source: str
    status: str
    on: str = ""
    goals: tuple[OtherGoal, ...] = ()
    steps: tuple[OtherStep, ...] = ()

    @property
    def key(self) -> str:
        """Its name in our plan."""
        return f"{FROM}{self.id}"

    @property
    def holds(self) -> bool:
        """It is to be kept to now."""
        return self.status == "active"

    @property
    def ref(self) -> str:
        """The source as it is cited."""
        return f"{self.source}, {_day_words(self.on)}" if self.on else self.source


def _day_words(on: str) -> str:
    """`10 Nov 2026`; a part of a date as it was told."""
    if len(on) != 10:
        return on
    day = date.fromisoformat(on)
    return f"{day.day} {day:%b} {day.year}"


def references_of(plan: Read) -> list[str]:
    """What has to be fetched to read it: its activities, its author."""
    links = [one["reference"] for one in plan.get("activity", ()) if "reference" in one]
    found = [str(one.get("reference", "")) for one in (*links, *_authors(plan))]
    return [one for one in found if one.count("/") == 1]


def _authors(plan: Read) -> list[Read]:
    return [one for one in (plan.get("author"), *plan.get("contributor", ())) if one]


def other_plan(plan: Read, found: Mapping[str, Read], told: str) -> OtherPlan:
    """The plan. `found` are resources by reference, those that are missing are left out; `told` names the source where
    the plan itself does not."""
    names = [str(one.get("text") or "") for one in plan.get("category", ())]
    goals = [found[ref] for one in plan.get("goal", ()) if (ref := str(one.get("reference"))) in found]
    written = str(plan.get("created") or plan.get("period", {}).get("start") or "")
    steps = [_step(one, found) for one in plan.get("activity", ())]
    return OtherPlan(
        id=str(plan["id"]),
        title=str(plan.get("title") or next((one for one in names if one), "Care plan")),
        source=_source(plan, found) or told or "Source not stated",
        status=str(plan.get("status", "")),
        on=written[:10],
        goals=tuple(other_goal(one) for one in goals if one.get("lifecycleStatus") not in _OVER),
        steps=tuple(one for one in steps if one is not None),
    )


def _source(plan: Read, found: Mapping[str, Read]) -> str:
    for one in _authors(plan):
        who = found.get(str(one.get("reference")), {})
        name = who.get("name")
        if isinstance(name, list):
            first: Read = next(iter(name), {})
            name = first.get("text") or " ".join([*first.get("given", ()), str(first.get("family", ""))]).strip()
        if one.get("display") or name:
            return str(one.get("display") or name)
    return ""


def other_goal(goal: Read) -> OtherGoal:
    """A Goal of another source."""
    target: Read = next(iter(goal.get("target", ())), {})
    measure: Read = next(iter(target.get("measure", {}).get("coding", ())), {})
    low, high, unit = _limits(target)
    return OtherGoal(
        id=str(goal["id"]),
        title=_words(goal.get("description", {})) or "Goal",
        measure=f"{measure.get('system', '')}|{measure['code']}" if measure.get("code") else "",
        low=low,
        high=high,
        unit=unit,
        due=str(target.get("dueDate", "")),
    )


def _limits(target: Read) -> tuple[str, str, str]:
    """Least and most of a target; one number without a comparison is the most, as goals of numbers to be lowered are
    written (a floor is written with a comparison or as a range)."""
    if one := target.get("detailQuantity"):
        value, unit = str(one.get("value", "")), str(one.get("code") or one.get("unit") or "")
        return (value, "", unit) if str(one.get("comparator", "")).startswith(">") else ("", value, unit)
    span = target.get("detailRange", {})
    ends = [span.get("low", {}), span.get("high", {})]
    unit = next((str(one.get("code") or one.get("unit")) for one in ends if one.get("code") or one.get("unit")), "")
    return str(ends[0].get("value", "")), str(ends[1].get("value", "")), unit


def _step(activity: Read, found: Mapping[str, Read]) -> OtherStep | None:
    detail = activity.get("detail")
    if detail is None:
        detail = found.get(str(activity.get("reference", {}).get("reference")))
    if detail is None or detail.get("status") in _OVER:
        return None
    code: Any = detail.get("code") or detail.get("medicationCodeableConcept") or next(iter(detail.get("type", ())), {})
    title = _words(code if isinstance(code, Mapping) else {}) or str(detail.get("description", ""))
    timing = detail.get("scheduledTiming") or detail.get("occurrenceTiming") or {}
    every, times = interval_of(timing, detail)
    links = [one["valueReference"] for one in detail.get("extension", ()) if one.get("url") == PERTAINS]
    performers = [*_listed(detail.get("performer")), *_listed(detail.get("owner"))]
    return OtherStep(
        title=title or "A step that does not say what",
        codes=tuple(f"{one.get('system', '')}|{one['code']}" for one in _codings(code) if one.get("code")),
        every=every,
        times=times,
        goals=tuple(str(one.get("reference", "")).split("/")[-1] for one in (*detail.get("goal", ()), *links)),
        patient=str(detail.get("patientInstruction") or (detail.get("description", "") if title else "")),
        owner="-".join(_words(next(iter(_listed(detail.get("performerType"))), {})).lower().split()),
        minutes=next((one["valueInteger"] for one in detail.get("extension", ()) if one.get("url") == _MINUTES), None),
        by_patient=any(str(one.get("reference", "")).startswith("Patient/") for one in performers),
    )


def interval_of(timing: Read, detail: Read) -> tuple[Interval | None, int]:
    """How often, and how many times within that; None where nothing says so."""
    repeat = timing.get("repeat", {})
    unit, period = _UNITS.get(str(repeat.get("periodUnit"))), repeat.get("period")
    if unit and period and int(period) == period:
        return Interval(int(period), unit), int(repeat.get("frequency", 1))
    if repeat.get("count") == 1 or detail.get("occurrenceDateTime"):
        return Interval(0), 1
    return None, 1


def _codings(code: Any) -> Sequence[Read]:
    return code.get("coding", ()) if isinstance(code, Mapping) else ()


def _words(concept: Read) -> str:
    shown = next((one["display"] for one in concept.get("coding", ()) if one.get("display")), "")
    return str(concept.get("text") or shown)


def _listed(value: Any) -> list[Read]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
