"""The half-page of a clinician: seven days of coordination for their patients, from loops, for nobody else's eyes.

Their patients are those whose care team names them, and those whose physician they are. Features row 76.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Role
from careloop.access.policy import Action, require_action
from careloop.db import Row, Transaction
from careloop.engagement import minutes, weekly
from careloop.errors import NotPermitted, Rejected
from careloop.flows import engine, people, questions
from careloop.flows.app import App
from careloop.loops import weekly as weeks
from careloop.teams import store as teams

DAYS = 7
DECISIONS = 2
"""Decisions wanted on the page at most; more stand on My questions."""

CLINICIANS = frozenset({Role.PHYSICIAN, Role.NURSE})
_MOST_LATE = 50
WEEKDAYS = ("Never", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One loop of the list behind a count."""

    loop_id: str
    patient_id: str
    patient_name: str
    says: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Closed:
    """What of one kind was closed: by proof, and without it, apart."""

    title: str
    proven: int
    unproven: int
    lines: Sequence[Line]


@dataclass(frozen=True, kw_only=True)
class Week:
    """The page. `weekday` is on which day its link is sent, 0 for never."""

    name: str
    first: date
    last: date
    patients: int
    closed: Sequence[Closed]
    minutes: int
    calls: int
    open_loops: int
    open_late: int
    decisions: Sequence[questions.Question]
    more_decisions: int
    late: Sequence[Line]
    weekday: int

    @property
    def proven(self) -> int:
        """Loops that closed by proof."""
        return sum(one.proven for one in self.closed)

    @property
    def unproven(self) -> int:
        """Loops that closed without."""
        return sum(one.unproven for one in self.closed)


def week(app: App, tx: Transaction, principal: Principal) -> Week:
    """The last seven days of the signed-in clinician, today among them. Audited as one search."""
    require_clinician(principal)
    app = engine.at_practice(app, tx)
    zone, now = people.zone_of(tx), app.clock.now()
    last = now.astimezone(zone).date()
    first = last - timedelta(days=DAYS - 1)
    since = datetime.combine(first, time(), zone)
    patients = patients_of(app, tx, principal.reference)
    closed = weeks.closed_between(tx, patients, since, now)
    late = weeks.late_steps(tx, principal.reference, now, _MOST_LATE)
    waiting = questions.of_person(app, tx, principal).waiting
    shown = sorted({row["patient_id"] for row in (*closed, *late)})
    names = {key: one.name for key, one in people.patients_shown(app, tx, shown, now, zone).items()}
    spent, calls = minutes.for_patients(tx, patients, since, now)
    total, open_late = weeks.open_counts(tx, patients, now)
    _audit(tx, principal, shown)
    return Week(
        name=principal.name,
        first=first,
        last=last,
        patients=len(patients),
        closed=_closed(app, closed, names),
        minutes=spent,
        calls=calls,
        open_loops=total,
        open_late=open_late,
        decisions=waiting[:DECISIONS],
        more_decisions=max(0, len(waiting) - DECISIONS),
        late=[_late(app, row, names) for row in late],
        weekday=weekday_of(tx, principal.reference, principal.roles),
    )


def patients_of(app: App, tx: Transaction, reference: str) -> list[str]:
    """Whose care team names this person now, and whose physician they are."""
    mine = app.record.follow(tx, "Patient", [("general-practitioner", reference)])
    found = {one.id for one in mine if one.resource.get("active", True)}
    named = teams.teams_of_member(tx, reference.removeprefix("Practitioner/"))
    return sorted(found | {patient for _, patient in named})


def choose_day(tx: Transaction, principal: Principal, weekday: int) -> str:
    """The link comes on this day of the week from now on."""
    require_clinician(principal)
    if not 0 <= weekday < len(WEEKDAYS):
        raise Rejected(at="weekday", expected="a day of the week, or never", code="value")
    weekly.save(tx, principal.reference, weekday)
    return "No e-mail from now on." if weekday == 0 else f"The link comes every {WEEKDAYS[weekday]}."


def weekday_of(tx: Transaction, reference: str, roles: frozenset[Role]) -> int:
    """The day that the person chose; physicians Friday, others never where they did not."""
    default = weekly.DEFAULT if Role.PHYSICIAN in roles else 0
    return weekly.chosen(tx, [reference]).get(reference, default)


def require_clinician(principal: Principal) -> None:
    """Nothing happens for a clinician with an account of their own."""
    require_action(principal, Action.WORKLIST_READ)
    if not principal.roles & CLINICIANS or not principal.practitioner_id:
        raise NotPermitted("this page is for physicians and nurses, each their own")


def _closed(app: App, rows: Sequence[Row], names: Mapping[str, str]) -> list[Closed]:
    """By kind, the kind with most first."""
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(row["pathway"], []).append(row)
    found = [
        Closed(
            title=engine.title(app.catalog, pathway, ""),
            proven=sum(row["status"] == "completed" for row in mine),
            unproven=sum(row["status"] != "completed" for row in mine),
            lines=[_line(row, names) for row in mine],
        )
        for pathway, mine in kinds.items()
    ]
    return sorted(found, key=lambda one: (-len(one.lines), one.title))


def _line(row: Row, names: Mapping[str, str]) -> Line:
    reason = str(row["closure_note"] or row["closure_reason"] or "no reason").replace("-", " ")
    says = "by proof" if row["status"] == "completed" else f"without proof: {reason}"
    return Line(
        loop_id=row["loop_id"],
        patient_id=row["patient_id"],
        patient_name=names.get(row["patient_id"], ""),
        says=says,
        at=row["closed"],
    )


def _late(app: App, row: Row, names: Mapping[str, str]) -> Line:
    pathway = engine.title(app.catalog, row["pathway"], "")
    step = engine.title(app.catalog, row["pathway"], row["step_id"])
    return Line(
        loop_id=row["loop_id"],
        patient_id=row["patient_id"],
        patient_name=names.get(row["patient_id"], ""),
        says=f"{pathway}: {step}",
        at=row["due"],
    )


def _audit(tx: Transaction, principal: Principal, patients: Sequence[str]) -> None:
    entry = AuditEntry(
        principal=principal, action="E", subtype="search", resource_type="Task", patient_ids=patients, query="my week"
    )
    record_audit(tx, entry)
