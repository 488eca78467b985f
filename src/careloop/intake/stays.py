"""A stay is a fold over its events, sorted by event time (transitions.md TR-01 to TR-10). Pure.

The same events in any order of arrival, any number of times, give the same stay. Cancelling events take the event they
cancel out of the history before the fold; what is folded are the events that stand.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from careloop.intake.model import Effect, StayEvent
from careloop.intake.timestamps import Moment, moment_from_text

AHEAD = timedelta(hours=24)
"""An event dated further ahead is kept and opens nothing until its time (interface.md §4)."""

_CANCELS: dict[Effect, tuple[Effect, ...]] = {
    Effect.CANCEL_ADMIT: (Effect.ADMIT, Effect.REGISTER),
    Effect.CANCEL_TRANSFER: (Effect.TRANSFER,),
    Effect.CANCEL_DISCHARGE: (Effect.DISCHARGE,),
    Effect.CANCEL_PREADMIT: (Effect.PREADMIT,),
    Effect.CANCEL_PENDING_DISCHARGE: (Effect.PENDING_DISCHARGE,),
}
_OPENING = (Effect.ADMIT, Effect.REGISTER, Effect.TO_INPATIENT)
_SHOWS_PRESENCE = (Effect.TRANSFER, Effect.TO_OUTPATIENT, Effect.LEAVE, Effect.RETURN, Effect.PENDING_DISCHARGE)
_SAYS_NOTHING_NEW = (Effect.CANCEL_ADMIT, Effect.CANCEL_TRANSFER, Effect.CANCEL_PREADMIT)


@dataclass(kw_only=True)
class Interval:
    """Something that held from `start` (None: unknown) until `end` (None: still)."""

    what: Any
    start: Moment | None
    end: Moment | None = None


@dataclass(kw_only=True)
class Discharge:
    """A discharge as reported. `key` is the instant of the A03 and never changes; an A08 may correct `at`."""

    key: datetime
    at: Moment
    disposition: str | None
    disposition_text: str | None
    recorded: datetime
    cancelled: Moment | None = None


@dataclass(kw_only=True)
class Stay:
    """What the events of one stay say, taken together. `unmatched` are the ids of events that found nothing to act on:
    cancels without a target, events of another person. `ahead` are ids of events whose time has not come."""

    status: str = "unknown"
    patient_id: str
    start: Moment | None = None
    end: Moment | None = None
    classes: list[Interval] = field(default_factory=list)
    locations: list[Interval] = field(default_factory=list)
    leaves: list[Interval] = field(default_factory=list)
    discharges: list[Discharge] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    last_class: str | None = None
    admit_unknown: bool = False
    pending_discharge: bool = False
    unmatched: tuple[int, ...] = ()
    ahead: tuple[int, ...] = ()


def fold(events: Iterable[StayEvent], now: datetime, zone: str) -> Stay | None:
    """The stay that `events` make at `now`; None while every one of them lies in the future. `zone` is where a time
    without an offset was meant."""
    every = _told_once(sorted(events, key=_order))
    current = [event for event in every if event.at <= now + AHEAD]
    if not current:
        return None
    patient_id, own, strangers = _of_one_person(current)
    cancelled, unmatched = _match_cancels(own)
    folding = _Folding(Stay(patient_id=patient_id), zone, cancelled)
    folding.run(own)
    folding.stay.unmatched = tuple(sorted([*unmatched, *strangers]))
    folding.stay.ahead = tuple(sorted(event.id for event in every if event.at > now + AHEAD))
    return folding.stay


def _order(event: StayEvent) -> tuple[datetime, datetime, bool, str, int]:
    """Event time, then when it was written down, cancels last (TR-05); the code before the order of receipt, so that
    events which nothing else tells apart do not depend on it."""
    return (event.at, event.recorded, event.effect in _CANCELS, event.code, event.id)


def _told_once(events: Sequence[StayEvent]) -> list[StayEvent]:
    """Each event once: the same code, time and words under another control id add nothing (TR-04)."""
    seen: set[tuple[str, datetime, str, str]] = set()
    once = []
    for event in events:
        words = repr(sorted((key, value) for key, value in event.content.items() if key != "recorded"))
        known = (event.code, event.at, event.patient_id, words)
        if known not in seen:
            seen.add(known)
            once.append(event)
    return once


def _of_one_person(events: Sequence[StayEvent]) -> tuple[str, list[StayEvent], list[int]]:
    """Whose stay it is at the end (A45 moves it), the events that belong, and the ids of those that do not."""
    owner, own, strangers = events[0].patient_id, [], []
    owners = {owner}
    for event in events:
        if event.effect is Effect.MOVE_VISIT:
            owner = event.patient_id
            owners |= {owner, event.prior_patient_id or owner}
        if event.patient_id in owners:
            own.append(event)
        else:
            strangers.append(event.id)
    return owner, own, strangers


def _match_cancels(events: Sequence[StayEvent]) -> tuple[dict[int, StayEvent], list[int]]:
    """Which event each cancel takes out (TR-06): the latest that stands, at or before the cancel's own event time."""
    cancelled: dict[int, StayEvent] = {}
    unmatched: list[int] = []
    for event in events:
        if event.effect not in _CANCELS:
            continue
        targets = [
            other
            for other in events
            if other.effect in _CANCELS[event.effect] and other.at <= event.at and other.id not in cancelled
        ]
        if targets:
            cancelled[targets[-1].id] = event
        else:
            unmatched.append(event.id)
    return cancelled, unmatched


class _Folding:
    """Walks the events in order and keeps the stay so far."""

    def __init__(self, stay: Stay, zone: str, cancelled: dict[int, StayEvent]) -> None:
        self.stay = stay
        self._zone = zone
        self._cancelled = cancelled
        self._opened = False
        self._planned = False
        self._present = False
        self._open_discharge: Discharge | None = None
        self._stated_admit: str | None = None
        self._stated_discharge: str | None = None
        self._voided_at: Moment | None = None
        self._named_place: Any = None

    def run(self, events: Sequence[StayEvent]) -> None:
        for event in self._after_the_last_void(events):
            moment = moment_from_text(event.content["at"], self._zone)
            self._take_fields(event)
            if event.id in self._cancelled:
                self._keep_cancelled(event, moment)
            else:
                self._apply(event, moment)
        self._finish()

    def _after_the_last_void(self, events: Sequence[StayEvent]) -> Sequence[StayEvent]:
        """When every opening was cancelled (A11), nothing before the cancel stands: only what came after it counts."""
        openings = [event for event in events if event.effect in (Effect.ADMIT, Effect.REGISTER)]
        if not openings or any(event.id not in self._cancelled for event in openings):
            return events
        cancel = self._cancelled[openings[-1].id]
        self._voided_at = moment_from_text(openings[0].content["at"], self._zone)
        before = [event for event in events if _order(event) <= _order(cancel)]
        for event in before:
            self._take_fields(event)
            if event.effect is Effect.DISCHARGE:
                self._cancelled.setdefault(event.id, cancel)
                self._keep_cancelled(event, moment_from_text(event.content["at"], self._zone))
            if event.effect is Effect.PREADMIT and event.id not in self._cancelled:
                self._planned = True
        return [event for event in events if _order(event) > _order(cancel)]

    def _take_fields(self, event: StayEvent) -> None:
        """Later words replace earlier ones; identifiers and diagnoses add up; a null takes the field away."""
        for name, value in event.content.get("fields", {}).items():
            if value is None:
                self.stay.fields.pop(name, None)
            elif name in ("identifier", "diagnosis", "participant") and name in self.stay.fields:
                self.stay.fields[name] = _joined(name, self.stay.fields[name], value)
            else:
                self.stay.fields[name] = value
        if event.content.get("class") and event.effect not in _SAYS_NOTHING_NEW:
            self.stay.last_class = event.content["class"]

    def _apply(self, event: StayEvent, moment: Moment) -> None:
        match event.effect:
            case Effect.ADMIT | Effect.REGISTER | Effect.TO_INPATIENT:
                self._open(event, moment)
            case Effect.TO_OUTPATIENT:
                self._withdraw_inpatient(event, moment)
            case Effect.PREADMIT:
                self._planned = True
            case Effect.TRANSFER:
                self._move(event, moment)
            case Effect.DISCHARGE:
                self._discharge(event, moment)
            case Effect.UPDATE:
                self._correct(event)
            case Effect.LEAVE:
                self.stay.leaves.append(Interval(what="leave", start=moment))
            case Effect.RETURN:
                self._return(moment)
            case Effect.PENDING_DISCHARGE:
                self.stay.pending_discharge = True
            case _:
                self._named_place = event.content.get("location") or self._named_place
        self._present = self._present or event.effect in _SHOWS_PRESENCE
        self._note_stated_times(event)

    def _open(self, event: StayEvent, moment: Moment) -> None:
        """A01, A04, A06. On a stay that is open already the class changes (A01 then acts as A06)."""
        wanted = event.content.get("class") or _DEFAULT_CLASS[event.effect]
        running = self._opened and self.stay.end is None
        if not running:
            self._opened = True
            self._end_rows(self.stay.end)
            self.stay.end = None
            self._open_discharge = None
            if self.stay.start is None:
                self.stay.start = moment
        current = self.stay.classes[-1].what if self.stay.classes else None
        keeps = running and (event.effect is Effect.REGISTER and current == "IMP")
        if current != wanted and not keeps:
            self._change_class(wanted, moment)
        elif self.stay.classes and self.stay.classes[-1].end is not None:
            self.stay.classes.append(Interval(what=wanted, start=moment))
        self._place(event, moment)

    def _change_class(self, wanted: str, moment: Moment) -> None:
        if self.stay.classes and self.stay.classes[-1].end is None:
            self.stay.classes[-1].end = moment
        self.stay.classes.append(Interval(what=wanted, start=moment))

    def _withdraw_inpatient(self, event: StayEvent, moment: Moment) -> None:
        """A07: the inpatient interval leaves the history; the new class holds from where it began."""
        wanted = event.content.get("class") or "AMB"
        began = moment
        while self.stay.classes and self.stay.classes[-1].what in ("IMP", wanted):
            began = self.stay.classes.pop().start or moment
        if self.stay.classes:
            self.stay.classes[-1].end = began
        self.stay.classes.append(Interval(what=wanted, start=began))
        self._place(event, moment)

    def _move(self, event: StayEvent, moment: Moment) -> None:
        location = event.content.get("location")
        if not location:
            return
        if self.stay.locations and self.stay.locations[-1].end is None:
            self.stay.locations[-1].end = moment
        self.stay.locations.append(Interval(what=location, start=moment))

    def _place(self, event: StayEvent, moment: Moment) -> None:
        location = event.content.get("location")
        last = self.stay.locations[-1] if self.stay.locations else None
        if location and (last is None or last.what != location):
            self._move(event, moment)

    def _discharge(self, event: StayEvent, moment: Moment) -> None:
        """A03. A second one without a cancel between corrects the first: one discharge, one key."""
        known = self._open_discharge
        disposition, text = _disposition(event)
        if known is None:
            known = Discharge(
                key=event.at, at=moment, disposition=disposition, disposition_text=text, recorded=event.recorded
            )
            self.stay.discharges.append(known)
            self._open_discharge = known
        else:
            known.at, known.recorded = moment, event.recorded
            if disposition or text:
                known.disposition, known.disposition_text = disposition, text
        self.stay.end = moment
        self.stay.pending_discharge = False
        if not self.stay.locations and event.content.get("location"):
            self.stay.locations.append(Interval(what=event.content["location"], start=None))
        self._return(moment)

    def _correct(self, event: StayEvent) -> None:
        """A08 (TR-08): never opens or closes; a changed discharge time, disposition or admit time corrects it."""
        content, discharge = event.content, self._open_discharge
        changed = content.get("discharge")
        if discharge is not None:
            if changed and changed != self._stated_discharge:
                discharge.at = moment_from_text(changed, self._zone)
                self.stay.end = discharge.at
            if content.get("disposition") or content.get("disposition_text"):
                discharge.disposition, discharge.disposition_text = _disposition(event)
        admit = content.get("admit")
        if admit and self._stated_admit and admit != self._stated_admit:
            self._correct_start(moment_from_text(admit, self._zone))
        if content.get("location") and self.stay.locations and self.stay.end is None:
            self.stay.locations[-1].what = content["location"]

    def _correct_start(self, moment: Moment) -> None:
        rows = self.stay.classes
        if rows:
            rows[-1].start = moment
            if len(rows) > 1:
                rows[-2].end = moment
        if len(rows) <= 1 and self.stay.start is not None:
            self.stay.start = moment

    def _return(self, moment: Moment) -> None:
        if self.stay.leaves and self.stay.leaves[-1].end is None:
            self.stay.leaves[-1].end = moment

    def _note_stated_times(self, event: StayEvent) -> None:
        self._stated_admit = event.content.get("admit") or self._stated_admit
        self._stated_discharge = event.content.get("discharge") or self._stated_discharge

    def _keep_cancelled(self, event: StayEvent, moment: Moment) -> None:
        """A cancelled discharge stays in the history, marked; other cancelled events leave no trace in the stay."""
        if event.effect is not Effect.DISCHARGE:
            return
        cancel = self._cancelled[event.id]
        when = moment_from_text(cancel.content["at"], self._zone)
        if cancel.at <= event.at:
            when = moment_from_text(cancel.content.get("recorded") or cancel.content["at"], self._zone)
        disposition, text = _disposition(event)
        self.stay.discharges.append(
            Discharge(
                key=event.at, at=moment, disposition=disposition, disposition_text=text, recorded=event.recorded,
                cancelled=when,
            )
        )  # fmt: skip

    def _finish(self) -> None:
        stay = self.stay
        stay.status = self._status()
        if stay.status == "entered-in-error":
            stay.start = self._voided_at
        if stay.status in ("in-progress", "onleave", "finished") and stay.start is None:
            stay.start = moment_from_text(self._stated_admit, self._zone) if self._stated_admit else None
            stay.admit_unknown = stay.start is None
        if stay.status in ("planned", "unknown") and self._stated_admit:
            stay.start = moment_from_text(self._stated_admit, self._zone)
        if not stay.classes and stay.last_class and stay.status in ("in-progress", "onleave", "finished"):
            stay.classes.append(Interval(what=stay.last_class, start=stay.start))
        if stay.status == "unknown" and not stay.locations and self._named_place:
            stay.locations = [Interval(what=self._named_place, start=None)]
        self._end_rows(stay.end)
        standing = {one.key for one in stay.discharges if one.cancelled is None}
        kept = {one.key: one for one in stay.discharges if one.cancelled is None or one.key not in standing}
        stay.discharges = sorted(kept.values(), key=lambda one: one.key)

    def _end_rows(self, moment: Moment | None) -> None:
        for rows in (self.stay.classes, self.stay.locations):
            if rows and rows[-1].end is None:
                rows[-1].end = moment

    def _status(self) -> str:
        stay = self.stay
        if stay.end is not None:
            return "finished"
        if self._opened or self._present:
            away = bool(stay.leaves) and stay.leaves[-1].end is None
            return "onleave" if away else "in-progress"
        if self._planned:
            return "planned"
        if self._voided_at is not None:
            return "entered-in-error"
        return "cancelled" if self._was_planned else "unknown"

    @property
    def _was_planned(self) -> bool:
        return any(cancel.effect is Effect.CANCEL_PREADMIT for cancel in self._cancelled.values())


_DEFAULT_CLASS = {Effect.ADMIT: "IMP", Effect.REGISTER: "AMB", Effect.TO_INPATIENT: "IMP"}


def _disposition(event: StayEvent) -> tuple[str | None, str | None]:
    return event.content.get("disposition"), event.content.get("disposition_text")


def _joined(name: str, earlier: list[Any], later: list[Any]) -> list[Any]:
    """Lists that add up: what is told again replaces what it tells again, in a fixed order."""
    if name == "participant":
        told = [entry.get("type") for entry in later]
        return [entry for entry in earlier if entry.get("type") not in told] + later
    seen = {_identity(entry): entry for entry in [*earlier, *later]}
    return list(seen.values())


def _identity(entry: dict[str, Any]) -> str:
    return str(entry.get("condition") or (entry.get("system"), entry.get("value")))
