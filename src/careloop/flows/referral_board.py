"""The referral board: where each referral stands between asking and reading, which clinics answer (ui.md §7.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.flows import people, referral_rows
from careloop.flows.app import App
from careloop.flows.people import PatientShown
from careloop.flows.worklist_rows import segments_of
from careloop.loops import referrals
from careloop.loops import worklist as lists
from careloop.loops.model import ClockState
from careloop.loops.referrals import Card, ClinicRecord
from careloop.loops.rules.referrals.states import phase
from careloop.loops.rules.referrals.timing import Wait, Waits, waits

COLUMNS = (
    ("to-send", "To send"),
    ("no-answer", "No answer yet"),
    ("accepted", "Accepted"),
    ("booked", "Booked"),
    ("seen", "Seen, no report"),
    ("report", "Report to read"),
)
CARDS, ALL_CARDS = 20, 500
_RECORD = timedelta(days=365)
_MONTH = timedelta(days=30)
_STEPS = 6


@dataclass(frozen=True, kw_only=True)
class ReferralCard:
    """One referral on the board. `silent` reminders stayed without answer; `may_remind` where a clinic is awaited."""

    request_id: str
    patient_id: str
    patient_name: str
    line: str
    due: datetime | None
    clock: ClockState
    silent: int
    language: str
    warning: str
    segments: tuple[bool, ...]
    may_remind: bool
    suggest_other: bool


@dataclass(frozen=True, kw_only=True)
class ReferralColumn:
    """One stage. `total` counts cards that are left out too."""

    key: str
    title: str
    total: int
    late: int
    cards: tuple[ReferralCard, ...]


@dataclass(frozen=True, kw_only=True)
class ReferralBoard:
    """The board. `silent` referrals can be reminded of in one press; `answer_days` is the median of the last month."""

    columns: tuple[ReferralColumn, ...]
    silent: int
    answer_days: float | None
    clinics: Sequence[ClinicRecord]


def board(app: App, tx: Transaction, principal: Principal, *, full: bool = False) -> ReferralBoard:
    """The first cards of each column, the shortest clock first. One entry in the trail for those who were shown."""
    require_action(principal, Action.WORKLIST_READ)
    now, zone = app.clock.now(), people.zone_of(tx)
    totals = referrals.columns(tx, now)
    found = {key: referrals.cards(tx, key, ALL_CARDS if full else CARDS) for key, _ in COLUMNS}
    cards = _Cards(app, tx, [card for some in found.values() for card in some], now, zone)
    columns = tuple(
        ReferralColumn(
            key=key,
            title=title,
            total=totals.get(key, (0, 0))[0],
            late=totals.get(key, (0, 0))[1],
            cards=tuple(cards.shown(card, key) for card in found[key]),
        )
        for key, title in COLUMNS
    )
    _note(tx, principal, sorted({card.patient_id for some in found.values() for card in some}), "referral board")
    seconds = referrals.median_answer_seconds(tx, now - _MONTH)
    return ReferralBoard(
        columns=columns,
        silent=len(referrals.silent(tx, now, ALL_CARDS)),
        answer_days=None if seconds is None else seconds / 86400,
        clinics=referrals.clinics(tx, now - _RECORD, str(zone), limit=12),
    )


def _note(tx: Transaction, principal: Principal, patients: Sequence[str], query: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype="search",
        resource_type="ServiceRequest",
        patient_ids=patients,
        query=query,
    )
    record_audit(tx, entry)


class _Cards:
    """Names and rings of many cards, read at once."""

    def __init__(self, app: App, tx: Transaction, cards: Sequence[Card], now: datetime, zone: ZoneInfo) -> None:
        self._now, self._zone = now, zone
        self._most = referral_rows.tables_of(app).silent_reminders
        self._patients: Mapping[str, PatientShown] = people.patients_shown(
            app, tx, [card.patient_id for card in cards], now, zone
        )
        self._loops = lists.shown(tx, [card.loop_id for card in cards if card.loop_id])

    def shown(self, card: Card, column: str) -> ReferralCard:
        """The card as it is drawn."""
        patient, loop = self._patients[card.patient_id], self._loops.get(card.loop_id or "")
        done = phase(card.state)
        return ReferralCard(
            request_id=card.request_id,
            patient_id=card.patient_id,
            patient_name=patient.name,
            line=_line(card, self._now, self._zone),
            due=card.due,
            clock=_clock(card, column, self._now, self._zone),
            silent=card.silent,
            language=patient.language,
            warning=_WARNINGS.get(card.state, ""),
            segments=segments_of(loop.state) if loop else tuple(step < done for step in range(_STEPS)),
            may_remind=column in referrals.AWAITING and bool(card.clinic or card.clinic_name),
            suggest_other=column == "no-answer" and card.silent >= self._most,
        )


_WARNINGS: Mapping[str, str] = {
    "undeliverable": "Not delivered",
    "declined": "Clinic said no",
    "denied": "Payer said no",
    "pending-authorization": "Waiting for approval",
    "more-info-needed": "They need more",
    "unable-to-reach": "Cannot reach patient",
    "no-show": "Did not come",
    "cancelled-by-office": "Needs a new date",
    "cancelled-by-patient": "Needs a new date",
    "report-incomplete": "Report not whole",
    "co-management": "Shared care",
}


def _clock(card: Card, column: str, now: datetime, zone: ZoneInfo) -> ClockState:
    if card.due is None:
        return ClockState.ON_TIME
    if column == "booked" and card.visit_on is not None and card.visit_on > now:
        return ClockState.WAITING
    if card.due < now:
        return ClockState.OVERDUE
    return (
        ClockState.DUE_SOON if card.due.astimezone(zone).date() == now.astimezone(zone).date() else ClockState.ON_TIME
    )


def _line(card: Card, now: datetime, zone: ZoneInfo) -> str:
    """`Valley Eye, sent 16 days ago`: where, and the last thing that happened."""
    where = card.clinic_name or "no clinic chosen"
    if card.visit_on is not None and card.state == "scheduled":
        return f"{card.service}, {where}, {_day(card.visit_on, zone)}"
    if card.reported is not None:
        return f"{card.service}, report here since {_day(card.reported, zone)}"
    if card.seen is not None:
        return f"{card.service}, {where}, seen {ago(card.seen, now, zone)}"
    if card.sent is not None:
        return f"{card.service}, {where}, sent {ago(card.sent, now, zone)}"
    return f"{card.service}, {where}" if card.clinic_name else f"{card.service}. {where}"


def ago(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Whole days of the calendar, as people count them."""
    days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days
    return "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%b}"


@dataclass(frozen=True, kw_only=True)
class WaitGroup:
    """Time to specialist of one group (RF-03)."""

    name: str
    waits: Waits
    unknown: int


@dataclass(frozen=True, kw_only=True)
class WaitReport:
    """Time to specialist over referrals whose patients began to wait from `first` to `last`, in all and by group."""

    first: date
    last: date
    whole: WaitGroup
    groups: Mapping[str, tuple[WaitGroup, ...]]


_GROUPED = (
    ("By specialty", "service"),
    ("By clinic", "clinic_name"),
    ("By insurance", "payer"),
    ("By language", "language"),
)
_UNKNOWN = "Not known"


def wait_report(app: App, tx: Transaction, principal: Principal, days: int = 180) -> WaitReport:
    """The waiting times of the last `days` days. A visit whose day nobody knows is counted apart, never as 0."""
    require_action(principal, Action.WORKLIST_READ)
    zone = people.zone_of(tx)
    last = app.clock.now().astimezone(zone).date()
    rows = referrals.times(tx, last - timedelta(days=days), last)
    groups = {}
    for title, field in _GROUPED:
        names = sorted({str(row[field]) for row in rows}, key=str.lower)
        some = [_group(name or _UNKNOWN, [row for row in rows if row[field] == name], last, zone) for name in names]
        groups[title] = tuple(sorted(some, key=lambda group: -(group.waits.completed + len(group.waits.waiting))))
    return WaitReport(
        first=last - timedelta(days=days), last=last, whole=_group("All referrals", rows, last, zone), groups=groups
    )


def _group(name: str, rows: Sequence[Mapping[str, object]], today: date, zone: ZoneInfo) -> WaitGroup:
    unknown = [row for row in rows if row["seen"] is None and row["reported"] is not None]
    known = [_wait(row, zone) for row in rows if row not in unknown]
    return WaitGroup(name=name, waits=waits(known, today), unknown=len(unknown))


def _wait(row: Mapping[str, object], zone: ZoneInfo) -> Wait:
    start, by = row["clock_start"], row["see_by"]
    assert isinstance(start, date)
    return Wait(
        authored=start,
        see_by=by if isinstance(by, date) else start + timedelta(days=30),
        seen=_date(row["seen"], zone),
        ended=_date(row["ended"], zone),
        booked=_date(row["scheduled"], zone),
        reported=_date(row["reported"], zone),
    )


def _date(at: object, zone: ZoneInfo) -> date | None:
    return at.astimezone(zone).date() if isinstance(at, datetime) else None
