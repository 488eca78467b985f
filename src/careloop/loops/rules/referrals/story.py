"""One referral as a story, read from all that the record holds about it, whoever wrote it, in whatever order.

The fulfilment Task says a state; facts that others bring (a booked Appointment, a visit, a report) move it forward,
never back, and never end it. Every moment is an instant; days are those of the practice's zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from careloop.loops.facts.parts import start_of_span
from careloop.loops.rules.referrals import words
from careloop.loops.rules.referrals.clocks import see_by
from careloop.loops.rules.referrals.content import Priority, State, Tables
from careloop.loops.rules.referrals.states import STATE, phase, state_of

Resource = Mapping[str, Any]

_STANDS = frozenset({"booked", "pending", "arrived", "checked-in", "waitlist"})
_REPORTED = frozenset({"final", "amended", "corrected", "appended", "preliminary", "partial", "current"})
_ANSWERS = frozenset({"received", "accepted", "declined", "more-info-needed"})
_NOT_SENT = frozenset({"draft", "pending-authorization"})
_PROVE_ANSWER = frozenset({"scheduled", "no-show", "seen", "report-received"})


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The resources of one referral. `tasks` are fulfilment Tasks, `messages` Communications about it."""

    request: Resource
    tasks: Sequence[Resource] = ()
    appointments: Sequence[Resource] = ()
    encounters: Sequence[Resource] = ()
    reports: Sequence[Resource] = ()
    messages: Sequence[Resource] = ()


@dataclass(frozen=True, kw_only=True)
class Move:
    """A state that the referral came into."""

    state: str
    at: datetime
    by: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Story:
    """Where a referral is and how it came there. `since` is when the present state began, None while nobody knows.
    `appointment` is the visit that is booked, `visited` the Appointment of the first visit that took place."""

    request: Resource
    task: Resource | None
    state: State
    since: datetime | None
    moves: tuple[Move, ...]
    clinic: str
    clinic_name: str
    service: str
    services: frozenset[str]
    priority: Priority
    authored: datetime | None
    clock_start: date | None
    see_by: date | None
    sent: datetime | None = None
    answered: datetime | None = None
    scheduled: datetime | None = None
    visit_on: datetime | None = None
    seen: datetime | None = None
    reported: datetime | None = None
    reviewed: datetime | None = None
    ended: datetime | None = None
    no_shows: int = 0
    silent: int = 0
    reminded: datetime | None = None
    appointment: Resource | None = None
    visited: Resource | None = None
    reports: tuple[Resource, ...] = field(default=())

    @property
    def id(self) -> str:
        """Id of the ServiceRequest."""
        return str(self.request["id"])

    @property
    def patient_id(self) -> str:
        """Id of the Patient."""
        return str((self.request.get("subject") or {}).get("reference", "")).removeprefix("Patient/")

    @property
    def is_open(self) -> bool:
        """True while something is still to come."""
        return not self.state.ended


def story_of(tables: Tables, found: Gathered, zone: tzinfo) -> Story:
    """The story that these resources tell."""
    request, task = found.request, _task(found.tasks)
    moves = _moves(tables, task, zone)
    visits = _visits(found, zone)
    reports = _reports(found.reports, zone)
    name = _state(tables, request, task, moves, visits, reports)
    if not moves or moves[-1].state != name:
        at = _fact_time(name, visits, reports) or (moves[-1].at if moves else None)
        moves = (*moves, Move(state=name, at=at)) if at else moves
    priority = priority_of(tables, request)
    authored = start_of_span(request.get("authoredOn"), zone)
    start = _clock_start(request, authored, zone)
    clinic: Resource = (task or {}).get("owner") or next(iter(request.get("performer", ())), {})
    since = moves[-1].at if moves else authored
    state = tables.states[name]
    reminders = [at for at in _reminders(found.messages, zone) if since is None or at >= since]
    return Story(
        request=request,
        task=task,
        state=state,
        since=since,
        moves=moves,
        clinic=str(clinic.get("reference", "")),
        clinic_name=str(clinic.get("display", "")),
        service=words.text_of(request.get("code")),
        services=services_of(request),
        priority=priority,
        authored=authored,
        clock_start=start,
        see_by=_see_by(request, start, priority, zone),
        sent=_first(moves, {"sent"}) or (_outside_sent(task, zone) if name not in _NOT_SENT else None),
        answered=_first(moves, _ANSWERS) or _first(moves, _PROVE_ANSWER),
        scheduled=_first(moves, {"scheduled"}) or visits.booked_at,
        visit_on=visits.next or visits.seen,
        seen=visits.seen or _told_seen(moves),
        reported=reports[0][0] if reports else _first(moves, {"report-received"}),
        reviewed=_first(moves, {"reviewed", "follow-up-tasks", "closed"}),
        ended=since if state.ended else None,
        no_shows=max(visits.no_shows, sum(1 for move in moves if move.state == "no-show")),
        silent=len(reminders),
        reminded=max(reminders, default=None),
        appointment=visits.standing,
        visited=visits.visited,
        reports=tuple(report for _, report in reports),
    )


def priority_of(tables: Tables, request: Resource) -> Priority:
    """Our own priority where the request has one that goes with its FHIR priority, else by the FHIR word."""
    own = tables.priorities.get(str(words.value_of(words.extension(request, words.PRIORITY)) or ""))
    said = str(request.get("priority", "routine"))
    return own if own is not None and own.fhir == said else tables.priority_of(said)


def services_of(request: Resource) -> frozenset[str]:
    """The codes of what is asked for, else its words in small letters: what makes two referrals the same (RF-08)."""
    concept = request.get("code") or {}
    codes = {f"{one.get('system', '')}|{one['code']}" for one in concept.get("coding", ()) if one.get("code")}
    name = words.text_of(concept).strip().lower()
    return frozenset(codes or ({name} if name else ()))


def _task(tasks: Sequence[Resource]) -> Resource | None:
    """The Task that counts: of those that were not withdrawn the last."""
    live = [one for one in tasks if one.get("status") not in ("cancelled", "entered-in-error")] or list(tasks)
    return max(live, key=lambda one: (str(one.get("authoredOn", "")), str(one.get("id", ""))), default=None)


def _moves(tables: Tables, task: Resource | None, zone: tzinfo) -> tuple[Move, ...]:
    """The moves that the Task tells, and the last one where somebody changed the Task without saying so."""
    if task is None:
        return ()
    told = []
    for one in words.extensions(task, words.REACHED):
        parts = words.inner(one)
        at = start_of_span(parts.get("at"), zone)
        said = str(parts.get("state", ""))
        name = said if said in tables.states else state_of(tables, {"status": said})
        if at is not None:
            told.append(Move(state=name, at=at, by=str(parts.get("by", "")), why=str(parts.get("why", ""))))
    state = state_by_words(tables, task)
    if not told or told[-1].state != state:
        at = start_of_span(task.get("lastModified") or task.get("authoredOn"), zone)
        why = words.text_of(task.get("statusReason"))
        told += [Move(state=state, at=at, why=why)] if at is not None else []
    return tuple(told)


def state_by_words(tables: Tables, task: Resource) -> str:
    """`state_of`, also where the business status has our words and no code."""
    said = task.get("businessStatus") or {}
    coded = any(coding.get("system") == STATE for coding in said.get("coding", ()))
    if not coded and said.get("text"):
        for state in tables.states.values():
            if state.says == said["text"] and state.task_status == task.get("status"):
                return state.id
    return state_of(tables, task)


@dataclass(frozen=True, kw_only=True)
class _Visits:
    seen: datetime | None = None
    next: datetime | None = None
    booked_at: datetime | None = None
    missed: datetime | None = None
    no_shows: int = 0
    standing: Resource | None = None
    visited: Resource | None = None


def _visits(found: Gathered, zone: tzinfo) -> _Visits:
    by_status: dict[str, list[tuple[datetime, Resource]]] = {}
    for one in found.appointments:
        at = start_of_span(one.get("start"), zone)
        if at is not None:
            by_status.setdefault(str(one.get("status", "")), []).append((at, one))
    done = [at for at, _ in by_status.get("fulfilled", ())]
    done += [
        at
        for one in found.encounters
        if one.get("status") == "finished" and (at := start_of_span((one.get("period") or {}).get("start"), zone))
    ]
    standing = sorted((pair for status in _STANDS for pair in by_status.get(status, ())), key=_by_time)
    made = [one for status in (*_STANDS, "fulfilled", "noshow") for _, one in by_status.get(status, ())]
    booked = [at for one in made if (at := start_of_span(one.get("created"), zone)) is not None]
    missed = [at for at, _ in by_status.get("noshow", ())]
    return _Visits(
        seen=min(done, default=None),
        next=standing[-1][0] if standing else None,
        booked_at=min(booked, default=None),
        missed=max(missed, default=None),
        no_shows=len(missed),
        standing=standing[-1][1] if standing else None,
        visited=min(by_status.get("fulfilled", ()), key=_by_time, default=(None, None))[1],
    )


def _by_time(pair: tuple[datetime, Resource]) -> tuple[datetime, str]:
    return pair[0], str(pair[1].get("id", ""))


def _reports(reports: Iterable[Resource], zone: tzinfo) -> list[tuple[datetime, Resource]]:
    """Reports that stand, the newest first."""
    found = []
    for one in reports:
        said = one.get("date") or one.get("issued") or one.get("effectiveDateTime") or one.get("effectivePeriod")
        at = start_of_span(said, zone)
        if one.get("status") in _REPORTED and at is not None:
            found.append((at, one))
    return sorted(found, key=_by_time, reverse=True)


def _state(
    tables: Tables,
    request: Resource,
    task: Resource | None,
    moves: Sequence[Move],
    visits: _Visits,
    reports: Sequence[tuple[datetime, Resource]],
) -> str:
    """The state of the Task, moved forward by what happened since."""
    name = state_by_words(tables, task) if task is not None else "draft"
    if tables.states[name].ended:
        return name
    if request.get("status") in ("revoked", "entered-in-error"):
        return name if name == "denied" else "cancelled"
    if request.get("status") == "completed" and phase(name) < phase("report-received"):
        name = "report-received"
    since = moves[-1].at if moves else None
    fact = _told_by_facts(visits, reports)
    if name == "report-incomplete":
        return "report-received" if reports and since and reports[0][0] > since else name
    if fact and phase(fact) > phase(name):
        return fact
    if visits.missed and visits.next is None and not visits.seen and name in ("accepted", "scheduled"):
        return "no-show"
    return name


def _told_by_facts(visits: _Visits, reports: Sequence[tuple[datetime, Resource]]) -> str:
    if reports:
        return "report-received"
    if visits.seen:
        return "seen"
    return "scheduled" if visits.next else ""


def _fact_time(state: str, visits: _Visits, reports: Sequence[tuple[datetime, Resource]]) -> datetime | None:
    if state == "report-received" and reports:
        return reports[0][0]
    if state == "scheduled":
        return visits.booked_at or visits.next
    return {"seen": visits.seen, "no-show": visits.missed}.get(state)


def _first(moves: Sequence[Move], states: Iterable[str]) -> datetime | None:
    wanted = frozenset(states)
    return next((move.at for move in moves if move.state in wanted), None)


def _told_seen(moves: Sequence[Move]) -> datetime | None:
    """When the Task was told that the visit took place; a state only passed on the way to another tells no day."""
    told = [move.at for move in moves if move.state == "seen"]
    passed = {move.at for move in moves if phase(move.state) > phase("seen")}
    return next((at for at in told if at not in passed), None)


def _outside_sent(task: Resource | None, zone: tzinfo) -> datetime | None:
    if task is None or task.get("status") == "draft":
        return None
    return start_of_span((task.get("executionPeriod") or {}).get("start") or task.get("authoredOn"), zone)


def _clock_start(request: Resource, authored: datetime | None, zone: tzinfo) -> date | None:
    """RF-07: the day that a redirected referral brings along, else the authored day."""
    said = words.value_of(words.extension(request, words.CLOCK_START))
    start = start_of_span(said, zone) or authored
    return start.astimezone(zone).date() if start else None


def _see_by(request: Resource, start: date | None, priority: Priority, zone: tzinfo) -> date | None:
    """The date that was set, where a changed priority has moved it, else start and days (RF-02)."""
    said = request.get("occurrencePeriod") or {}
    end = start_of_span(said.get("end"), zone)
    if end is not None:
        return end.astimezone(zone).date()
    return see_by(start, priority) if start else None


def _reminders(messages: Iterable[Resource], zone: tzinfo) -> list[datetime]:
    found = []
    for one in messages:
        codes = {
            f"{coding.get('system')}|{coding.get('code')}"
            for category in one.get("category", ())
            for coding in category.get("coding", ())
        }
        at = start_of_span(one.get("sent"), zone)
        if words.REMINDER in codes and at is not None and one.get("status") in ("completed", "in-progress"):
            found.append(at)
    return found
