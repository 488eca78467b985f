"""The line list of check-ins for the nurse: everybody who is asked, what changed, who is silent, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Row, Transaction
from careloop.errors import Conflict, NotFound
from careloop.flows import engine, home_asking, home_plans, monitoring, people
from careloop.flows.app import App
from careloop.flows.review_marks import all_reviewed
from careloop.monitoring import check_in_store
from careloop.monitoring.check_in_store import NO_WAY
from careloop.monitoring.content import Monitoring
from careloop.monitoring.model import Plan
from careloop.monitoring.rules.asking import asking_of
from careloop.monitoring.rules.check_ins import changes
from careloop.monitoring.rules.saying import plain

MOST = 300
RECENT = timedelta(hours=48)
"""A check-in of the last two days is what the list is about; older ones are history."""
_VALUES = timedelta(days=14)
_MINUS = "\u2212"
STATES: Mapping[str, str] = {
    "red": "Red",
    "yellow": "Yellow",
    "changed": "Changed",
    "call": "To ask by phone",
    "no-way": "Refuses every way",
    "missed": "No answer",
    "half": "Half answered",
    "waiting": "Not yet answered",
    "usual": "As usual",
    "paused": "Paused",
    "none": "Not asked today",
}
"""The states of a line, the most urgent first."""


@dataclass(frozen=True, kw_only=True)
class Last:
    """The newest value of what is measured first, and how it moved."""

    words: str
    at: datetime
    moved: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One patient. `changed`: question, before, now. `action` and `href` or `post`: the next thing in one press."""

    patient_id: str
    name: str
    state: str
    says: str
    programmes: tuple[str, ...]
    programme_ids: frozenset[str]
    rhythm: str
    asked: datetime | None
    answered: datetime | None
    changed: tuple[tuple[str, str, str], ...]
    said: tuple[tuple[str, str], ...]
    last: Last | None
    alert_id: str
    check_in: str
    read: bool
    action: str
    href: str
    post: str


@dataclass(frozen=True, kw_only=True)
class LineList:
    """All lines that the filters leave, the most urgent first; `counts` of all by state; `ways`: what leaves by itself
    here; `reviewed`: a clinician of the site signed the questions and what calls a nurse."""

    lines: tuple[Line, ...]
    counts: Mapping[str, int]
    total: int
    programmes: tuple[tuple[str, str], ...]
    ways: frozenset[str]
    more: bool
    reviewed: bool


def line_list(
    app: App, tx: Transaction, principal: Principal, *, state: str = "", programme: str = "", name: str = ""
) -> LineList:
    """The list of now; one audit entry for everybody on it."""
    require_action(principal, Action.WORKLIST_READ)
    require(principal, "search", "Observation")
    content, now = monitoring.content_of(app, tx), app.clock.now()
    rows = check_in_store.rows_of(tx, "lines", since=now - RECENT, limit=MOST + 1)
    ids = [row["patient_id"] for row in rows[:MOST]]
    shown = people.patients_shown(app, tx, ids, now, people.zone_of(tx))
    values = _last_values(tx, content, ids, now)
    found = [_line(content, row, shown[row["patient_id"]].name, values, now) for row in rows[:MOST]]
    order = list(STATES)
    found.sort(key=lambda one: (order.index(one.state), one.read, one.name.casefold()))
    wanted = [
        one
        for one in found
        if (not state or one.state == state or (state == "unread" and one.answered and not one.read))
        and (not programme or programme in one.programme_ids)
        and name.casefold() in one.name.casefold()
    ]
    _audit(tx, principal, [one.patient_id for one in wanted])
    known = {one for line in found for one in line.programme_ids}
    return LineList(
        lines=tuple(wanted),
        counts={one: sum(1 for line in found if line.state == one) for one in STATES},
        total=len(found),
        programmes=tuple((one.id, one.name) for one in content.programmes.values() if one.id in known),
        ways=home_asking.connected_ways(app),
        more=len(rows) > MOST,
        reviewed=all_reviewed(engine.catalog_for(app, tx), "monitoring", ("check-ins", "thresholds")),
    )


def mark_read(app: App, tx: Transaction, principal: Principal, check_in: str) -> str:
    """A clinician read what the patient said; nothing more is needed. What calls for more is an alert of its own."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "update", "DetectedIssue")
    kept = check_in_store.one(tx, check_in)
    if kept is None:
        raise NotFound("there is no such check-in")
    if kept.answered is None:
        raise Conflict("there is no answer yet")
    app.record.read(tx, principal, "Patient", kept.patient_id)
    check_in_store.execute(tx, "read", id=check_in, by=principal.reference, at=app.clock.now())
    return "Read."


def _line(content: Monitoring, row: Row, name: str, values: Mapping[str, Last], now: datetime) -> Line:
    plan = home_plans.from_json(row["plan"])
    said = check_in_store.decode_said(row["said"])
    before = check_in_store.decode_said(row["said_before"])
    changed = tuple(changes(before, said)) if before else ()
    state = _state(row, changed, now)
    rhythm = asking_of(content.check_ins).rhythms.get(plan.rhythm)
    action, href, post = _next(row, state)
    return Line(
        patient_id=row["patient_id"],
        name=name,
        state=state,
        says=_says(row, state, plan),
        programmes=tuple(content.programmes[one].name for one in sorted(plan.conditions) if one in content.programmes),
        programme_ids=plan.conditions,
        rhythm=rhythm.name if rhythm is not None else "",
        asked=row["asked"],
        answered=row["answered"],
        changed=changed,
        said=said,
        last=values.get(row["patient_id"]),
        alert_id=row["alert_id"] or "",
        check_in=row["id"] or "",
        read=row["read_at"] is not None,
        action=action,
        href=href,
        post=post,
    )


def _state(row: Row, changed: Sequence[tuple[str, str, str]], now: datetime) -> str:
    if row["tier"] in ("red", "yellow"):
        return str(row["tier"])
    if row["status"] == "onhold":
        return "paused"
    if row["state"] == "answered":
        return "changed" if (row["level"] or changed) and row["read_at"] is None else "usual"
    if row["medium"] == NO_WAY and row["state"] in ("open", "not-asked"):
        return "no-way"
    if row["state"] in ("missed", "not-asked"):
        return "missed" if row["state"] == "missed" else "call"
    if row["state"] != "open":
        return "none"
    if row["touched"] is not None:
        return "half"
    return "waiting" if row["sent"] else "call"


def _next(row: Row, state: str) -> tuple[str, str, str]:
    """The next thing, in one press: a page, or a button of the list itself."""
    path = f"/patients/{row['patient_id']}"
    if row["tier"] in ("red", "yellow"):
        return "Work on it", f"/monitoring/alerts/{row['alert_id']}", ""
    if state == "changed":
        return "Read", "", "read"
    if state == "paused":
        return "Look at the pause", f"{path}/vitals#part", ""
    if state == "no-way":
        return "Agree on a way", f"{path}/contacts", ""
    if state in ("call", "missed", "half"):
        return "Ask by phone", f"{path}/check-in", ""
    if state == "waiting" and row["reminded"] is None:
        return "Ask by phone", f"{path}/check-in", ""
    return "Open", f"{path}/vitals", ""


def _says(row: Row, state: str, plan: Plan) -> str:
    if row["alert_id"] is not None and state in ("red", "yellow"):
        return str(row["says"])
    words = {
        "paused": "Paused: nothing is expected",
        "missed": "No answer came",
        "call": "No way to send it is connected, or none works: a person asks",
        "no-way": "No way of asking is left: agree on one, or end the check-ins",
        "half": "Began to answer and stopped",
        "waiting": "A reminder was sent" if row["reminded"] else "",
        "none": "In a hospital" if plan.admitted else "",
    }
    return words.get(state, "")


def _last_values(tx: Transaction, content: Monitoring, ids: Sequence[str], now: datetime) -> dict[str, Last]:
    """The newest value of the first metric of each patient that has one, and how it moved since the one before."""
    rows = check_in_store.rows_of(tx, "last_values", patients=list(ids), since=now - _VALUES) if ids else []
    found: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        found.setdefault(row["patient_id"], {}).setdefault(row["metric"], []).append(row)
    order = [one for one in content.metrics if content.metrics[one].unit != "{score}"]
    order.sort(key=lambda one: one != "weight")
    last: dict[str, Last] = {}
    for patient_id, metrics in found.items():
        metric = next((one for one in order if one in metrics), None)
        if metric is not None:
            last[patient_id] = _last(content, metric, metrics[metric])
    return last


def _last(content: Monitoring, metric: str, rows: Sequence[Row]) -> Last:
    known = content.metrics[metric]
    value: Decimal = rows[0]["value"]
    moved = ""
    if len(rows) > 1 and (by := value - rows[1]["value"]):
        moved = f"{'+' if by > 0 else _MINUS}{plain(abs(by), known.decimals)}"
    words = f"{known.name} {plain(value, known.decimals)} {known.shown}"
    return Last(words=words, at=rows[0]["measured"], moved=moved if moved.strip(f"+{_MINUS}0.") else "")


def _audit(tx: Transaction, principal: Principal, patients: Sequence[str]) -> None:
    entry: Any = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="QuestionnaireResponse",
        patient_ids=sorted(set(patients)),
        query="check-ins of today",
    )
    record_audit(tx, entry)
