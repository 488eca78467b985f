"""What opens and moves matters beside stays: orders, requests, forms, reports, consents, plans, alarms, bookings.

Each reader gives facts that pathways ask about by content alone (`rules.conditions`). A Task tells which states it has
reached: its own extension `urn:careloop:reached` (state, at) keeps them, since a Task knows only its last change.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from careloop.fhir.dates import BEGINNING, END
from careloop.loops.facts.model import Fact
from careloop.loops.facts.parts import (
    Reader,
    Resource,
    StoredResource,
    codes_of,
    codings,
    end_of_span,
    extension_value,
    extensions,
    is_practitioner,
    references,
    roles_of,
    span,
    start_of_span,
    versioned,
)

REACHED = "urn:careloop:reached"
OWN_TASKS = frozenset({"urn:careloop:pathway", "urn:careloop:step", "urn:careloop:work"})
"""Systems of the codes by which our own Tasks are known: they follow from facts and are none."""

_TIES = (
    "basedOn", "partOf", "focus", "encounter", "replaces", "supportingInfo", "reasonReference", "about",
    "inResponseTo", "derivedFrom", "implicated", "appointment", "relevantHistory", "specimen", "request",
    "supportingInformation",
)  # fmt: skip


def is_own_task(task: Resource) -> bool:
    """True for a Task that stands for a loop, a step or a contradiction."""
    return any(coding.get("system") in OWN_TASKS for coding in codings(task.get("code")))


def read_service_request(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """An order, by when it was written; `due` is when it is to be done at the latest."""
    order = stored.resource
    due = order.get("occurrencePeriod") or order.get("occurrenceDateTime")
    yield _fact(
        stored,
        reader,
        at=order.get("authoredOn"),
        says=_text(order.get("code"), "order"),
        people=[order.get("requester")],
        keys={"priority": str(order.get("priority", "routine"))},
        dates={"due": end_of_span(due, reader.zone)},
    )


def read_task(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A Task of somebody else: one fact for each state that it has reached; none for Tasks of our own loops. What is
    more than a draft was requested when it was written."""
    task = stored.resource
    if is_own_task(task):
        return
    due = (task.get("restriction") or {}).get("period") or task.get("executionPeriod")
    whole = _fact(
        stored,
        reader,
        at=task.get("authoredOn"),
        says=_text(task.get("code"), "request"),
        people=[task.get("requester")],
        keys={"priority": str(task.get("priority", "routine"))},
        dates={"due": end_of_span(due, reader.zone)},
        changed=task.get("lastModified"),
    )
    reached = dict(_reached(task, reader))
    if whole.status != "draft":
        reached.setdefault("requested", whole.at)
    reached.setdefault(whole.status, max(whole.changed or whole.at, whole.at))
    yield from (_at_state(whole, state, at) for state, at in sorted(reached.items()))


def _at_state(fact: Fact, state: str, at: datetime) -> Fact:
    return replace(fact, status=state, at=at, latest=at)


def _reached(task: Resource, reader: Reader) -> list[tuple[str, datetime]]:
    """Every state with the first instant at which it was reached, oldest first."""
    found: dict[str, datetime] = {}
    for one in extensions(task, REACHED):
        state, at = extension_value(one, "state"), start_of_span(extension_value(one, "at"), reader.zone)
        if state and at is not None:
            found[str(state)] = min(at, found.get(str(state), at))
    return sorted(found.items(), key=lambda item: (item[1], item[0]))


def read_form(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A QuestionnaireResponse by when it was answered; its code is the form."""
    form = stored.resource
    url = str(form.get("questionnaire", "")).partition("|")[0]
    yield _fact(
        stored, reader, at=form.get("authored"), says="form answered", people=[form.get("author")],
        codes=frozenset({f"|{url}"}) if url else frozenset(),
    )  # fmt: skip


def read_consent(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A Consent by its date; whether it permits or denies is its key `decision`."""
    consent = stored.resource
    decision = str((consent.get("provision") or {}).get("type", "permit"))
    yield _fact(
        stored, reader, at=consent.get("dateTime"), says="consent", codes=codes_of(consent.get("scope")),
        keys={"decision": decision},
    )  # fmt: skip


def read_plan(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A CarePlan by when it was made; `due` is the end of its period, when it must be looked at again."""
    plan = stored.resource
    yield _fact(
        stored, reader, at=plan.get("created") or (plan.get("period") or {}).get("start"),
        says=str(plan.get("title") or "care plan"), people=[plan.get("author")],
        dates={"due": end_of_span(plan.get("period"), reader.zone)},
    )  # fmt: skip


def read_team(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A CareTeam from the beginning of its period."""
    team = stored.resource
    yield _fact(stored, reader, at=team.get("period"), says=str(team.get("name") or "care team"))


def read_issue(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A DetectedIssue by when it was found; its severity is its key `severity`."""
    issue = stored.resource
    yield _fact(
        stored, reader, at=issue.get("identifiedDateTime") or issue.get("identifiedPeriod"),
        says=_text(issue.get("code"), "issue found"), keys={"severity": str(issue.get("severity", ""))},
    )  # fmt: skip


def read_flag(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A Flag from the beginning of its period."""
    flag = stored.resource
    yield _fact(stored, reader, at=flag.get("period"), says=_text(flag.get("code"), "flag"))


def read_booking(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """The making of an appointment: when it was booked, and when it became what it is. `due` is its start."""
    appointment = stored.resource
    whole = _fact(
        stored, reader, at=appointment.get("created"), says="visit booked",
        codes=codes_of(appointment.get("serviceType")), reasons=codes_of(appointment.get("cancelationReason")),
        dates={"due": start_of_span(appointment.get("start"), reader.zone)},
    )  # fmt: skip
    over = whole.status in ("cancelled", "noshow")
    booked = replace(whole, resource_type="Booking")
    yield _at_state(booked, booked.status, booked.changed or booked.at) if over else booked


def read_report(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A DiagnosticReport by when this version was released."""
    report = stored.resource
    yield _fact(
        stored,
        reader,
        at=report.get("issued") or report.get("effectiveDateTime") or report.get("effectivePeriod"),
        says=_text(report.get("code"), "result"),
        people=[*report.get("resultsInterpreter", ()), *report.get("performer", ())],
        interpretation=codes_of(report.get("conclusionCode")),
    )


def read_observation(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """An Observation that stands for itself, by when it was released."""
    found = stored.resource
    yield _fact(
        stored,
        reader,
        at=found.get("issued") or found.get("effectiveDateTime") or found.get("effectivePeriod"),
        says=_text(found.get("code"), "measurement"),
        people=list(found.get("performer", ())),
        interpretation=codes_of(found.get("interpretation")),
    )


def read_specimen(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """A Specimen by when it was taken, else received."""
    specimen = stored.resource
    taken = specimen.get("collection") or {}
    yield _fact(
        stored,
        reader,
        at=taken.get("collectedDateTime") or taken.get("collectedPeriod") or specimen.get("receivedTime"),
        says="specimen taken",
        people=[taken.get("collector")],
        codes=codes_of(specimen.get("type")),
    )


def read_study(stored: StoredResource, reader: Reader) -> Iterator[Fact]:
    """An ImagingStudy by when it began."""
    study = stored.resource
    yield _fact(
        stored, reader, at=study.get("started"), says=str(study.get("description") or "images taken"),
        codes=codes_of(study.get("procedureCode", [])),
    )  # fmt: skip


def _fact(
    stored: StoredResource,
    reader: Reader,
    *,
    at: Any,
    says: str,
    people: list[Any] | None = None,
    codes: frozenset[str] | None = None,
    reasons: frozenset[str] | None = None,
    interpretation: frozenset[str] = frozenset(),
    keys: Mapping[str, str] | None = None,
    dates: Mapping[str, datetime | None] | None = None,
    changed: Any = None,
) -> Fact:
    """What all of these have in common. A time that nobody gave is when it was written down."""
    resource = stored.resource
    when = _instants(at, reader) or (stored.last_updated, stored.last_updated)
    who = frozenset(filter(is_practitioner, references(people or [])))
    return Fact(
        reference=versioned(stored),
        resource_type=stored.resource_type,
        at=when[0],
        latest=when[1],
        status=str(resource.get("status", "")),
        says=says,
        categories=codes_of(resource.get("category")),
        codes=codes_of(resource.get("code")) if codes is None else codes,
        has_practitioner=bool(who),
        roles=roles_of(who, reader),
        practitioners=who,
        ties=references(*(resource.get(name) for name in _TIES)),
        intent=resource.get("intent"),
        business_status=codes_of(resource.get("businessStatus")),
        reasons=codes_of(resource.get("reasonCode")) if reasons is None else reasons,
        interpretation=interpretation,
        sender=next(iter(sorted(references(resource.get("requester"), resource.get("author")))), ""),
        keys=dict(keys or {}),
        dates={name: day for name, day in (dates or {}).items() if day is not None},
        changed=start_of_span(changed, reader.zone) or stored.last_updated,
    )


def _instants(value: Any, reader: Reader) -> tuple[datetime, datetime] | None:
    found = span(value, reader.zone)
    if found is None or found[0] == BEGINNING:
        return None
    return found[0], found[0] if found[1] == END else found[1]


def _text(concept: Any, otherwise: str) -> str:
    """The concept's words, for a sentence in the history."""
    if not isinstance(concept, dict):
        return otherwise
    shown = concept.get("text") or next((item.get("display") for item in concept.get("coding", ())), None)
    return str(shown or otherwise)


MATTERS: Mapping[str, Callable[[StoredResource, Reader], Iterator[Fact]]] = {
    "ServiceRequest": read_service_request,
    "Task": read_task,
    "QuestionnaireResponse": read_form,
    "Consent": read_consent,
    "CarePlan": read_plan,
    "CareTeam": read_team,
    "DetectedIssue": read_issue,
    "Flag": read_flag,
    "Appointment": read_booking,
    "DiagnosticReport": read_report,
    "Observation": read_observation,
    "Specimen": read_specimen,
    "ImagingStudy": read_study,
}
"""Readers by resource type."""
