"""Stays that belong together: transfers between hospitals, and the emergency visit before an admission.

TR-52: a next acute admission on the same or the next date, with evidence of a transfer, is one stay. TR-51: back at the
same hospital on the same day for the same principal diagnosis is one stay. TR-58: an
emergency visit that became an admission within 24 hours at the same site is part of that stay.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.fhir.dates import BEGINNING, END
from careloop.loops.facts.model import Fact, PatientFacts, Stay
from careloop.loops.rules.calendar import local_date
from careloop.loops.rules.opening import EMERGENCY, INPATIENT, same_site
from careloop.loops.rules.pathways import Disposition

HOSPITAL = INPATIENT | {"OBSENC"}
TRANSFER_SOURCES = frozenset({"hosp-trans", "4"})
_ADMITTED_WITHIN = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One stay as the patient lived it, in order. `before` is the emergency visit that led to it, if separate."""

    stays: tuple[Stay, ...]
    before: tuple[Stay, ...] = ()
    left: datetime | None = None

    @property
    def first(self) -> Stay:
        """Where it began."""
        return self.stays[0]

    @property
    def last(self) -> Stay:
        """Where the patient left from; outcomes are its own (TR-52)."""
        return self.stays[-1]

    @property
    def arrived(self) -> datetime | None:
        """The first arrival, the emergency department included; None when unknown."""
        starts = [stay.start for stay in (*self.before, self.first)]
        return None if self.first.admit_unknown else min((start for start in starts if start), default=None)

    @property
    def admitted(self) -> datetime | None:
        """When the first hospital admitted the patient; None when unknown (TR-07)."""
        if self.first.admit_unknown:
            return None
        return self.first.started_as(HOSPITAL) or self.first.start

    @property
    def ids(self) -> frozenset[str]:
        """Encounter ids of everything that belongs to it."""
        return frozenset(stay.id for stay in (*self.before, *self.stays))

    @property
    def things(self) -> frozenset[str]:
        """`Encounter/id` of everything that belongs to it."""
        return frozenset(stay.thing for stay in (*self.before, *self.stays))

    @property
    def references(self) -> tuple[str, ...]:
        """Versioned references of its stays."""
        return tuple(stay.reference for stay in self.stays)

    def holds(self, fact: Fact) -> bool:
        """True when the fact happened during this stay, or names it."""
        if not fact.ties.isdisjoint(self.things):
            return True
        return self.arrived is not None and self.left is not None and self.arrived <= fact.at <= self.left


class NearbyStays:
    """The stays of one patient by when they began and ended, so that a chain looks at those alone that can belong to
    it. Always in the order of `standing_stays`."""

    def __init__(self, facts: PatientFacts) -> None:
        self._began: dict[int, list[Stay]] = {}
        self._left: dict[int, list[Stay]] = {}
        visits: list[tuple[datetime, datetime, int, Stay]] = []
        for place, stay in enumerate(facts.standing_stays):
            began, left = stay.started_as(INPATIENT), stay.end
            if began is not None:
                self._began.setdefault(_day(began, facts.zone), []).append(stay)
            if left is not None:
                self._left.setdefault(_day(left, facts.zone), []).append(stay)
            if stay.last_class in EMERGENCY and stay.start is not None and left is not None:
                visits.append((left, stay.start, place, stay))
        self._visits = sorted(visits, key=lambda visit: visit[:3])
        self._earliest = _earliest_from_here([start for _, start, _, _ in self._visits])
        self._zone = facts.zone

    def left_before(self, stay: Stay) -> Sequence[Stay]:
        """Those that ended on the date that `stay` began or the one before."""
        began = stay.started_as(INPATIENT)
        if began is None:
            return ()
        day = _day(began, self._zone)
        return [*self._left.get(day - 1, ()), *self._left.get(day, ())]

    def began_after(self, stay: Stay) -> Sequence[Stay]:
        """Those that began on the date that `stay` ended or the next."""
        left = stay.end
        if left is None:
            return ()
        day = _day(left, self._zone)
        return [*self._began.get(day, ()), *self._began.get(day + 1, ())]

    def visits_before(self, began: datetime) -> Sequence[Stay]:
        """Emergency visits that began no later, and went on until then or ended within the limit."""
        found = []
        place = bisect_left(self._visits, True, key=lambda visit: began - visit[0] <= _ADMITTED_WITHIN)
        while place < len(self._visits) and self._earliest[place] <= began:
            found.append(self._visits[place])
            place += 1
        return [visit[3] for visit in sorted(found, key=lambda visit: visit[2])]


def _day(instant: datetime, zone: str) -> int:
    """The date where the patient lives, as a number: there is one before the first and after the last."""
    return local_date(instant, zone).toordinal()


def _earliest_from_here(starts: Sequence[datetime]) -> list[datetime]:
    """At each place the earliest of the starts from there on: where it is too late, all that follow are."""
    found = list(starts)
    for place in range(len(found) - 2, -1, -1):
        found[place] = min(found[place], found[place + 1])
    return found


class _EveryStay:
    """The same questions, answered with everything: as quick for one chain, and what `NearbyStays` is held against."""

    def __init__(self, facts: PatientFacts) -> None:
        self._stays = facts.standing_stays

    def left_before(self, stay: Stay) -> Sequence[Stay]:
        """Every stay."""
        return self._stays

    def began_after(self, stay: Stay) -> Sequence[Stay]:
        """Every stay."""
        return self._stays

    def visits_before(self, began: datetime) -> Sequence[Stay]:
        """Every stay."""
        return self._stays


def chain_of(
    stay: Stay, facts: PatientFacts, dispositions: Mapping[str, Disposition], near: NearbyStays | None = None
) -> Chain:
    """The stay with the transfers and the emergency visit that led to it, ending with `stay`."""
    asked = near or _EveryStay(facts)
    stays, seen = [stay], {stay.id}
    while (
        earlier := _transferred_from(stays[0], asked.left_before(stays[0]), facts.zone, dispositions, seen)
    ) is not None:
        stays.insert(0, earlier)
        seen.add(earlier.id)
    return Chain(stays=tuple(stays), before=_emergency_before(stays[0], asked, seen), left=stay.end)


def chain_around(
    stay: Stay, facts: PatientFacts, dispositions: Mapping[str, Disposition], near: NearbyStays | None = None
) -> Chain:
    """The whole chain that `stay` belongs to, with the transfers that follow it. Whoever asks for many chains of one
    patient gives the stays `near` each other; the chain is the same."""
    asked = near or _EveryStay(facts)
    last, seen = stay, {stay.id}
    while (later := _transferred_to(last, asked.began_after(last), facts.zone, dispositions, seen)) is not None:
        last = later
        seen.add(later.id)
    return chain_of(last, facts, dispositions, near)


def is_transfer(one: Stay, other: Stay, zone: str, dispositions: Mapping[str, Disposition]) -> bool:
    """TR-52: `other` began on the date that `one` ended or the next, and a transfer is on record."""
    began, left = other.started_as(INPATIENT), one.discharge
    if began is None or left is None or one.id == other.id or not one.ever(HOSPITAL):
        return False
    days = (local_date(began, zone) - local_date(left.at, zone)).days
    if days not in (0, 1) or (one.start is not None and began < one.start):
        return False
    known = dispositions.get(left.disposition or "")
    if (known is not None and known.chains) or other.admit_source in TRANSFER_SOURCES:
        return True
    return days == 0 and _is_same_matter(one, other)


def _is_same_matter(one: Stay, other: Stay) -> bool:
    """TR-51: the same hospital for the same principal diagnosis on the same day is one continuous stay."""
    return one.site is not None and one.site == other.site and not one.principal.isdisjoint(other.principal)


def _transferred_from(
    stay: Stay, others: Sequence[Stay], zone: str, dispositions: Mapping[str, Disposition], seen: set[str]
) -> Stay | None:
    found = [other for other in others if other.id not in seen and is_transfer(other, stay, zone, dispositions)]
    return max(found, key=lambda other: (other.end or BEGINNING, other.id), default=None)


def _transferred_to(
    stay: Stay, others: Sequence[Stay], zone: str, dispositions: Mapping[str, Disposition], seen: set[str]
) -> Stay | None:
    found = [other for other in others if other.id not in seen and is_transfer(stay, other, zone, dispositions)]
    return min(found, key=lambda other: (other.started_as(INPATIENT) or END, other.id), default=None)


def _emergency_before(stay: Stay, asked: NearbyStays | _EveryStay, seen: set[str]) -> tuple[Stay, ...]:
    """The separate emergency visit that became this admission (TR-58)."""
    began = stay.started_as(HOSPITAL) or stay.start
    if began is None:
        return ()
    return tuple(
        other
        for other in asked.visits_before(began)
        if other.id not in seen and became(other, began) and same_site(other, stay)
    )


def became(visit: Stay, began: datetime) -> bool:
    """True when an emergency visit led to an admission that began at `began`: during it or within 24 hours."""
    if visit.last_class not in EMERGENCY or visit.start is None or visit.start > began:
        return False
    return visit.end is not None and began - visit.end <= _ADMITTED_WITHIN
