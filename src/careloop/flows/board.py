"""The transitions board: who is in hospital, and where each person stands between discharge and day 30 (ui.md §7.4)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.flows import people
from careloop.flows.app import App
from careloop.flows.people import PatientShown
from careloop.flows.stay_words import StayWords, stay_words
from careloop.flows.timeline import instant_of
from careloop.flows.worklist_rows import segments_of
from careloop.flows.worklist_values import BoardCard, BoardColumn, TransitionsBoard
from careloop.loops import worklist as lists
from careloop.loops.model import ClockState, Tier
from careloop.loops.rules.rank import next_step

__all__ = ["BoardCard", "BoardColumn", "TransitionsBoard", "board"]

IN_HOSPITAL = "in-hospital"
COLUMNS = (
    ("call-due", "Home, call due"),
    ("medicines-due", "Called, medicines due"),
    ("visit-due", "Visit due"),
    ("day-30-watch", "Day 30 watch"),
)
"""Keys as in `board` of the pathway files, in the order of care."""

CARDS = 30
ALL_CARDS = 1000
_STAYS = (("status", "in-progress,onleave"), ("class", "IMP,ACUTE,NONAC,OBSENC"))


def board(app: App, tx: Transaction, principal: Principal, *, full: bool = False) -> TransitionsBoard:
    """The first cards of each column, shortest clock first, or with `full` as many as a table holds. One audit entry
    for the search of stays, one for the loops."""
    require_action(principal, Action.WORKLIST_READ)
    now, zone = app.clock.now(), people.zone_of(tx)
    limit = ALL_CARDS if full else CARDS
    totals = lists.board_totals(tx, now)
    in_hospital, last_notice = _in_hospital(app, tx, principal, now, zone, limit)
    columns = [_column(app, tx, key, title, totals.get(key, (0, 0)), now, zone, limit) for key, title in COLUMNS]
    patients = sorted({card.patient_id for column in columns for card in column.cards})
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Task",
            patient_ids=patients,
            query="transitions board",
        ),
    )
    return TransitionsBoard(columns=(in_hospital, *columns), last_notice=last_notice)


def _column(
    app: App,
    tx: Transaction,
    key: str,
    title: str,
    totals: tuple[int, int],
    now: datetime,
    zone: ZoneInfo,
    limit: int,
) -> BoardColumn:
    ids = lists.board_column(tx, key, limit)
    loops = lists.shown(tx, ids)
    patients = people.patients_shown(app, tx, [loop.patient_id for loop in loops.values()], now, zone)
    found = app.record.fetch(tx, sorted({loop.state.focus for loop in loops.values()}))
    stays = stay_words(app, tx, {reference: stored.resource for reference, stored in found.items()})
    cards = tuple(
        _card(loop, patients[loop.patient_id], stays.get(loop.state.focus), now, zone)
        for loop in (loops[loop_id] for loop_id in ids)
    )
    return BoardColumn(key=key, title=title, total=totals[0], late=totals[1], cards=cards)


def _card(loop: lists.Shown, patient: PatientShown, stay: StayWords | None, now: datetime, zone: ZoneInfo) -> BoardCard:
    state = loop.state
    step = next_step(state)
    clock = step.clock if step else state.clock
    late = step is not None and step.due < now and clock != ClockState.WAITING
    return BoardCard(
        loop_id=loop.id,
        patient_id=loop.patient_id,
        patient_name=patient.name,
        place_line=_joined(
            stay.hospital if stay else "", f"home {_days(state.opened, now, zone)}", stay.reason if stay else ""
        ),
        status_line=f"Watch until {_day(state.watch_until or state.deadline, zone)}",
        due=step.due if step else None,
        clock=ClockState.OVERDUE if late else clock,
        risk="High risk" if state.tier == Tier.HIGH else "",
        language=_language(patient),
        segments=segments_of(state),
    )


def _in_hospital(
    app: App, tx: Transaction, principal: Principal, now: datetime, zone: ZoneInfo, limit: int
) -> tuple[BoardColumn, datetime | None]:
    """Open inpatient and observation stays, newest first, and when the last notice about a stay came in."""
    asked = [*_STAYS, ("_sort", "-date"), ("_count", str(limit)), ("_total", "accurate")]
    found = app.record.search(tx, principal, "Encounter", asked, now)
    stays = [stored for stored in found.entries if stored.patient_id]
    patients = people.patients_shown(app, tx, [str(stored.patient_id) for stored in stays], now, zone)
    told = stay_words(app, tx, {stored.reference: stored.resource for stored in stays})
    cards = tuple(
        _stay_card(
            stored.resource, str(stored.patient_id), patients[str(stored.patient_id)], told[stored.reference], now, zone
        )
        for stored in stays
    )
    column = BoardColumn(key=IN_HOSPITAL, title="In hospital", total=found.total or len(cards), late=0, cards=cards)
    return column, max((stored.last_updated for stored in stays), default=None)


def _stay_card(
    stay: Mapping[str, Any], patient_id: str, patient: PatientShown, told: StayWords, now: datetime, zone: ZoneInfo
) -> BoardCard:
    start = instant_of((stay.get("period") or {}).get("start"))
    return BoardCard(
        loop_id=None,
        patient_id=patient_id,
        patient_name=patient.name,
        place_line=_joined(told.hospital, told.bed, told.reason) or "Place not known",
        status_line=f"In hospital {_days(start, now, zone)}" if start else "In hospital, admission time not known",
        due=None,
        clock=ClockState.ON_TIME,
        risk="",
        language=_language(patient),
        segments=(),
    )


def _joined(*parts: str) -> str:
    """`Mercy General, home 3 days, COPD`: what is known, the first letter large."""
    line = ", ".join(part for part in parts if part)
    return line[:1].upper() + line[1:]


def _language(patient: PatientShown) -> str:
    if patient.interpreter:
        return f"{patient.language or 'Interpreter'}, interpreter" if patient.language else "Interpreter"
    return patient.language


def _days(since: datetime, now: datetime, zone: ZoneInfo) -> str:
    """In whole days of the calendar, as people count them."""
    days = (now.astimezone(zone).date() - since.astimezone(zone).date()) // timedelta(days=1)
    return "since today" if days <= 0 else "1 day" if days == 1 else f"{days} days"


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}"
