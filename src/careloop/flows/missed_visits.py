"""Missed and cancelled visits: whom to ask why, what is being done about it, and whether that helps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.flows import booking, diary_pages, people
from careloop.flows.app import App
from careloop.record import Stored
from careloop.scheduling.content import visits_of
from careloop.scheduling.rules.taking import window_of

MISSED_DAYS = 90
_MOST = 500


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """How often one reason, how often its fix was done, and who came to the next visit after a fix and without."""

    words: str
    fix: str
    times: int
    fixed: int
    came_after_fix: int
    next_after_fix: int
    came_without: int
    next_without: int


@dataclass(frozen=True, kw_only=True)
class MissedPage:
    """Missed and cancelled visits of the last days: whose reason is not known yet, what is being done, what helps."""

    unasked: tuple[diary_pages.VisitLine, ...]
    open_fixes: tuple[tuple[diary_pages.FixLine, str], ...]
    rows: tuple[ReasonRow, ...]
    total: int
    days: int = MISSED_DAYS
    late: int = field(default=0)


def missed_page(app: App, tx: Transaction, principal: Principal) -> MissedPage:
    """What was missed, and what is done about it. Audited as a search."""
    require(principal, "search", "Appointment")
    now, zone = app.clock.now(), people.zone_of(tx)
    since = (now - timedelta(days=MISSED_DAYS)).date().isoformat()
    asked = [("status", "noshow,cancelled"), ("date", f"ge{since}"), ("_count", str(_MOST)), ("_sort", "-date")]
    found = [one for one in app.record.search(tx, principal, "Appointment", asked, now).entries if one.patient_id]
    patient_ids = sorted({str(one.patient_id) for one in found})
    chart = app.record.of_patients(tx, patient_ids, ["Appointment", "Task"])
    patients = people.patients_shown(app, tx, patient_ids, now, zone)
    names = people.Names(tx)
    fixes = [
        one for ones in chart.values() for one in ones if one.resource_type == "Task" and booking.is_fix(one.resource)
    ]
    unasked = [
        one for one in found if one.resource.get("status") == "noshow" and diary_pages.reason_of(app, one) is None
    ]
    standing = [
        diary_pages.fix_line(one, names) for one in fixes if one.resource.get("status") in ("requested", "in-progress")
    ]
    standing.sort(key=lambda one: (one.due or now, one.task_id))
    return MissedPage(
        unasked=tuple(diary_pages.line_of(app, one, patients[str(one.patient_id)]) for one in unasked),
        open_fixes=tuple((one, patients[one.patient_id].name) for one in standing),
        rows=tuple(_rows(app, found, fixes, chart)),
        total=len(found),
        late=sum(1 for one in standing if one.due and one.due < now),
    )


def _rows(
    app: App, found: Sequence[Stored], fixes: Sequence[Stored], chart: Mapping[str, Sequence[Stored]]
) -> list[ReasonRow]:
    """By reason, the most frequent first. The next visit is the first later one whose outcome is known."""
    done = {
        str((one.resource.get("focus") or {}).get("reference", ""))
        for one in fixes
        if one.resource.get("status") == "completed"
    }
    times, fixed = Counter[str](), Counter[str]()
    came: Counter[tuple[str, bool]] = Counter()
    nexts: Counter[tuple[str, bool]] = Counter()
    for one in found:
        reason = diary_pages.reason_of(app, one)
        if reason is None or reason.side == "nobody":
            continue
        was_fixed = one.reference in done
        times[reason.id] += 1
        fixed[reason.id] += was_fixed
        outcome = _next_outcome(one, chart.get(str(one.patient_id), ()))
        if outcome is not None:
            nexts[(reason.id, was_fixed)] += 1
            came[(reason.id, was_fixed)] += outcome
    reasons = visits_of(app.catalog).reasons
    return [
        ReasonRow(
            words=reasons[key].words,
            fix=reasons[key].fix,
            times=count,
            fixed=fixed[key],
            came_after_fix=came[(key, True)],
            next_after_fix=nexts[(key, True)],
            came_without=came[(key, False)],
            next_without=nexts[(key, False)],
        )
        for key, count in times.most_common()
    ]


def _next_outcome(missed_one: Stored, mine: Sequence[Stored]) -> bool | None:
    """True where the patient came to the next visit, False where not, None where there was none yet."""
    start = window_of(missed_one.resource.get("start"), None, 1)
    later = []
    for one in mine:
        window = window_of(one.resource.get("start"), None, 1) if one.resource_type == "Appointment" else None
        known = one.resource.get("status") in ("arrived", "checked-in", "fulfilled", "noshow")
        if window and start and known and window.start > start.start:
            later.append((window.start, one.resource.get("status") != "noshow"))
    return min(later)[1] if later else None
