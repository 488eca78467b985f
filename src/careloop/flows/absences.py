"""Leave: work goes to the cover when it begins and comes back when it ends; nothing is left with who is away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, system_principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import closing, engine, handing_over, routing, writing
from careloop.flows.acting import require_text
from careloop.flows.app import App
from careloop.flows.causes import Cause
from careloop.loops import owning
from careloop.loops.ownership import cover_words, covering
from careloop.loops.plans import Owner
from careloop.record import Write
from careloop.teams import store
from careloop.teams.model import Absence

_BATCH = 50


@dataclass(frozen=True, kw_only=True)
class Leave:
    """What somebody asks for. `person` and `cover` are `Practitioner/..`; without a cover routing names one for each
    piece of work."""

    person: str
    starts: datetime
    ends: datetime
    cover: str | None
    why: str


def add(app: App, tx: Transaction, principal: Principal, leave: Leave) -> Absence:
    """The absence is on record, in PractitionerRole.notAvailable too; if it has begun already its work has moved."""
    _require(principal, leave.person)
    require_text("why", leave.why)
    now = app.clock.now()
    if not (leave.starts < leave.ends and now < leave.ends):
        raise Rejected(at="ends", expected="an end that is ahead and after the start", code="business-rule")
    member = _member(tx, leave.person, "person")
    cover = _cover(tx, leave, member)
    if store.overlapping_absences(tx, [member.practitioner_id], leave.starts, leave.ends):
        raise Conflict(f"{member.name} is away in that time already")
    absence = Absence(
        id=new_id(),
        practitioner=member.practitioner_id,
        starts=leave.starts,
        ends=leave.ends,
        cover=cover.practitioner_id if cover else None,
        why=leave.why,
        by=principal.reference,
        noted=now,
    )
    store.add_absence(tx, absence)
    _say_in_roles(app, tx, principal, member)
    _audit(tx, principal, member, "absence-noted")
    if absence.starts <= now:
        begin(app, tx, absence)
    return absence


def end(app: App, tx: Transaction, principal: Principal, absence_id: str) -> str:
    """It is called off, or over from now on: what the cover still has of it is back. Answers with a sentence."""
    absence = store.find_absence(tx, absence_id)
    if absence is None:
        raise NotFound("there is no such absence")
    _require(principal, f"Practitioner/{absence.practitioner}")
    if absence.over is not None:
        raise Conflict("this absence is over")
    [member] = accounts.members(tx, [f"Practitioner/{absence.practitioner}"])
    _audit(tx, principal, member, "absence-ended")
    if store.call_off_absence(tx, absence.id, app.clock.now()):
        _say_in_roles(app, tx, principal, member)
        return f"{member.name} will not be away."
    moved = come_back(app, tx, absence)
    _say_in_roles(app, tx, principal, member)
    return f"{member.name} is back. {moved} pieces of work came back."


def begin(app: App, tx: Transaction, absence: Absence) -> int:
    """Everything open that the person holds is with the cover where they may do it, else with whoever routing names."""
    [member] = accounts.members(tx, [f"Practitioner/{absence.practitioner}"])
    store.begin_absence(tx, absence.id, app.clock.now())
    if not member.active:
        return 0
    cover = _here(app, tx, absence.cover)
    why = cover_words(routing.who_is(member), absence.ends)
    author = system_principal(tx.tenant_id, "absences")
    return handing_over.move_work(app, tx, author, from_=member.reference, to=cover, why=why)


def come_back(app: App, tx: Transaction, absence: Absence) -> int:
    """The absence is over; what is with somebody because of it, and still open, is back with its person."""
    [member] = accounts.members(tx, [f"Practitioner/{absence.practitioner}"])
    store.end_absence(tx, absence.id, app.clock.now())
    still = store.absences_now(tx, [absence.practitioner], app.clock.now())
    rows = owning.covered_work(tx, covering(routing.who_is(member))) if member.active and not still else []
    owner = Owner(owner=member.reference, why="is back from being away")
    patients = sorted({row["patient_id"] for row in rows})
    for start in range(0, len(patients), _BATCH):
        some = patients[start : start + _BATCH]
        given = {(row["loop_id"], row["step_id"]): owner for row in rows if row["patient_id"] in some}
        closing.review(app, tx, some, Cause(fact="its owner is back", by=member.reference, assignments=given))
    return len(rows)


def _require(principal: Principal, person: str) -> None:
    """Everybody for themselves; for others whoever supervises."""
    require_action(principal, Action.TEAM_READ if person == principal.reference else Action.TEAM_SUPERVISE)


def _member(tx: Transaction, reference: str, at: str) -> StaffMember:
    found = [one for one in accounts.members(tx, [reference]) if one.active]
    if not found:
        raise Rejected(at=at, expected="an active member of the staff", code="business-rule")
    return found[0]


def _cover(tx: Transaction, leave: Leave, member: StaffMember) -> StaffMember | None:
    """Somebody else who is there all the time."""
    if leave.cover is None:
        return None
    cover = _member(tx, leave.cover, "cover")
    if cover == member:
        raise Rejected(at="cover", expected="somebody else", code="business-rule")
    if store.overlapping_absences(tx, [cover.practitioner_id], leave.starts, leave.ends):
        raise Rejected(at="cover", expected=f"somebody who is here then; {cover.name} is away", code="business-rule")
    return cover


def _here(app: App, tx: Transaction, cover: str | None) -> str | None:
    """The cover as a reference, if they are there now."""
    found = routing.Office(app, tx).people([f"Practitioner/{cover}"]) if cover else []
    return found[0].reference if found and found[0].away is None else None


def _say_in_roles(app: App, tx: Transaction, principal: Principal, member: StaffMember) -> None:
    """Each PractitionerRole of the person says when they are not available."""
    now, zone = app.clock.now(), ZoneInfo(engine.tenant_of(tx).zone)
    ahead = [one for one in store.absences_ahead(tx) if one.practitioner == member.practitioner_id and one.ends > now]
    lines = [
        {"description": one.why, "during": {"start": _text(one.starts, zone), "end": _text(one.ends, zone)}}
        for one in ahead
    ]
    roles = app.record.follow(tx, "PractitionerRole", [("practitioner", member.reference)])
    writes = [_with_lines(role.resource, lines) for role in roles if not role.deleted]
    writing.write(app, tx, principal, writes, cause="absence", validate=False)


def _with_lines(role: dict[str, Any], lines: list[dict[str, Any]]) -> Write:
    kept = {name: value for name, value in role.items() if name != "notAvailable"}
    resource = {**kept, "notAvailable": lines} if lines else kept
    return Write(method="update", resource_type="PractitionerRole", id=role["id"], resource=resource)


def _text(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="seconds")


def _audit(tx: Transaction, principal: Principal, member: StaffMember, what: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="U",
        subtype=what,
        resource_type="Practitioner",
        resource_ids=[member.practitioner_id],
    )
    record_audit(tx, entry)
