"""What a person may write down to prove a step: read from its `done_when`, so that a pathway file alone decides it.

A condition is taken apart into the ways in which it can hold; each way that a person can bring about by hand becomes a
`Way`. What only feeds, patients or another screen can bring (a report, a message of the patient, the states of a
referral) is no way: such proof is named by its reference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from careloop.loops.facts.parts import codes_of
from careloop.loops.rules.conditions import Condition
from careloop.loops.rules.pathways import Step

OUTREACH = "urn:careloop:communication|outreach"


class Kind(StrEnum):
    """What is written down."""

    NOTE = "note"
    TALK = "talk"
    CONSENT = "consent"
    BOOKING = "booking"
    VISIT = "visit"
    PROCEDURE = "procedure"
    FORM = "form"
    PLAN = "plan"
    REQUEST = "request"
    ANSWER = "answer"
    TEAM = "team"
    DONE = "done"


@dataclass(frozen=True, kw_only=True)
class Way:
    """One thing that proves a step. `by` are the roles one of which must have done it, empty where anybody may."""

    kind: Kind
    categories: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    belongs: bool = False


def ways_of(step: Step) -> tuple[Way, ...]:
    """Each way in the order of the pathway file, the same way once. None for proof that is more than one fact."""
    if step.special:
        return ()
    found = [way for one in alternatives(step.done_when) if (way := _way(one)) is not None]
    return tuple(dict.fromkeys(found))


def alternatives(condition: Condition) -> tuple[Condition, ...]:
    """The ways in which the condition can hold: each a mapping of operators without `any` and `all`."""
    found: list[dict[str, Any]] = [{name: value for name, value in condition.items() if name not in ("any", "all")}]
    for part in condition.get("all", ()):
        found = [{**one, **more} for one in found for more in alternatives(part)]
    if "any" in condition:
        found = [{**one, **more} for one in found for part in condition["any"] for more in alternatives(part)]
    return tuple(found)


def shown_types(step: Step) -> frozenset[str]:
    """The FHIR types of what may be named as proof because it is in the record already."""
    kinds = {str(one["resource"]) for one in alternatives(step.done_when) if "resource" in one}
    return frozenset("Appointment" if kind == "Booking" else kind for kind in kinds)


def accepts(step: Step, resource: Mapping[str, Any]) -> bool:
    """True for a resource of a kind, state and code that the step asks for; whom and what it is about is not asked."""
    return any(_fits(one, resource) for one in alternatives(step.done_when))


def must_be_new(step: Step, resource: Mapping[str, Any]) -> bool:
    """True where such proof does not name the matter and counts only after the opening (TR-24 and alike)."""
    named = any(one.get("belongs") for one in alternatives(step.done_when) if _fits(one, resource))
    return not named and step.counts in ("after-opening", "after-step", "contact")


def _fits(one: Condition, resource: Mapping[str, Any]) -> bool:
    kind = "Appointment" if one.get("resource") == "Booking" else one.get("resource")
    codes = codes_of(resource.get("code")) | codes_of(resource.get("type"))
    return (
        kind == resource.get("resourceType")
        and resource.get("status") in one.get("status", [resource.get("status")])
        and ("class" not in one or (resource.get("class") or {}).get("code") in one["class"])
        and ("code" not in one or not codes.isdisjoint(one["code"]))
        and ("category" not in one or not codes_of(resource.get("category")).isdisjoint(one["category"]))
        and ("contact" not in one or resource.get("status") == "completed")
    )


def proven_by_call(step: Step) -> bool:
    """True where a plain call that reached the patient proves the step: nothing more has to be said in it."""
    return any(
        way.kind is Kind.TALK and (not way.categories or OUTREACH in way.categories) for way in ways_of(step)
    )  # fmt: skip


def tried_by_call(step: Step) -> bool:
    """True where a call that reached nobody is a try of this step."""
    return step.attempts is not None and any(
        one.get("resource") == "Communication" and one.get("contact") == "attempt"
        for one in alternatives(step.attempts.when)
    )


def _way(one: Condition) -> Way | None:
    kind = _kind(one)
    if kind is None:
        return None
    return Way(
        kind=kind,
        categories=tuple(one.get("category", ())),
        codes=tuple(one.get("code", ())),
        classes=tuple(one.get("class", ())),
        by=tuple(one.get("performed_by", ())),
        belongs=bool(one.get("belongs")),
    )


def _kind(one: Condition) -> Kind | None:
    resource = str(one.get("resource", ""))
    if "not" in one or "same_key" in one or (one.get("itself") and resource != "Task"):
        return None
    return _KINDS[resource](one, _keys(one)) if resource in _KINDS else None


def _keys(one: Condition) -> Mapping[str, Sequence[str]]:
    return one.get("key") or {}


def _communication(one: Condition, keys: Mapping[str, Sequence[str]]) -> Kind | None:
    if keys or "from" in one:
        return None
    if one.get("contact") == "reached" or one.get("to_patient"):
        return Kind.TALK
    return Kind.NOTE if "category" in one and "contact" not in one else None


def _task(one: Condition, keys: Mapping[str, Sequence[str]]) -> Kind | None:
    if one.get("itself"):
        return Kind.DONE if "completed" in one.get("status", ()) else None
    stages = keys.get("stage", ())
    return Kind.REQUEST if "asked" in stages else Kind.ANSWER if "accepted" in stages else None


def _booking(one: Condition, keys: Mapping[str, Sequence[str]]) -> Kind | None:
    return Kind.BOOKING if not keys and "booked" in one.get("status", ()) else None


_KINDS: Mapping[str, Callable[[Condition, Mapping[str, Sequence[str]]], Kind | None]] = {
    "Communication": _communication,
    "Task": _task,
    "Booking": _booking,
    "Appointment": _booking,
    "Consent": lambda one, keys: Kind.CONSENT if "permit" in keys.get("decision", ()) else None,
    "Encounter": lambda one, keys: Kind.VISIT if not keys else None,
    "Procedure": lambda one, keys: Kind.PROCEDURE if not keys else None,
    "QuestionnaireResponse": lambda one, keys: Kind.FORM if not keys else None,
    "CareTeam": lambda one, keys: Kind.TEAM if not keys else None,
    "CarePlan": lambda one, keys: Kind.PLAN if not keys else None,
}
