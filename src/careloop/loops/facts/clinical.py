"""Visits, procedures, documents, appointments, results, laboratory values and conditions as facts."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from careloop.loops.facts.model import Contact, Fact, Lab, Problem, Result
from careloop.loops.facts.parts import (
    Reader,
    Resource,
    StoredResource,
    codes_of,
    end_of_span,
    extension_value,
    first_code,
    is_practitioner,
    references,
    roles_of,
    span,
    start_of_span,
    versioned,
)
from careloop.loops.facts.relevance import Relevance
from careloop.loops.facts.stays import is_stay

CONTACT_CLASSES = frozenset({"AMB", "HH", "VR", "FLD"})
LABORATORY = "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
_STANDS = frozenset({"final", "amended", "corrected"})
_UNCONFIRMED = frozenset({"refuted", "entered-in-error", "provisional", "differential", "unconfirmed"})
_NAMES = {"HH": "home visit", "VR": "virtual visit"}


def _times(stored: StoredResource, value: Any, reader: Reader) -> tuple[datetime, datetime]:
    """When it happened; without a time, when it was written down. A Period without an end happened at its start."""
    start, end = start_of_span(value, reader.zone), end_of_span(value, reader.zone)
    if start is None and end is None:
        return stored.last_updated, stored.last_updated
    first = start or end
    assert first is not None
    return first, end or first


def read_visit(stored: StoredResource, reader: Reader) -> Fact:
    """An Encounter outside hospital: a visit, a call, a home visit."""
    encounter = stored.resource
    code = first_code(encounter.get("class"))
    people = frozenset(
        filter(is_practitioner, references([part.get("individual") for part in encounter.get("participant", ())]))
    )
    at = start_of_span(encounter.get("period"), reader.zone) or stored.last_updated
    is_contact = encounter.get("status") == "finished" and code in CONTACT_CLASSES
    return Fact(
        reference=versioned(stored),
        resource_type="Encounter",
        at=at,
        latest=_latest_start(encounter, at, reader),
        status=str(encounter.get("status", "")),
        says=_NAMES.get(code or "", "visit"),
        codes=codes_of(encounter.get("type")),
        encounter_class=code,
        contact=Contact.REACHED if is_contact else None,
        about_patient=True,
        has_practitioner=bool(people),
        roles=roles_of(people, reader),
        practitioners=people,
        decision_level=_decision_level(encounter),
        ties=references(encounter.get("basedOn"), encounter.get("partOf"), encounter.get("appointment")),
    )


def _latest_start(encounter: Resource, at: datetime, reader: Reader) -> datetime:
    """The last instant at which the visit can have begun: of a date, the end of that date."""
    return end_of_span(encounter.get("period", {}).get("start"), reader.zone) or at


def _decision_level(encounter: Resource) -> str | None:
    value = extension_value(encounter, "urn:careloop:medical-decision-making")
    return str(value) if value is not None else None


def read_procedure(stored: StoredResource, reader: Reader) -> Fact:
    """A Procedure; a Period counts at its end, when it was done."""
    procedure = stored.resource
    period = procedure.get("performedPeriod")
    done = (period or {}).get("end") or period or procedure.get("performedDateTime")
    at, latest = _times(stored, done, reader)
    return Fact(
        reference=versioned(stored),
        resource_type="Procedure",
        at=at,
        latest=latest,
        status=str(procedure.get("status", "")),
        says=_text(procedure.get("code"), "procedure"),
        categories=codes_of(procedure.get("category")),
        codes=codes_of(procedure.get("code")),
        practitioners=references([part.get("actor") for part in procedure.get("performer", ())]),
        ties=references(procedure.get("basedOn"), procedure.get("partOf"), procedure.get("encounter")),
    )


def read_document(stored: StoredResource, reader: Reader) -> Fact:
    """A DocumentReference by its date."""
    document = stored.resource
    context = document.get("context", {})
    at, latest = _times(stored, document.get("date"), reader)
    return Fact(
        reference=versioned(stored),
        resource_type="DocumentReference",
        at=at,
        latest=latest,
        status=str(document.get("status", "")),
        says=_text(document.get("type"), "document"),
        categories=codes_of(document.get("category")),
        codes=codes_of(document.get("type")),
        ties=references(context.get("encounter"), context.get("related")),
    )


def read_appointment(stored: StoredResource, reader: Reader) -> Fact | None:
    """An Appointment by its start; None without one."""
    appointment = stored.resource
    found = span(appointment.get("start"), reader.zone)
    if found is None:
        return None
    return Fact(
        reference=versioned(stored),
        resource_type="Appointment",
        at=found[0],
        latest=found[1],
        status=str(appointment.get("status", "")),
        says="visit booked",
        codes=codes_of(appointment.get("serviceType")),
        ties=references(appointment.get("basedOn"), appointment.get("supportingInformation")),
    )


def _text(concept: Any, otherwise: str) -> str:
    """The concept's words, for a sentence in the history."""
    if not isinstance(concept, dict):
        return otherwise
    shown = concept.get("text") or next((item.get("display") for item in concept.get("coding", ())), None)
    return str(shown or otherwise)


def is_visit_near(encounter: Resource, near: Relevance) -> bool:
    """True for a visit outside hospital that lies near a stay."""
    return near.is_near(encounter.get("period", {}).get("start")) and not is_stay(encounter)


def is_done_near(procedure: Resource, near: Relevance) -> bool:
    """True for a procedure that was done near a stay."""
    period = procedure.get("performedPeriod") or {}
    return near.is_near(period.get("end") or period.get("start") or procedure.get("performedDateTime"))


def read_results(
    reports: Iterable[StoredResource], observations: Iterable[StoredResource], near: Relevance, reader: Reader
) -> tuple[Result, ...]:
    """Reports, and laboratory observations that no report holds, as far as they are open or came near a stay."""
    reports, reported = list(reports), set[str]()
    for report in reports:
        reported |= references(report.resource.get("result", []))
    found = [stored for stored in reports if _may_matter(stored.resource, near)]
    found += [
        stored
        for stored in observations
        if f"Observation/{stored.id}" not in reported and _may_matter(stored.resource, near)
        if LABORATORY in codes_of(stored.resource.get("category"))
    ]
    return tuple(_result(stored, reader) for stored in found)


def _may_matter(resource: Resource, near: Relevance) -> bool:
    return bool(near.near) and (resource.get("status") not in _STANDS or near.is_near(resource.get("issued")))


def _result(stored: StoredResource, reader: Reader) -> Result:
    resource = stored.resource
    taken = resource.get("effectiveDateTime") or resource.get("effectivePeriod") or resource.get("effectiveInstant")
    return Result(
        reference=versioned(stored),
        status=str(resource.get("status", "")),
        at=start_of_span(taken, reader.zone),
        issued=start_of_span(resource.get("issued"), reader.zone),
        encounter=next(iter(references(resource.get("encounter"))), None),
        expected=start_of_span(extension_value(resource, "urn:careloop:expected"), reader.zone),
        says=_text(resource.get("code"), "result"),
    )


def read_labs(observations: Iterable[StoredResource], near: Relevance, reader: Reader) -> tuple[Lab, ...]:
    """The values that were measured during a stay and stand."""
    found = (
        _lab(stored, reader)
        for stored in observations
        if "valueQuantity" in stored.resource and near.is_inside(stored.resource.get("effectiveDateTime"))
    )
    return tuple(lab for lab in found if lab is not None)


def _lab(stored: StoredResource, reader: Reader) -> Lab | None:
    observation = stored.resource
    quantity = observation.get("valueQuantity")
    at = start_of_span(observation.get("effectiveDateTime") or observation.get("effectivePeriod"), reader.zone)
    if not isinstance(quantity, dict) or at is None or observation.get("status") not in _STANDS:
        return None
    value = quantity.get("value")
    return Lab(
        reference=versioned(stored),
        codes=codes_of(observation.get("code")),
        value=None if value is None else Decimal(str(value)),
        unit=quantity.get("code") or quantity.get("unit"),
        at=at,
    )


def read_problem(stored: StoredResource, reader: Reader) -> Problem | None:
    """A confirmed Condition; None when it is refuted or only suspected (risk.md RK-01)."""
    condition = stored.resource
    if first_code(condition.get("verificationStatus")) in _UNCONFIRMED:
        return None
    onset = condition.get("onsetDateTime") or condition.get("onsetPeriod") or condition.get("recordedDate")
    return Problem(
        reference=versioned(stored),
        codes=codes_of(condition.get("code")),
        since=start_of_span(onset, reader.zone),
        encounter=next(iter(references(condition.get("encounter"))), None),
    )
