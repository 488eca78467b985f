"""What was promised or is owed by somebody outside and has not arrived, across all kinds; chased way by way (row 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, filing, people, writing
from careloop.flows.app import App
from careloop.loops.expected import ExpectedStep, expected_steps

MOST = 200
_AHEAD = timedelta(days=14)
_CHASE = {"system": "urn:careloop:communication", "code": "chase"}


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One way to chase what is missing."""

    id: str
    title: str
    medium: str


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A try: which way, when."""

    title: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Expected:
    """A line of the list. `next` is the way to try now, None where all were tried."""

    step: ExpectedStep
    what: str
    patient: str
    owner: str
    source: str
    late: bool
    tries: tuple[Tried, ...]
    next: Rung | None


def ladder(app: App) -> tuple[Rung, ...]:
    """The ways, in the order in which they are tried."""
    return tuple(Rung(**one) for one in app.catalog.document("documents", "expected")["ladder"])


def listed(app: App, tx: Transaction, principal: Principal) -> list[Expected]:
    """Everything that is late or due within two weeks, the most urgent first. One audited look."""
    require_action(principal, Action.WORKLIST_READ)
    now, content = app.clock.now(), app.catalog.document("documents", "expected")
    words = {(one["pathway"], one["step"]): one["what"] for one in content["steps"]}
    steps = expected_steps(tx, list(words), until=now + _AHEAD, limit=MOST)
    patients = [one.patient_id for one in steps]
    entry = AuditEntry(
        principal=principal, action="E", subtype="search", resource_type="Task", patient_ids=patients,
        query="expected and not arrived",
    )  # fmt: skip
    record_audit(tx, entry)
    shown = people.patients_shown(app, tx, patients, now, people.zone_of(tx))
    names, rungs = people.Names(tx), ladder(app)
    tried = _tries(app, tx, [one.focus for one in steps], rungs)
    sources = _sources(app, tx, [one.focus for one in steps])
    found = []
    for one in steps:
        tries = tried.get(one.focus, ())
        done = {each.title for each in tries}
        found.append(
            Expected(
                step=one,
                what=words[one.pathway, one.step_id],
                patient=shown[one.patient_id].name,
                owner=names.name(one.owner),
                source=sources.get(one.focus, ""),
                late=one.due < now,
                tries=tries,
                next=next((rung for rung in rungs if rung.title not in done), None),
            )
        )
    return found


def chase(app: App, tx: Transaction, principal: Principal, loop_id: str, rung_id: str, note: str) -> str:
    """A try is in the record, tied to the matter; a sentence for the live region."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Communication")
    rung = next((one for one in ladder(app) if one.id == rung_id), None)
    if rung is None:
        raise Rejected(at="way", expected="one of the ways", code="code-invalid")
    loop = acting.find_loop(tx, loop_id)
    focus = {"reference": loop.state.focus}
    communication: dict[str, Any] = {
        "resourceType": "Communication",
        "id": new_id(),
        "basedOn": [focus],
        "about": [focus],
        "status": "completed",
        "category": [{"coding": [_CHASE], "text": rung.title}],
        "medium": [{"coding": [{"system": _MEDIA, "code": rung.medium}]}],
        "subject": {"reference": f"Patient/{loop.patient_id}"},
        "sent": filing.stamp(app.clock.now(), people.zone_of(tx)),
    }
    if principal.practitioner_id:
        communication["sender"] = {"reference": principal.reference}
    if note.strip():
        communication["payload"] = [{"contentString": note.strip()[:2000]}]
    writing.write(app, tx, principal, [filing.put(communication)])
    return f"Noted: {rung.title.lower()}."


_MEDIA = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


def promise(
    app: App, tx: Transaction, principal: Principal, patient_id: str, *, what: str, source: str, by: str
) -> str:
    """Something is expected from outside: its loop is open. The reference of what stands for it."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Task")
    app.record.read(tx, principal, "Patient", patient_id)
    day = _day(by)
    now, zone = app.clock.now(), people.zone_of(tx)
    if not what.strip() or not source.strip():
        raise Rejected(at="what" if not what.strip() else "source", expected="what is expected, and from whom")
    if day is not None and day < now.astimezone(zone).date():
        raise Rejected(at="by", expected="a day that is not over", code="value")
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": new_id(),
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": "urn:careloop:open", "code": "expected-document"}],
            "text": f"{what.strip()} from {source.strip()}"[:200],
        },
        "description": what.strip()[:500],
        "for": {"reference": f"Patient/{patient_id}"},
        "authoredOn": filing.stamp(now, zone),
        "lastModified": filing.stamp(now, zone),
        "owner": {"display": source.strip()[:200]},
        **({"requester": {"reference": principal.reference}} if principal.practitioner_id else {}),
        **({"restriction": {"period": {"end": day.isoformat()}}} if day else {}),
    }
    writing.write(app, tx, principal, [filing.put(task)])
    return f"Task/{task['id']}"


def _tries(app: App, tx: Transaction, focuses: Sequence[str], rungs: Sequence[Rung]) -> dict[str, tuple[Tried, ...]]:
    """What was tried for each matter, oldest first."""
    tokens = [("based-on", one) for one in dict.fromkeys(focuses)]
    found: dict[str, list[Tried]] = {}
    titles = {rung.title for rung in rungs}
    for stored in app.record.follow(tx, "Communication", tokens) if tokens else ():
        resource = stored.resource
        category: Mapping[str, Any] = next(iter(resource.get("category", ())), {})
        if category.get("text") not in titles:
            continue
        for link in resource.get("basedOn", ()):
            tried = Tried(title=category["text"], at=str(resource.get("sent", "")))
            found.setdefault(str(link.get("reference")), []).append(tried)
    return {focus: tuple(sorted(tries, key=lambda one: one.at)) for focus, tries in found.items()}


def _sources(app: App, tx: Transaction, focuses: Sequence[str]) -> dict[str, str]:
    """From whom each matter is expected, where the record says so."""
    found = app.record.fetch(tx, sorted(set(focuses)))
    return {reference: _source(stored.resource) for reference, stored in found.items() if not stored.deleted}


def _source(resource: Mapping[str, Any]) -> str:
    named = [resource.get("owner"), *(resource.get("performer") or ()), resource.get("serviceProvider")]
    return next((str(one["display"]) for one in named if one and one.get("display")), "")


def _day(text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Rejected(at="by", expected="a date such as 2026-12-03", code="value") from None
