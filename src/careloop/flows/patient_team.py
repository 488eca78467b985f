"""Everybody who cares for a patient and what each did lately: drawn from what was really done, beside who is named.

A member of the team of whom nothing was seen for `QUIET` is silent; whoever does something and is in no team is not in
the team; both are worth a look.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.access import accounts
from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.flows import capacity, people
from careloop.flows import patient_reading as reading
from careloop.flows.app import App
from careloop.flows.contradiction_values import Waiting
from careloop.flows.leading import lead_shown
from careloop.flows.owned import OwnedThen, of_patient
from careloop.flows.patient_facts import FACT_TYPES, Chart, chart_of
from careloop.flows.patient_values import Header
from careloop.flows.timeline import instant_of
from careloop.loops.ownership import is_member
from careloop.teams import store
from careloop.teams.model import Lead, LeadShown

QUIET = timedelta(days=90)
_LOOKED_BACK = timedelta(days=365)
_MOST = 40
_DONE: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "Encounter": ("visit", ("participant.individual", "serviceProvider"), ("period.start",)),
    "Communication": ("message or call", ("sender",), ("sent", "received")),
    "ServiceRequest": ("order", ("requester", "performer"), ("authoredOn",)),
    "DiagnosticReport": ("report", ("performer",), ("issued", "effectiveDateTime")),
    "DocumentReference": ("document", ("author",), ("date",)),
    "MedicationRequest": ("prescription", ("requester",), ("authoredOn",)),
    "Appointment": ("appointment", ("participant.actor",), ("start",)),
    "Procedure": ("procedure", ("performer.actor",), ("performedDateTime", "performedPeriod.start")),
    "CarePlan": ("care plan", ("author",), ("created", "period.start")),
}
"""What counts as doing something: in words, where people stand, where the time stands."""
_PLURALS = {"message or call": "messages or calls"}

TYPES = tuple(dict.fromkeys((*_DONE, "CareTeam", "Task", *FACT_TYPES)))


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Somebody with a hand in the care. `state`: active, silent (of the team, nothing seen for 90 days) or outside
    (does something, in no team). `did` says what, most often first."""

    name: str
    role: str
    state: str
    times: int
    last: datetime | None
    did: str
    until: str


@dataclass(frozen=True, kw_only=True)
class PatientTeam:
    """The team card of a patient."""

    header: Header
    contradictions: tuple[Waiting, ...]
    lead: LeadShown | None
    leads: tuple[tuple[Lead, str], ...]
    hands: tuple[Hand, ...]
    minutes: int
    then: OwnedThen
    everybody: tuple[tuple[str, str], ...]


def page(app: App, tx: Transaction, principal: Principal, patient_id: str, at: datetime | None) -> PatientTeam:
    """The team now, and who owned what at that moment (now when left out). Audited reads."""
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    now = app.clock.now()
    chart = chart_of(app, tx, patient_id, TYPES, now)
    names = people.Names(tx)
    return PatientTeam(
        header=reading.header_of(patient, chart.for_header, now.astimezone(people.zone_of(tx)).date()),
        contradictions=(),
        lead=lead_shown(tx, patient_id),
        leads=tuple((one, names.name(one.lead)) for one in store.lead_history(tx, patient_id)),
        hands=tuple(hands_of(chart, now)),
        minutes=capacity.of_patients(app, tx, [patient_id])[patient_id],
        then=of_patient(app, tx, principal, patient_id, at),
        everybody=tuple((one.reference, one.name) for one in accounts.staff(tx) if one.active),
    )


def hands_of(chart: Chart, now: datetime) -> list[Hand]:
    """Members of the team, then others who did something within a year; the last to do something first."""
    roles, until = _team(chart, now)
    seen = _seen(chart.by_type, now)
    found = []
    for reference in [*roles, *(one for one in seen if one not in roles)]:
        name = chart.people.names.get(reference) or _display(chart.by_type.get("CareTeam", ()), reference)
        if not name or reference.startswith("Patient/"):
            continue
        acts = seen.get(reference, [])
        last = max((at for at, _ in acts), default=None)
        quiet = last is None or last < now - QUIET
        found.append(
            Hand(
                name=name,
                role=", ".join(role.replace("-", " ") for role in roles.get(reference, ())),
                state="outside" if reference not in roles else "silent" if quiet else "active",
                times=len(acts),
                last=last,
                did=_words([what for _, what in acts]),
                until=until.get(reference, ""),
            )
        )
    found.sort(key=lambda one: (one.state == "outside", one.last is None, -(one.last or now).timestamp(), one.name))
    return found[:_MOST]


def _team(chart: Chart, now: datetime) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Roles of the members who are in a team now, and until when where that is said."""
    roles: dict[str, list[str]] = {}
    until: dict[str, str] = {}
    for team in chart.by_type.get("CareTeam", ()):
        if team.get("status", "active") != "active":
            continue
        for one in team.get("participant", []):
            reference = str((one.get("member") or {}).get("reference", ""))
            if reference and is_member(one, now):
                told = roles.setdefault(reference, [])
                told += [role for role in (_role(one),) if role and role not in told]
                until[reference] = str((one.get("period") or {}).get("end", ""))[:10]
    return roles, until


def _role(participant: Mapping[str, Any]) -> str:
    for concept in participant.get("role", []):
        for coding in concept.get("coding", []):
            return str(coding.get("display") or coding.get("code", ""))
        return str(concept.get("text", ""))
    return ""


def _seen(by_type: Mapping[str, Sequence[Mapping[str, Any]]], now: datetime) -> dict[str, list[tuple[datetime, str]]]:
    """When everybody did what within a year, by reference."""
    seen: dict[str, list[tuple[datetime, str]]] = {}
    for kind, (what, places, times) in _DONE.items():
        for resource in by_type.get(kind, ()):
            at = next((found for path in times if (found := instant_of(_at(resource, path)))), None)
            if at is None or not now - _LOOKED_BACK <= at <= now:
                continue
            for reference in {one for path in places for one in _references(resource, path)}:
                seen.setdefault(reference, []).append((at, what))
    return seen


def _at(resource: Mapping[str, Any], path: str) -> Any:
    value: Any = resource
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _references(resource: Mapping[str, Any], path: str) -> Iterator[str]:
    values: list[Any] = [resource]
    for part in path.split("."):
        inner = [value.get(part) for value in values if isinstance(value, Mapping)]
        values = [one for value in inner for one in (value if isinstance(value, list) else [value])]
    for value in values:
        if isinstance(value, Mapping) and isinstance(value.get("reference"), str):
            yield value["reference"].split("/_history/")[0]


def _words(acts: Sequence[str]) -> str:
    counts = {what: acts.count(what) for what in dict.fromkeys(acts)}
    ordered = sorted(counts.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{count} {_PLURALS.get(what, f'{what}s') if count > 1 else what}" for what, count in ordered)


def _display(teams: Sequence[Mapping[str, Any]], reference: str) -> str:
    shown = [
        one.get("member", {}).get("display")
        for team in teams
        for one in team.get("participant", [])
        if (one.get("member") or {}).get("reference") == reference
    ]
    return next((str(one) for one in shown if one), "")
