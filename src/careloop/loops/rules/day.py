"""A day is finite: what fits into the minutes that a person has, what slips, and by which rule (engine.md §4). Pure.

The list keeps its order and shows everything; this only says what the minutes reach. Rules, in the order in which they
take minutes: safety first, whatever is left; then what is due today or late, in the order of the list; then what is due
later, by points for each minute. Loops of one patient that a call proves are one call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class DayRule(StrEnum):
    """Why something is, or is not, in today's plan."""

    SAFETY = "safety"
    IN_ORDER = "in-order"
    SAME_CALL = "same-call"
    BEST_USE = "best-use"
    NO_MINUTES = "no-minutes"
    NOT_DUE = "not-due"
    WAITING = "waiting"


FITS = frozenset({DayRule.SAFETY, DayRule.IN_ORDER, DayRule.SAME_CALL, DayRule.BEST_USE})


@dataclass(frozen=True, kw_only=True)
class DayItem:
    """One loop of the list. `call`: its step is done by a call to the patient."""

    loop_id: str
    patient_id: str
    minutes: int
    points: int
    due: datetime
    safety: bool
    waiting: bool
    call: bool


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An item and the rule that decided. `until_then`: minutes of the day that are used when it is done."""

    item: DayItem
    rule: DayRule
    until_then: int = 0
    with_loop: str | None = None

    @property
    def fits(self) -> bool:
        """It is in today's plan."""
        return self.rule in FITS

    @property
    def minutes(self) -> int:
        """What it takes of the day: a loop that a call covers beside another takes nothing more."""
        return 0 if self.rule == DayRule.SAME_CALL else self.item.minutes

    @property
    def worth(self) -> float:
        """Points for each minute."""
        return self.item.points / max(self.item.minutes, 1)


@dataclass(frozen=True, kw_only=True)
class DayPlan:
    """Every item of the list once, in the order of the list."""

    minutes: int
    used: int
    planned: tuple[Planned, ...]

    @property
    def fits(self) -> tuple[Planned, ...]:
        """What is done today, in the order of the list."""
        return tuple(one for one in self.planned if one.fits)

    @property
    def slips(self) -> tuple[Planned, ...]:
        """What should be done today and will not be."""
        return tuple(one for one in self.planned if one.rule == DayRule.NO_MINUTES)

    @property
    def later(self) -> tuple[Planned, ...]:
        """What waits for its day, or for somebody else."""
        return tuple(one for one in self.planned if one.rule in (DayRule.NOT_DUE, DayRule.WAITING))


def plan_day(items: Sequence[DayItem], minutes: int, tomorrow: datetime) -> DayPlan:
    """What of these, in the order of the list, `minutes` of work reach before `tomorrow`. Nothing is left out."""
    taken = _Taken(minutes)
    for item in items:
        if item.safety:
            taken.take(item, DayRule.SAFETY, always=True)
    for item in items:
        if not item.safety and not item.waiting and item.due < tomorrow:
            taken.take(item, DayRule.IN_ORDER)
    later = [item for item in items if not item.safety and not item.waiting and item.due >= tomorrow]
    for item in sorted(later, key=lambda one: -one.points / max(one.minutes, 1)):
        taken.take(item, DayRule.BEST_USE)
    return _in_order(items, taken, tomorrow)


class _Taken:
    """Minutes that are spoken for."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.used = 0
        self.found: dict[str, Planned] = {}
        self._calls: dict[str, str] = {}

    def take(self, item: DayItem, rule: DayRule, *, always: bool = False) -> None:
        """The item is in the plan if its patient is called anyway, or if its minutes are there."""
        call = self._calls.get(item.patient_id) if item.call else None
        if call is not None:
            self.found[item.loop_id] = Planned(item=item, rule=DayRule.SAME_CALL, with_loop=call)
            return
        if not always and self.used + item.minutes > self.minutes:
            return
        self.used += item.minutes
        self.found[item.loop_id] = Planned(item=item, rule=rule)
        if item.call:
            self._calls[item.patient_id] = item.loop_id


def _in_order(items: Sequence[DayItem], taken: _Taken, tomorrow: datetime) -> DayPlan:
    used, planned = 0, []
    for item in items:
        one = taken.found.get(item.loop_id) or Planned(item=item, rule=_left_out(item, tomorrow))
        used += one.minutes if one.fits else 0
        planned.append(replace(one, until_then=used if one.fits else 0))
    return DayPlan(minutes=taken.minutes, used=used, planned=tuple(planned))


def _left_out(item: DayItem, tomorrow: datetime) -> DayRule:
    if item.waiting:
        return DayRule.WAITING
    return DayRule.NO_MINUTES if item.due < tomorrow else DayRule.NOT_DUE
