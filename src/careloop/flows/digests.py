"""What is stuck, once a day, for those who supervise: a page to read in the morning instead of more alerts."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.flows import capacity, engine, people, routing
from careloop.flows.app import App
from careloop.loops import owning
from careloop.loops.rules.calendar import add_business_days
from careloop.teams import store
from careloop.teams.model import Digest

MADE_AT = time(7, 0)
"""The hour of the day, where the practice is, from which on the digest of a day is made."""

MOST = 50
_LATE, _EXPIRES = timedelta(days=1), timedelta(days=30)
KINDS: Mapping[str, str] = {
    "late": "Late for more than a day",
    "queue": "In the queue, with nobody",
    "offer": "Hand-overs nobody answered",
    "lead": "Leads to assign (2 business days without an answer)",
    "leave": "Leave that begins and has no cover",
    "capacity": "More than fits in the next two weeks",
    "competency": "Competencies that end within 30 days",
}
"""Kinds of lines in their order, with their headings."""


def make_if_due(app: App, tx: Transaction) -> bool:
    """The digest of today stands, from seven o'clock on; True where it was made just now."""
    now = app.clock.now().astimezone(people.zone_of(tx))
    if now.time() < MADE_AT:
        return False
    standing = store.digest(tx, now.date())
    if standing is not None and standing.day == now.date():
        return False
    return store.add_digest(tx, now.date(), lines(app, tx), now)


def page(app: App, tx: Transaction, principal: Principal, day: date | None = None) -> Digest | None:
    """The last digest up to that day (today when left out). Before the first was made what is stuck now; None for a day
    before it. Audited as a search."""
    require_action(principal, Action.TEAM_SUPERVISE)
    now = app.clock.now()
    today = now.astimezone(people.zone_of(tx)).date()
    found = store.digest(tx, day or today)
    if found is None and day is None:
        found = Digest(day=today, made=now, lines=lines(app, tx))
    if found is not None:
        _audit(tx, principal, found)
    return found


def days(tx: Transaction) -> list[date]:
    """Days that have a digest, the last first."""
    return store.digest_days(tx)


def lines(app: App, tx: Transaction) -> list[dict[str, Any]]:
    """What is stuck now: each line has kind, says, who, and where it has them patient_id, loop_id, total."""
    now = app.clock.now()
    names = people.Names(tx)
    made = [
        *_late(app, tx, names, now),
        *_offers(app, tx, names, now),
        *_leads(tx, names, now),
        *_leave(tx, names, now),
        *_capacity(app, tx),
        *_competencies(app, tx, names, now),
    ]
    return _with_patients(app, tx, made, now)


def _late(app: App, tx: Transaction, names: people.Names, now: datetime) -> list[dict[str, Any]]:
    """Loops late for more than a day; those of the queue apart."""
    rows, total = owning.stuck(tx, now - _LATE, MOST)
    queue = routing.queue_reference(tx.tenant_id)
    return [
        {
            "kind": "queue" if row["owner"] == queue else "late",
            "says": _late_words(app, row, now),
            "who": names.name(row["owner"]),
            "patient_id": row["patient_id"],
            "loop_id": row["loop_id"],
            "total": total,
        }
        for row in rows
    ]


def _offers(app: App, tx: Transaction, names: people.Names, now: datetime) -> list[dict[str, Any]]:
    """Offers of loops that wait for more than a business day."""
    zone = people.zone_of(tx)
    calendar = engine.content_of(app.catalog).calendar
    found = []
    for row in owning.open_offers(tx, MOST):
        asked = row["offered"].astimezone(zone).date()
        if add_business_days(asked, 1, calendar)[0] < now.astimezone(zone).date():
            found.append(
                {
                    "kind": "offer",
                    "says": f"{engine.title(app.catalog, row['pathway'], '')}, offered {_day(asked)}",
                    "who": f"{names.name(row['giver'])} to {names.name(row['taker'])}",
                    "patient_id": row["patient_id"],
                    "loop_id": row["loop_id"],
                }
            )
    return found


def _leads(tx: Transaction, names: people.Names, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "kind": "lead",
            "says": offer.why,
            "who": f"{names.name(offer.giver)} to {names.name(offer.taker)}",
            "patient_id": offer.patient_id,
        }
        for offer in store.open_offers(tx)
        if offer.assignable <= now
    ]


def _leave(tx: Transaction, names: people.Names, now: datetime) -> list[dict[str, Any]]:
    ahead = [one for one in store.absences_ahead(tx) if one.cover is None and one.starts < now + timedelta(days=7)]
    return [
        {
            "kind": "leave",
            "says": f"away {_day(one.starts.date())} to {_day(one.ends.date())}; routing chooses for each patient",
            "who": names.name(f"Practitioner/{one.practitioner}"),
        }
        for one in ahead
    ]


def _capacity(app: App, tx: Transaction) -> list[dict[str, Any]]:
    members = [member for member in accounts.staff(tx) if member.active]
    return [
        {
            "kind": "capacity",
            "says": f"{one.due} min due, {one.can} min to plan; {len(one.slips)} will slip",
            "who": one.member.name,
        }
        for one in capacity.forecasts(app, tx, members)
        if one.slips
    ]


def _competencies(app: App, tx: Transaction, names: people.Names, now: datetime) -> list[dict[str, Any]]:
    kinds = {kind["id"]: kind["title"] for kind in app.catalog.document("competencies", "competencies")["kinds"]}
    active = {member.practitioner_id for member in accounts.staff(tx) if member.active}
    return [
        {
            "kind": "competency",
            "says": f"{kinds.get(row['kind'], row['kind'])}, valid through {_day(row['valid_through'])}",
            "who": names.name(f"Practitioner/{row['practitioner']}"),
        }
        for row in store.competencies_ending(tx, (now + _EXPIRES).date())
        if row["practitioner"] in active
    ]


def _with_patients(app: App, tx: Transaction, made: Sequence[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Each line in the order of the kinds, with the name of its patient."""
    patients = sorted({line["patient_id"] for line in made if "patient_id" in line})
    shown = people.patients_shown(app, tx, patients, now, people.zone_of(tx))
    order = list(KINDS)
    ordered = sorted(made, key=lambda line: order.index(line["kind"]))
    return [{**line, "patient": shown[line["patient_id"]].name} if "patient_id" in line else line for line in ordered]


def _late_words(app: App, row: Row, now: datetime) -> str:
    title = engine.title(app.catalog, row["pathway"], row["next_step"] or "")
    escalated = f", {row['escalations']} escalated" if row["escalations"] else ""
    return f"{title}, {_days(now - row['next_due'])}{escalated}"


def _days(late: timedelta) -> str:
    return f"{late.days} {'day' if late.days == 1 else 'days'} late"


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _audit(tx: Transaction, principal: Principal, found: Digest) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="Task",
        patient_ids=sorted({line["patient_id"] for line in found.lines if "patient_id" in line}),
        query="supervisor digest",
    )
    record_audit(tx, entry)
