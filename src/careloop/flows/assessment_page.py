"""The assessments of a patient: what is due, what is open, the newest scores, proposals that wait for a clinician."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require, require_action
from careloop.assessments import content_of, store
from careloop.assessments.model import Content, Instrument
from careloop.assessments.resources import ICD10, PROPOSED, stamp
from careloop.assessments.rules import Change, compared
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import patient_reading as reading
from careloop.flows import people, writing
from careloop.flows.app import App
from careloop.flows.checkin_facts import Total, knowledge_of, score_words, totals_of
from careloop.flows.contradiction_values import Waiting
from careloop.flows.patient_facts import FACT_TYPES, chart_of
from careloop.flows.patient_values import Header
from careloop.flows.timeline import text_of
from careloop.flows.visit_screening import line_for_next_visit
from careloop.record import Write

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Line:
    """The newest score of an instrument, with the one before."""

    instrument: Instrument
    newest: Total
    words: str
    change: Change | None
    count: int


@dataclass(frozen=True, kw_only=True)
class Open:
    """A check-in that is not finished."""

    id: str
    title: str
    since: datetime | None
    answered: int


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A need that a clinician may code, or not."""

    id: str
    title: str
    codes: tuple[str, ...]
    said: str
    private: bool


@dataclass(frozen=True, kw_only=True)
class CalledNow:
    """A page that nobody took yet."""

    id: str
    says: str
    sent: datetime


@dataclass(frozen=True, kw_only=True)
class AssessmentPage:
    """Everything of the page."""

    header: Header
    contradictions: tuple[Waiting, ...]
    due: tuple[tuple[store.Due, str], ...]
    open: tuple[Open, ...]
    lines: tuple[Line, ...]
    proposals: tuple[Proposal, ...]
    pages: tuple[CalledNow, ...]
    content: Content
    visit: str


@dataclass(frozen=True, kw_only=True)
class TrendPage:
    """One instrument over time, newest first."""

    header: Header
    contradictions: tuple[Waiting, ...]
    instrument: Instrument
    totals: tuple[Total, ...]
    words: Mapping[str, str]
    changes: Mapping[str, Change]


def asked_for(app: App, tx: Transaction, principal: Principal, patient_id: str, task_id: str) -> str:
    """The instrument that a request asks for; empty where it names none of ours. The page's own read is audited."""
    require(principal, "read", "Task")
    stored = app.record.fetch(tx, [f"Task/{task_id}"]).get(f"Task/{task_id}")
    if stored is None or stored.deleted or stored.patient_id != patient_id:
        return ""
    named = [str(one.get("valueString", "")) for one in stored.resource.get("input", ())]
    return next((one for one in named if one in content_of(app.catalog).instruments), "")


def page(app: App, tx: Transaction, principal: Principal, patient_id: str) -> AssessmentPage:
    """The page; one audited read of the patient."""
    require(principal, "read", "Observation")
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    content, now = content_of(app.catalog), app.clock.now()
    known = knowledge_of(app, tx, content, patient, now)
    beside = app.record.of_patient(tx, patient_id, ("Condition", "Communication", "Appointment"))
    facts = [one.resource for one in beside if one.resource_type != "Communication"]
    return AssessmentPage(
        header=_header(app, tx, patient),
        contradictions=(),
        due=tuple(
            (one, content.instruments[one.instrument].short)
            for one in store.due_of(tx, patient_id)
            if one.instrument in content.instruments
        ),
        open=tuple(_open(one, content) for one in known.responses if one.get("status") == "in-progress"),
        lines=tuple(_lines(known.totals, content)),
        proposals=tuple(_proposals([one.resource for one in beside if PROPOSED in one.text])),
        pages=tuple(_pages([one.resource for one in beside if '"page"' in one.text])),
        content=content,
        visit=line_for_next_visit(content, known.totals, facts, now, people.zone_of(tx)),
    )


def trend(app: App, tx: Transaction, principal: Principal, patient_id: str, instrument_id: str) -> TrendPage:
    """One instrument over time; one audited read of the patient. `NotFound` for what is no instrument."""
    require(principal, "read", "Observation")
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    instrument = content_of(app.catalog).instruments.get(instrument_id)
    if instrument is None:
        raise NotFound("there is no such assessment")
    found = totals_of(app.record.of_patient(tx, patient_id, ("Observation",)))
    mine = [one for one in found if one.instrument == instrument_id]
    pairs = [(one, _change(instrument, before, one)) for one, before in pairwise(mine)]
    changes = {one.id: change for one, change in pairs if change is not None}
    return TrendPage(
        header=_header(app, tx, patient),
        contradictions=(),
        instrument=instrument,
        totals=tuple(mine),
        words={one.id: score_words(one, instrument) for one in mine},
        changes=changes,
    )


def enter(
    app: App, tx: Transaction, principal: Principal, patient_id: str, instrument_id: str, given: Mapping[str, str]
) -> str:
    """Points of an instrument whose wording is not here, as the site's own copy gave them; the sentence that says what
    they came to. What is left empty stays missing."""
    require(principal, "create", "QuestionnaireResponse")
    instrument = content_of(app.catalog).instruments.get(instrument_id)
    if instrument is None or not instrument.items:
        raise NotFound("there is no such assessment")
    app.record.read(tx, principal, "Patient", patient_id)
    lines = []
    for item in instrument.items:
        text = given.get(f"item-{item.id}", "").strip()
        if not text:
            continue
        codes = {one.code for one in item.choices}
        if item.choices and text in codes:
            lines.append({"linkId": f"{instrument.id}/{item.id}", "answer": [{"valueCoding": {"code": text}}]})
        elif not item.choices and text.replace(".", "", 1).isdecimal():
            lines.append({"linkId": f"{instrument.id}/{item.id}", "answer": [{"valueDecimal": Decimal(text)}]})
        else:
            raise Rejected(at=f"item-{item.id}", expected="one of the points", code="value")
    if not lines:
        raise Rejected(at="items", expected="at least one item", code="required")
    now, zone = app.clock.now(), people.zone_of(tx)
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": new_id(),
        "status": "completed",
        "questionnaire": f"{instrument.url}|{instrument.version}",
        "subject": {"reference": f"Patient/{patient_id}"},
        "author": {"reference": principal.reference, "display": principal.name},
        "authored": stamp(now, zone),
        "extension": [{"url": "urn:careloop:mode", "valueCode": "interview"}],
        "language": "en",
        "item": [{"linkId": instrument.id, "item": lines}],
    }
    write = Write(method="update", resource_type="QuestionnaireResponse", id=str(response["id"]), resource=response)
    writing.write(app, tx, principal, [write])
    return f"{instrument.short} is saved"


def decide_need(app: App, tx: Transaction, principal: Principal, condition_id: str, code: str) -> str:
    """A physician confirms one of the proposed codes, or says that it is none (AS-08)."""
    require_action(principal, Action.LOOP_WORK)
    if Role.PHYSICIAN not in principal.roles:
        raise NotPermitted("only a physician confirms a code")
    stored = app.record.fetch(tx, [f"Condition/{condition_id}"]).get(f"Condition/{condition_id}")
    if stored is None or stored.deleted:
        raise NotFound("there is no such proposal")
    resource = stored.resource
    app.record.read(tx, principal, "Condition", condition_id)
    if not _is_proposal(resource):
        raise Conflict("this was decided before")
    codes = _codes(resource)
    if code != "none" and code not in codes:
        raise Rejected(at="code", expected="one of the proposed codes, or none", code="code-invalid")
    status = "refuted" if code == "none" else "confirmed"
    decided: Json = {
        **resource,
        "verificationStatus": _verified(status),
        "asserter": {"reference": principal.reference, "display": principal.name},
    }
    if code != "none":
        concept = dict(resource["code"])
        decided["code"] = {**concept, "coding": [*concept.get("coding", ()), {"system": ICD10, "code": code}]}
    write = Write(
        method="update", resource_type="Condition", id=condition_id, resource=decided, if_match=stored.version
    )
    writing.write(app, tx, principal, [write])
    return "Not coded" if code == "none" else f"Coded {code}"


def take_page(app: App, tx: Transaction, principal: Principal, page_id: str) -> str:
    """The page is taken: who and when stands in it. `Conflict` where somebody took it before."""
    require_action(principal, Action.LOOP_WORK)
    stored = app.record.fetch(tx, [f"Communication/{page_id}"]).get(f"Communication/{page_id}")
    if stored is None or stored.deleted or not _is_page(stored.resource):
        raise NotFound("there is no such page")
    if stored.resource.get("received"):
        raise Conflict("somebody took this page before")
    taken = {
        **stored.resource,
        "status": "completed",
        "received": stamp(app.clock.now(), people.zone_of(tx)),
        "recipient": [{"reference": principal.reference}],
    }
    write = Write(method="update", resource_type="Communication", id=page_id, resource=taken, if_match=stored.version)
    writing.write(app, tx, principal, [write])
    return "You took the page. Call the patient now"


def _header(app: App, tx: Transaction, patient: Mapping[str, Any]) -> Header:
    now = app.clock.now()
    chart = chart_of(app, tx, str(patient["id"]), (*FACT_TYPES, "Task"), now)
    return reading.header_of(dict(patient), chart.for_header, now.astimezone(people.zone_of(tx)).date())


def _open(response: Mapping[str, Any], content: Content) -> Open:
    name = str(response.get("questionnaire", "")).partition("|")[0].rpartition(":")[2]
    form = content.checkins.get(name) or content.instruments.get(name)
    lines = [line for group in response.get("item", ()) for line in group.get("item", ())]
    authored = response.get("authored")
    return Open(
        id=str(response["id"]),
        title=form.title if form else "Check-in",
        since=datetime.fromisoformat(authored) if authored else None,
        answered=sum(bool(line.get("answer")) for line in lines),
    )


def _lines(totals: Sequence[Total], content: Content) -> list[Line]:
    by_instrument: dict[str, list[Total]] = {}
    for one in totals:
        by_instrument.setdefault(one.instrument, []).append(one)
    return [
        Line(
            instrument=content.instruments[name],
            newest=found[0],
            words=score_words(found[0], content.instruments[name]),
            change=_change(content.instruments[name], found[1], found[0]) if len(found) > 1 else None,
            count=len(found),
        )
        for name, found in by_instrument.items()
        if name in content.instruments
    ]


def _change(instrument: Instrument, before: Total, after: Total) -> Change | None:
    if before.total is None or after.total is None:
        return None
    return compared(instrument, Decimal(str(before.total)), Decimal(str(after.total)))


def _proposals(conditions: Sequence[Mapping[str, Any]]) -> list[Proposal]:
    return [
        Proposal(
            id=str(one["id"]),
            title=text_of(one.get("code")),
            codes=_codes(one),
            said=str(one.get("recordedDate", ""))[:10],
            private=any(label.get("code") == "SDV" for label in one.get("meta", {}).get("security", ())),
        )
        for one in conditions
        if _is_proposal(one)
    ]


def _is_proposal(condition: Mapping[str, Any]) -> bool:
    verified = {one.get("code") for one in (condition.get("verificationStatus") or {}).get("coding", ())}
    return verified == {"unconfirmed"} and bool(_codes(condition))


def _codes(condition: Mapping[str, Any]) -> tuple[str, ...]:
    found = [one.get("valueCoding", {}) for one in condition.get("extension", ()) if one.get("url") == PROPOSED]
    return tuple(str(one.get("code", "")) for one in found)


def _verified(code: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    return {"coding": [{"system": system, "code": code}]}


def _pages(communications: Sequence[Mapping[str, Any]]) -> list[CalledNow]:
    return [
        CalledNow(
            id=str(one["id"]),
            says=str(one.get("payload", [{}])[0].get("contentString", "")),
            sent=datetime.fromisoformat(one["sent"]),
        )
        for one in communications
        if _is_page(one) and not one.get("received")
    ]


def _is_page(resource: Mapping[str, Any]) -> bool:
    codings = [coding for one in resource.get("category", ()) for coding in one.get("coding", ())]
    return any(one.get("system") == "urn:careloop:communication" and one.get("code") == "page" for one in codings)
