"""Referrals in the record and the table of referrals say the same: kept in step by every write that belongs to one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.events import ChangeKind
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.language_words import language_words
from careloop.loops import referrals
from careloop.loops.referrals import ReferralRow
from careloop.loops.rules.referrals import Tables, read_tables, words
from careloop.loops.rules.referrals.clocks import state_deadline
from careloop.loops.rules.referrals.story import Gathered, Story, story_of
from careloop.record import Stored, Written

_BY_REQUEST: Mapping[str, Sequence[str]] = {
    "Task": ("based-on", "focus"),
    "Appointment": ("based-on",),
    "Encounter": ("based-on",),
    "DiagnosticReport": ("based-on",),
    "DocumentReference": ("related",),
    "Communication": ("based-on",),
}
"""What belongs to a referral, and the search parameters that say so."""

_read: list[tuple[Catalog, Tables]] = []


def tables_of(app: App) -> Tables:
    """`content/referrals`, read once for each catalog."""
    for known, tables in _read:
        if known is app.catalog:
            return tables
    tables = read_tables(app.catalog)
    _read[:] = [(app.catalog, tables), *_read[:3]]
    return tables


def note(app: App, tx: Transaction, written: Sequence[Written]) -> None:
    """The table says what these writes have changed. What belongs to no referral costs nothing."""
    touched = {request for one in written for request in _touched(one)}
    gone = [one for one in written if one.resource is None and one.resource_type in (*_BY_REQUEST, "ServiceRequest")]
    if gone:
        patients = {patient for one in gone for patient in one.patient_ids}
        tasks = [one.id for one in gone if one.resource_type == "Task"]
        touched.update(referrals.requests_of(tx, sorted(patients), tasks))
    if touched:
        again(app, tx, touched)


def _touched(one: Written) -> Collection[str]:
    if one.resource is None or one.change is ChangeKind.UNCHANGED:
        return ()
    if one.resource_type == "ServiceRequest":
        return (one.id,) if words.is_referral(one.resource) else ()
    if one.resource_type == "Task":
        return words.requests_of(one.resource) if words.is_fulfilment(one.resource) else ()
    return words.requests_of(one.resource) if one.resource_type in _BY_REQUEST else ()


def again(app: App, tx: Transaction, request_ids: Collection[str]) -> list[Story]:
    """The rows of these requests are made again from the record; their stories."""
    stories = load(app, tx, request_ids)
    rows = [row_of(app, tx, story) for story in stories.values()]
    languages = _languages(app, tx, [row.patient_id for row in rows])
    referrals.put(tx, sorted(request_ids), [_spoken(row, languages) for row in rows])
    return list(stories.values())


def load(app: App, tx: Transaction, request_ids: Collection[str]) -> dict[str, Story]:
    """The stories of those of these requests that are referrals, by id. Not audited."""
    found = app.record.fetch(tx, [f"ServiceRequest/{one}" for one in sorted(request_ids)])
    requests = {one.id: one.resource for one in found.values() if words.is_referral(one.resource)}
    if not requests:
        return {}
    zone = ZoneInfo(engine.tenant_of(tx).zone)
    belonging = {kind: _belonging(app, tx, kind, requests) for kind in _BY_REQUEST}
    tables = tables_of(app)
    return {
        request_id: story_of(tables, gathered(request, {k: v.get(request_id, []) for k, v in belonging.items()}), zone)
        for request_id, request in requests.items()
    }


def gathered(request: Mapping[str, Any], belonging: Mapping[str, Sequence[Mapping[str, Any]]]) -> Gathered:
    """What belongs to one request, by its place in the story."""
    return Gathered(
        request=request,
        tasks=[one for one in belonging["Task"] if words.is_fulfilment(one)],
        appointments=belonging["Appointment"],
        encounters=belonging["Encounter"],
        reports=[*belonging["DocumentReference"], *belonging["DiagnosticReport"]],
        messages=belonging["Communication"],
    )


def _belonging(app: App, tx: Transaction, kind: str, requests: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    asked = [(name, f"ServiceRequest/{request}") for name in _BY_REQUEST[kind] for request in requests]
    found: dict[str, list[Mapping[str, Any]]] = {}
    for stored in _once(app.record.follow(tx, kind, asked)):
        for request in words.requests_of(stored.resource) & requests.keys():
            found.setdefault(request, []).append(stored.resource)
    return found


def _once(found: Sequence[Stored]) -> list[Stored]:
    return list({one.id: one for one in found if not one.deleted}.values())


def row_of(app: App, tx: Transaction, story: Story) -> ReferralRow:
    """The row of a story, without the patient's language."""
    tenant = engine.tenant_of(tx)
    calendar = engine.content_for(app, tx).calendar
    deadline = None
    if story.since is not None and story.see_by is not None:
        deadline = state_deadline(
            tables_of(app), story.state, story.since, story.priority, story.see_by, tenant.zone, calendar
        )
    return ReferralRow(
        request_id=story.id,
        task_id=str(story.task["id"]) if story.task else None,
        patient_id=story.patient_id,
        clinic=story.clinic,
        clinic_name=story.clinic_name,
        service=story.service,
        payer=payer_of(story.request),
        language="",
        priority=story.priority.id,
        state=story.state.id,
        board=story.state.column or None,
        is_open=story.ended is None,
        since=story.since,
        due=deadline.due if deadline else None,
        due_because=deadline.because if deadline else "",
        clock_start=story.clock_start,
        see_by=story.see_by,
        sent=story.sent,
        answered=story.answered,
        scheduled=story.scheduled,
        visit_on=story.visit_on,
        seen=story.seen,
        reported=story.reported,
        reviewed=story.reviewed,
        ended=story.ended,
        no_shows=story.no_shows,
        silent=story.silent,
        reminded=story.reminded,
    )


def payer_of(request: Mapping[str, Any]) -> str:
    """Who pays, in words; empty where nobody said."""
    named = [str(one.get("display", "")) for one in request.get("insurance", ()) if one.get("display")]
    return named[0] if named else str(words.value_of(words.extension(request, words.INSURANCE)) or "")


def _languages(app: App, tx: Transaction, patients: Sequence[str]) -> dict[str, str]:
    found = app.record.fetch(tx, sorted({f"Patient/{one}" for one in patients}))
    return {stored.id: language_of(stored.resource) for stored in found.values()}


def language_of(patient: Mapping[str, Any]) -> str:
    """The language that the patient prefers, in words; empty where nobody asked."""
    spoken = sorted(patient.get("communication", ()), key=lambda item: not item.get("preferred", False))
    return language_words(spoken[0].get("language")) if spoken else ""


def _spoken(row: ReferralRow, languages: Mapping[str, str]) -> ReferralRow:
    return ReferralRow(**{**row.__dict__, "language": languages.get(row.patient_id, "")})
