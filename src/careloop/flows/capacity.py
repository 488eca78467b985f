"""Caseload in forecast minutes, not heads: of a step, a patient, an owner; who slips when more are enrolled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from careloop.access import accounts
from careloop.access.accounts import StaffMember
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import engine
from careloop.flows.app import App
from careloop.loops import owning
from careloop.loops.model import Tier
from careloop.loops.rules.pathways import OnlyWhen, Pathway, Step
from careloop.teams import store
from careloop.teams.planning import Piece, Slip, days_of, share_out, slipping

HORIZON = 14
"""Days looked ahead."""

MOST_MORE = 500
"""So many patients may be asked about at once."""

_USUAL_DUE = 14
"""Days until a step is due whose clock is not a plain length of time."""

_LONGEST_LOOK = 35
"""A question about more patients looks as far ahead as the last step that they bring, and at most so many days."""


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """Minutes of work by kind of step (content/capacity/minutes.yaml)."""

    steps: Mapping[str, int]
    other: int
    interpreter_percent: int
    working_day: int
    planned_percent: int

    def of(self, step_id: str, *, interpreter: bool = False) -> int:
        """Minutes of one step."""
        minutes = self.steps.get(step_id, self.other)
        return minutes + minutes * self.interpreter_percent // 100 if interpreter else minutes


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """The next `HORIZON` days of somebody: minutes that can be planned, minutes of open work in all and due by then,
    and what slips."""

    member: StaffMember
    can: int
    open: int
    due: int
    slips: tuple[Slip, ...]


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What one more patient costs (minutes by role), and for each who gets some of it what slips that would not."""

    pathway: str
    title: str
    count: int
    minutes_each: int
    by_role: Mapping[str, int]
    people: tuple[tuple[Forecast, int, tuple[Slip, ...]], ...]
    """(as it is, minutes more, what slips then and does not now)."""

    unstaffed: tuple[str, ...]
    """Roles that nobody holds: their work goes to the queue."""

    until: date
    """The last day that was looked at."""

    @property
    def slipping(self) -> int:
        """How many pieces slip that would not."""
        return sum(len(slips) for _, _, slips in self.people)


def minutes_table(catalog: Catalog) -> Minutes:
    """The table of this catalog."""
    document = catalog.document("capacity", "minutes")
    return Minutes(
        steps=document["steps"],
        other=document["other"],
        interpreter_percent=document["interpreter_percent"],
        working_day=document["working_day"],
        planned_percent=document["planned_percent"],
    )


def minutes_of(catalog: Catalog, step_id: str, *, interpreter: bool = False) -> int:
    """Forecast minutes of work of a step; a talk with an interpreter takes longer."""
    return minutes_table(catalog).of(step_id, interpreter=interpreter)


def of_patients(app: App, tx: Transaction, patient_ids: Sequence[str]) -> dict[str, int]:
    """Forecast minutes of the open work about each of these patients."""
    minutes = minutes_table(app.catalog)
    return owning.minutes_of_patients(tx, patient_ids, minutes.steps, minutes.other)


def forecasts(app: App, tx: Transaction, members: Sequence[StaffMember]) -> list[Forecast]:
    """The next days of each of these, in the order given; the same number of queries however many they are."""
    minutes, today = minutes_table(app.catalog), _today(app, tx)
    owners = [member.reference for member in members]
    loads = owning.minutes_of_owners(tx, owners, minutes.steps, minutes.other)
    days, pieces = _days(app, tx, members, minutes, today), _pieces(app, tx, owners, minutes, today)
    return [
        Forecast(
            member=member,
            can=sum(days[member.practitioner_id].values()),
            open=loads[member.reference],
            due=sum(piece.minutes for piece in pieces[member.reference]),
            slips=tuple(slipping(days[member.practitioner_id], pieces[member.reference])),
        )
        for member in members
    ]


def what_if(app: App, tx: Transaction, principal: Principal, *, pathway: str, count: int) -> WhatIf:
    """If so many more patients are enrolled on a pathway today: who gets the work, and what slips for it."""
    require_action(principal, Action.TEAM_READ)
    found = engine.content_of(app.catalog).pathways.active.get(pathway)
    if found is None or not 1 <= count <= MOST_MORE:
        raise Rejected(at="count", expected=f"a pathway and 1 to {MOST_MORE} more patients", code="business-rule")
    minutes, today = minutes_table(app.catalog), _today(app, tx)
    steps = [step for step in found.steps if not _is_rare(step)]
    staff = [member for member in accounts.staff(tx) if member.active]
    holders = {
        role: [one for one in staff if role in {held.value for held in one.roles}]
        for role in sorted({step.owner_role for step in steps})
    }
    members = list({one.reference: one for some in holders.values() for one in some}.values())
    now = {one.member.reference: one for one in forecasts(app, tx, members)}
    shares = _shares(found, steps, holders, now, minutes, today, count)
    # As far as the last of the new work is due: what is due on a day that nobody looks at could never slip.
    last = max((piece.due for some in shares.values() for piece in some), default=today)
    ahead = min(_LONGEST_LOOK, max(HORIZON, (last - today).days + 1))
    days = _days(app, tx, members, minutes, today, ahead)
    pieces = _pieces(app, tx, list(now), minutes, today, ahead)
    return WhatIf(
        pathway=pathway,
        title=found.title,
        count=count,
        minutes_each=sum(minutes.of(step.id) for step in steps),
        by_role={role: sum(minutes.of(one.id) for one in steps if one.owner_role == role) for role in holders},
        people=tuple(
            (
                now[owner],
                sum(piece.minutes for piece in more),
                _new_slips(days[now[owner].member.practitioner_id], pieces[owner], more),
            )
            for owner, more in shares.items()
        ),
        unstaffed=tuple(role for role, some in holders.items() if not some),
        until=today + timedelta(days=ahead - 1),
    )


def _shares(
    pathway: Pathway,
    steps: Sequence[Step],
    holders: Mapping[str, Sequence[StaffMember]],
    now: Mapping[str, Forecast],
    minutes: Minutes,
    today: date,
    count: int,
) -> dict[str, list[Piece]]:
    """The pieces that new patients bring, by who would get them."""
    shares: dict[str, list[Piece]] = {owner: [] for owner in now}
    for role, some in holders.items():
        pieces = [
            Piece(
                key=f"more {number:04} {step.id}",
                title=step.title,
                patient_id="",
                due=today + timedelta(days=days_until(step, pathway.steps)),
                minutes=minutes.of(step.id),
                more=True,
            )
            for number in range(count)
            for step in steps
            if step.owner_role == role
        ]
        loads = {
            one.reference: now[one.reference].open + sum(piece.minutes for piece in shares[one.reference])
            for one in some
        }
        for owner, mine in share_out(pieces, loads).items() if loads else ():
            shares[owner] += mine
    return {owner: more for owner, more in shares.items() if more}


def _new_slips(days: Mapping[date, int], pieces: Sequence[Piece], more: Sequence[Piece]) -> tuple[Slip, ...]:
    known = {slip.piece.key for slip in slipping(days, pieces)}
    return tuple(slip for slip in slipping(days, [*pieces, *more]) if slip.piece.key not in known)


def days_until(step: Step, steps: Sequence[Step] = ()) -> int:
    """After how many days a step is due when its matter opens today, business days as calendar days. What is due on
    the date of another step (medicines by the visit) is due with it."""
    due = step.due
    other = next((one for one in steps if due.date_of and one.id == due.date_of and not one.due.date_of), None)
    if other is not None:
        return days_until(other)
    span = due.within or due.otherwise or (due.by_tier or {}).get(Tier.STANDARD)
    if span is None:
        return _USUAL_DUE
    amount, unit = span.amount, span.unit
    if unit == "business-days":
        return int(amount + 2 * ((amount + 4) // 5))
    return {"minutes": 0, "hours": int(amount) // 24, "days": int(amount), "months": 30 * int(amount)}.get(
        unit, _USUAL_DUE
    )


def _is_rare(step: Step) -> bool:
    """A step that only some patients have does not count for every new one."""
    return step.only != OnlyWhen()


def _today(app: App, tx: Transaction) -> date:
    return app.clock.now().astimezone(_zone(tx)).date()


def _zone(tx: Transaction) -> ZoneInfo:
    return ZoneInfo(engine.tenant_of(tx).zone)


def _days(
    app: App, tx: Transaction, members: Sequence[StaffMember], minutes: Minutes, today: date, ahead: int = HORIZON
) -> dict[str, dict[date, int]]:
    """Minutes of each day of each of these, by the bare id of the practitioner."""
    people = [member.practitioner_id for member in members]
    profiles, zone = store.profiles(tx, people), _zone(tx)
    until = datetime.combine(today + timedelta(days=ahead), datetime.min.time(), tzinfo=zone)
    away = store.overlapping_absences(tx, people, app.clock.now(), until)
    holidays = engine.content_of(app.catalog).calendar.holidays
    return {
        person: days_of(
            profiles[person].working if person in profiles else {},
            today,
            ahead,
            holidays=holidays,
            away=[
                (one.starts.astimezone(zone), one.ends.astimezone(zone)) for one in away if one.practitioner == person
            ],
            usual=minutes.working_day,
            percent=minutes.planned_percent,
        )
        for person in people
    }


def _pieces(
    app: App, tx: Transaction, owners: Sequence[str], minutes: Minutes, today: date, ahead: int = HORIZON
) -> dict[str, list[Piece]]:
    """Open steps due within the days looked at, by owner; what waits for others costs nothing now."""
    zone = _zone(tx)
    until = datetime.combine(today + timedelta(days=ahead), datetime.min.time(), tzinfo=zone)
    found: dict[str, list[Piece]] = {owner: [] for owner in owners}
    for row in owning.steps_due(tx, owners, until):
        piece = Piece(
            key=f"{row['loop_id']} {row['step_id']}",
            title=engine.title(app.catalog, row["pathway"], row["step_id"]),
            patient_id=row["patient_id"],
            due=row["due"].astimezone(zone).date(),
            minutes=minutes.of(row["step_id"]),
        )
        found[row["owner"]].append(piece)
    return found
