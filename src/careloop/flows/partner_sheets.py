"""Sheets of paper that ask a partner and come back: what stands on them (ui.md §10), and the links behind them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careloop import community, identity
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.community import Codes, NewLink, PartnerLink, Purpose
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.flows import engine, partner_links
from careloop.flows.app import App
from careloop.flows.patient_reading import birth_date_of, full_name, header_of
from careloop.flows.timeline import text_of
from careloop.flows.writing import settings_for
from careloop.loops import store as loops

Json = Mapping[str, Any]
_SHOWN = ("AllergyIntolerance", "MedicationStatement", "MedicationRequest", "Coverage")
_MOST_MEDICINES = 20


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Everything that stands on a sheet. A list that is None was never asked about; an empty text is a line to fill."""

    title: str
    link: PartnerLink
    codes: Codes
    to: str
    to_fax: str
    practice: str
    phone: str
    fax: str
    asked_by: str
    patient: str
    born: date | None
    patient_phone: str
    language: str
    plan: str
    question: str
    reasons: tuple[str, ...]
    urgency: str
    by: str
    medicines: tuple[str, ...]
    allergies: tuple[str, ...] | None
    sent: datetime


@dataclass(frozen=True, kw_only=True)
class Request:
    """What can be asked of a partner, and what was asked already. `asks` is what the request itself asks; `number` the
    loop (L-1041) that waits for the answer; `phones` how the partner is called, empty where nobody wrote it down;
    `purpose` who this partner most likely is."""

    reference: str
    title: str
    asks: str
    number: str
    phones: tuple[str, ...]
    purpose: Purpose
    patient_id: str
    patient: str
    partner: str
    partner_reference: str | None
    task: str | None
    links: tuple[PartnerLink, ...]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter to a patient whom nobody reached."""

    practice: str
    phone: str
    patient: str
    address: tuple[str, ...]
    written: datetime
    about: str


def request_of(app: App, tx: Transaction, principal: Principal, reference: str) -> Request:
    """The request with its links; `NotFound` where there is none."""
    require_action(principal, Action.LOOP_WORK)
    kind, _, request_id = reference.partition("/")
    require(principal, "read", kind)
    stored = app.record.read(tx, principal, kind, request_id)
    if stored.patient_id is None:
        raise NotFound("there is no such request")
    patient = app.record.read(tx, principal, "Patient", stored.patient_id).resource
    performer: Json = next(iter(stored.resource.get("performer") or stored.resource.get("recipient") or ()), {})
    about = loops.load_loops(tx, focuses=[reference])
    open_loops = [one for one in about if one.state.status.is_open]
    return Request(
        reference=reference,
        title=text_of(stored.resource.get("code")) or partner_links.question_of(stored.resource)[:80] or "A question",
        asks=partner_links.question_of(stored.resource),
        number=f"L-{open_loops[0].number}" if open_loops else "",
        phones=_telecom(app, tx, performer.get("reference"), "phone"),
        purpose=_purpose_of(app, {one.state.pathway for one in about}),
        patient_id=stored.patient_id,
        patient=full_name(patient),
        partner=_partner_name(app, tx, performer),
        partner_reference=performer.get("reference"),
        task=_task_of(app, tx, reference),
        links=tuple(community.links_of_request(tx, reference)),
    )


def ask(
    app: App, tx: Transaction, principal: Principal, request: Request, purpose: Purpose, partner: str, asks: str
) -> Codes:
    """A new link and sheet for this request. The number of its loop stands on it, where there is one."""
    known = request.partner_reference if partner.strip() == request.partner else None
    new = NewLink(
        purpose=purpose,
        patient_id=request.patient_id,
        request=request.reference,
        task=request.task,
        partner=partner.strip(),
        partner_reference=known,
        asks=asks.strip(),
        number=request.number or None,
    )
    return partner_links.make(app, tx, principal, new)


def find(tx: Transaction, principal: Principal, link_id: str) -> PartnerLink:
    """The link; `NotFound` where there is none."""
    require_action(principal, Action.LOOP_WORK)
    link = community.link_by_id(tx, link_id) if loops.is_loop_id(link_id) else None
    if link is None:
        raise NotFound("there is no such link")
    return link


def sheet(app: App, tx: Transaction, principal: Principal, link_id: str) -> Sheet:
    """The sheet of a link, to be printed or faxed. That it was made is in the audit trail of the patient."""
    link = find(tx, principal, link_id)
    kind, _, request_id = link.request.partition("/")
    request = app.record.read(tx, principal, kind, request_id).resource
    patient_id = identity.survivor_of(tx, link.patient_id)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    chart = _chart(app, tx, patient_id)
    tenant, settings = engine.tenant_of(tx), settings_for(tx)
    header = header_of(patient, chart, app.clock.now().date())
    entry = AuditEntry(
        principal=principal, action="R", subtype="export", resource_ids=[link.request], patient_ids=[patient_id],
        detail="a sheet was made",
    )  # fmt: skip
    record_audit(tx, entry)
    period = request.get("occurrencePeriod") or {}
    return Sheet(
        title="Referral" if link.purpose is Purpose.SPECIALIST else "A question for you",
        link=link,
        codes=partner_links.codes_of(app, link),
        to=link.partner,
        to_fax=next(iter(_telecom(app, tx, link.partner_reference, "fax")), ""),
        practice=tenant.name,
        phone=settings.practice_phone or "",
        fax=settings.practice_fax or "",
        asked_by=str((request.get("requester") or {}).get("display", "")),
        patient=header.name,
        born=birth_date_of(patient),
        patient_phone=header.phone,
        language=header.language,
        plan=_plan(request, chart),
        question=partner_links.asked_in_words(request, link.asks) or text_of(request.get("code")),
        reasons=tuple(text_of(one) for one in request.get("reasonCode", ()) if text_of(one)),
        urgency=str(request.get("priority", "routine")),
        by=str(request.get("occurrenceDateTime") or period.get("end") or "")[:10],
        medicines=_medicines(chart),
        allergies=header.allergies,
        sent=app.clock.now(),
    )


def letter(app: App, tx: Transaction, principal: Principal, patient_id: str) -> Letter:
    """A letter that says that we tried to reach the patient, without a word about their health."""
    require_action(principal, Action.LOOP_WORK)
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    home: Json = next((one for one in patient.get("address", ()) if one.get("use") != "old"), {})
    place = " ".join(str(home[one]) for one in ("city", "state", "postalCode") if home.get(one))
    return Letter(
        practice=engine.tenant_of(tx).name,
        phone=settings_for(tx).practice_phone or "",
        patient=full_name(patient),
        address=tuple(str(line) for line in (*home.get("line", ()), place) if line),
        written=app.clock.now(),
        about="your care",
    )


def _chart(app: App, tx: Transaction, patient_id: str) -> dict[str, list[Json]]:
    """What a sheet may show of the record. What carries a label of confidentiality stays out: it needs a consent."""
    chart: dict[str, list[Json]] = {}
    for one in app.record.of_patient(tx, patient_id, _SHOWN):
        if not one.resource.get("meta", {}).get("security"):
            chart.setdefault(one.resource_type, []).append(one.resource)
    return chart


def _medicines(chart: Mapping[str, Sequence[Json]]) -> tuple[str, ...]:
    listed = [*chart.get("MedicationStatement", ()), *chart.get("MedicationRequest", ())]
    active = (one for one in listed if one.get("status") == "active")
    names = (text_of(one.get("medicationCodeableConcept")) for one in active)
    return tuple(dict.fromkeys(name for name in names if name))[:_MOST_MEDICINES]


def _plan(request: Json, chart: Mapping[str, Sequence[Json]]) -> str:
    told = (str(one.get("display", "")) for one in request.get("insurance", ()))
    payers = (
        f"{payer.get('display', '')} {one.get('subscriberId', '')}".strip()
        for one in chart.get("Coverage", ())
        if one.get("status") == "active"
        for payer in one.get("payor", ())
    )
    return next((one for one in (*told, *payers) if one), "")


def _purpose_of(app: App, pathways: set[str]) -> Purpose:
    """Who is usually asked about loops of these pathways; a specialist where content does not say."""
    scripts = app.catalog.document("documents", "phone")["scripts"]
    found = (one["purpose"] for one in scripts if pathways.intersection(one.get("pathways", ())))
    return Purpose(next(found, Purpose.SPECIALIST.value))


def _telecom(app: App, tx: Transaction, reference: str | None, system: str) -> tuple[str, ...]:
    """The numbers of this system (phone, fax) that the record has of a partner."""
    known = reference is not None and reference.count("/") == 1
    stored = app.record.fetch(tx, [reference]).get(reference) if known and reference else None
    telecom: Iterable[Json] = stored.resource.get("telecom", ()) if stored else ()
    numbers = (str(one.get("value", "")) for one in telecom if one.get("system") == system and one.get("use") != "old")
    return tuple(number for number in numbers if number)


def _partner_name(app: App, tx: Transaction, performer: Json) -> str:
    if performer.get("display"):
        return str(performer["display"])
    reference = str(performer.get("reference", ""))
    stored = app.record.fetch(tx, [reference]).get(reference) if reference.count("/") == 1 else None
    if stored is None:
        return ""
    name = stored.resource.get("name")
    return name if isinstance(name, str) else full_name(stored.resource)


def _task_of(app: App, tx: Transaction, reference: str) -> str | None:
    """The fulfilment Task of a request: the newest that is about it and is not a loop of ours; a Task is its own."""
    if reference.startswith("Task/"):
        return reference
    found = app.record.follow(tx, "Task", [("focus", reference)])
    ours = {"urn:careloop:pathway", "urn:careloop:step", "urn:careloop:work"}
    tasks = [
        one for one in found
        if not any(coding.get("system") in ours for coding in one.resource.get("code", {}).get("coding", ()))
    ]  # fmt: skip
    return f"Task/{tasks[-1].id}" if tasks else None
