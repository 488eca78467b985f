"""A case conference: the agenda writes itself from what is stuck, each decision is an owned step of its loop before the
call ends, and whoever was absent votes later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access import accounts
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.errors import Conflict, NotFound, NotPermitted, Rejected
from careloop.fhir.ids import new_id
from careloop.flows import acting, adapting, engine, handing_over, people
from careloop.flows.app import App
from careloop.loops import owning
from careloop.loops import store as loops
from careloop.teams import conferences, store
from careloop.teams.conferences import AgendaItem, Conference, Vote

MOST = 10
"""Items of an agenda: more is not a conference but a list."""

_LOOKED_AT = 200
_LATE = timedelta(0)
_CARRIED = timedelta(days=60)


@dataclass(frozen=True, kw_only=True)
class ItemShown:
    """An item with its patient, what was decided, and who voted how."""

    item: AgendaItem
    patient_name: str
    owner_name: str
    title: str
    votes: tuple[tuple[str, Vote], ...]


@dataclass(frozen=True, kw_only=True)
class ConferencePage:
    """One conference. `may_vote`: the asker was absent; `decides`: the asker is in the call and it goes on."""

    conference: Conference
    present: tuple[tuple[str, str], ...]
    absent: tuple[tuple[str, str], ...]
    items: tuple[ItemShown, ...]
    may_vote: bool
    decides: bool


def begin(
    app: App, tx: Transaction, principal: Principal, *, title: str, present: Sequence[str], absent: Sequence[str]
) -> str:
    """The conference stands with an agenda of what is stuck with these people; its id. `Conflict` where nothing is."""
    require_action(principal, Action.LOOP_WORK)
    acting.require_text("title", title)
    here = sorted({*present, principal.reference})
    away = sorted(set(absent) - set(here))
    members = {member.reference for member in accounts.members(tx, [*here, *away]) if member.active}
    if members != {*here, *away}:
        raise Rejected(at="present", expected="active members of the staff", code="business-rule")
    found = agenda(app, tx, sorted(members))
    if not found:
        raise Conflict("nothing is stuck with the people of this call or their patients; tick who else is in it")
    conference = Conference(
        id=new_id(),
        title=title.strip(),
        begun=app.clock.now(),
        by=principal.reference,
        present=here,
        absent=away,
        ended=None,
    )
    conferences.add(tx, conference, found)
    return conference.id


def agenda(app: App, tx: Transaction, members: Sequence[str]) -> list[dict[str, str]]:
    """What is stuck with these people or their patients: put off last time first, then safety, then the latest."""
    now = app.clock.now()
    rows, _ = owning.stuck(tx, now - _LATE, _LOOKED_AT)
    leads = store.leads(tx, sorted({row["patient_id"] for row in rows}))
    waiting = conferences.carried(tx, now - _CARRIED)
    mine = [row for row in rows if row["owner"] in members or leads.get(row["patient_id"]) in members]
    mine.sort(key=lambda row: row["loop_id"] not in waiting)
    return [
        {
            "loop_id": row["loop_id"],
            "patient_id": row["patient_id"],
            "asks": _asks(app, row, row["loop_id"] in waiting, now),
        }
        for row in mine[:MOST]
    ]


def page(app: App, tx: Transaction, principal: Principal, conference_id: str) -> ConferencePage:
    """The conference as it stands. Audited as a search."""
    require_action(principal, Action.LOOP_WORK)
    found = _find(tx, conference_id)
    items, votes, names = conferences.items(tx, found.id), conferences.votes(tx, found.id), people.Names(tx)
    shown = people.patients_shown(app, tx, [one.patient_id for one in items], app.clock.now(), people.zone_of(tx))
    titles = _titles(app, tx, items)
    _audit(tx, principal, items)
    return ConferencePage(
        conference=found,
        present=tuple((one, names.name(one)) for one in found.present),
        absent=tuple((one, names.name(one)) for one in found.absent),
        items=tuple(
            ItemShown(
                item=one,
                patient_name=shown[one.patient_id].name,
                owner_name=names.name(one.owner) if one.owner else "",
                title=titles.get(one.loop_id, ""),
                votes=tuple((names.name(vote.member), vote) for vote in votes if vote.loop_id == one.loop_id),
            )
            for one in items
        ),
        may_vote=principal.reference in found.absent,
        decides=found.ended is None and principal.reference in found.present,
    )


def decide(
    app: App,
    tx: Transaction,
    principal: Principal,
    conference_id: str,
    *,
    loop_id: str,
    decision: str,
    owner: str,
    due: datetime,
) -> str:
    """The loop has one more step that says so, owned by somebody who is in the call. Answers with a sentence."""
    conference = _going_on(tx, principal, conference_id)
    if owner not in conference.present:
        raise Rejected(at="owner", expected="somebody who is in the call and agrees now", code="business-rule")
    item = _item(tx, conference_id, loop_id)
    role = _role_of(tx, owner)
    adapting.add_step(
        app,
        tx,
        principal,
        loop_id=loop_id,
        title=decision,
        role=role,
        due=due,
        reason="other",
        note=f"decided in the conference “{conference.title}”",
    )
    loop = acting.find_loop(tx, loop_id)
    step_id = max((step for step in loop.steps if step.startswith("extra-")), key=lambda step: int(step.split("-")[1]))
    why = f"took it in the conference “{conference.title}”"
    handing_over.assign(app, tx, loop, step_id, owner, by=principal.reference, why=why)
    decided = AgendaItem(**{**vars(item), "decision": decision.strip(), "owner": owner, "step_id": step_id, "due": due})
    conferences.decide(tx, conference_id, decided, at=app.clock.now(), by=principal.reference)
    return "Decided. It is a step of the loop now, with its owner."


def carry(app: App, tx: Transaction, principal: Principal, conference_id: str, *, loop_id: str, why: str) -> str:
    """The item is the first of the next conference."""
    acting.require_text("why", why)
    _going_on(tx, principal, conference_id)
    _item(tx, conference_id, loop_id)
    conferences.carry(tx, conference_id, loop_id, why=why, at=app.clock.now(), by=principal.reference)
    return "Put off to the next conference."


def end(app: App, tx: Transaction, principal: Principal, conference_id: str) -> str:
    """The call is over. `Conflict` while an item is neither decided with an owner nor put off."""
    _going_on(tx, principal, conference_id)
    still = sum(one.state == "open" for one in conferences.items(tx, conference_id))
    if still:
        raise Conflict(f"{still} still to decide: each needs a decision with an owner, or is put off")
    conferences.end(tx, conference_id, app.clock.now())
    return "The conference is over. Whoever was absent can vote."


def cast(
    app: App, tx: Transaction, principal: Principal, conference_id: str, *, loop_id: str, vote: str, note: str
) -> str:
    """Somebody who was absent says what they think of a decision; against it only with a reason."""
    require_action(principal, Action.LOOP_WORK)
    if principal.reference not in _find(tx, conference_id).absent:
        raise NotPermitted("members who were absent vote later")
    item = next((one for one in conferences.items(tx, conference_id) if one.loop_id == loop_id), None)
    if item is None or item.state != "decided":
        raise NotFound("there is no such decision")
    if vote not in ("agree", "disagree"):
        raise Rejected(at="vote", expected="agree or disagree")
    if vote == "disagree":
        acting.require_text("note", note)
    given = Vote(loop_id=loop_id, member=principal.reference, vote=vote, note=note.strip(), at=app.clock.now())
    conferences.vote(tx, conference_id, given)
    return "Your vote is kept."


def _find(tx: Transaction, conference_id: str) -> Conference:
    found = conferences.find(tx, conference_id) if loops.is_loop_id(conference_id) else None
    if found is None:
        raise NotFound("there is no such conference")
    return found


def _going_on(tx: Transaction, principal: Principal, conference_id: str) -> Conference:
    require_action(principal, Action.LOOP_WORK)
    found = _find(tx, conference_id)
    tx.lock(f"conference {conference_id}")
    if principal.reference not in found.present:
        raise NotPermitted("who is in the call decides")
    if found.ended is not None:
        raise Conflict("this conference is over")
    return found


def _item(tx: Transaction, conference_id: str, loop_id: str) -> AgendaItem:
    item = next((one for one in conferences.items(tx, conference_id) if one.loop_id == loop_id), None)
    if item is None:
        raise NotFound("there is no such item")
    if item.state != "open":
        raise Conflict("this was decided already")
    return item


def _role_of(tx: Transaction, owner: str) -> str:
    """The role in which somebody takes a step: what they are for patients before what they are for the practice."""
    [member] = accounts.members(tx, [owner])
    order = ("coordinator", "nurse", "physician", "community-health-worker", "manager")
    held = {role.value for role in member.roles}
    return next((role for role in order if role in held), sorted(held)[0])


def _asks(app: App, row: Row, was_carried: bool, now: datetime) -> str:
    """Why the loop is on the agenda."""
    late = now - row["next_due"]
    parts = [engine.title(app.catalog, row["pathway"], row["next_step"] or "")]
    parts += [f"{late.days} days late" if late.days > 1 else "late"]
    parts += [f"{row['escalations']} escalated"] if row["escalations"] else []
    parts += [f"waits: {row['hold_reason']}"] if row["hold_reason"] else []
    parts += ["put off last time"] if was_carried else []
    return ", ".join(parts)


def _titles(app: App, tx: Transaction, items: Sequence[AgendaItem]) -> Mapping[str, str]:
    found = loops.load_loops(tx, ids=[one.loop_id for one in items]) if items else []
    return {loop.id: f"L-{loop.number}, {engine.title(app.catalog, loop.state.pathway, '')}" for loop in found}


def _audit(tx: Transaction, principal: Principal, items: Sequence[AgendaItem]) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="Task",
        resource_ids=[one.loop_id for one in items],
        patient_ids=sorted({one.patient_id for one in items}),
        query="case conference",
    )
    record_audit(tx, entry)
