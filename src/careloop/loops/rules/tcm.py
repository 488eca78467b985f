"""Transitional care management: the code that may be reported, or why none may (transitions.md §2, numbered list).

A reason is a short code (`contact`, `visit_day`, ...) with a sentence beside it. What the record cannot know gives an
unknown code, never a guess. Not decided here, because the record does not hold it: another professional's claim for
the same 30 days and a global surgical period (items 8 and 9); the sentences say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from careloop.loops.facts.model import Contact, Fact, PatientFacts
from careloop.loops.model import LoopSettings
from careloop.loops.rules.calendar import Calendar, Span, after, local_date
from careloop.loops.rules.ending import death_of
from careloop.loops.rules.opening import HOME_GROUPS, INPATIENT
from careloop.loops.rules.pathways import Pathways
from careloop.loops.rules.stays import HOSPITAL, Chain

BILLING_ROLES = frozenset(
    {"physician", "nurse-practitioner", "physician-assistant", "clinical-nurse-specialist", "nurse-midwife"}
)
OUTREACH = "urn:careloop:communication|outreach"
RECONCILIATION = "http://snomed.info/sct|430193006"
_CONTACT_WITHIN = Span(amount=2, unit="business-days")
_PERIOD = timedelta(days=29)
_VISIT_CLASSES = frozenset({"AMB", "HH", "VR"})


@dataclass(frozen=True, kw_only=True)
class TcmFacts:
    """The dates that decide, as far as they are known. `contact_met` says how the contact rule was met; `attempts` are
    the tries inside its window."""

    discharge: date
    contact_met: str | None
    medication_reconciliation: date | None
    visit: date | None
    decision_level: str | None
    attempts: int = 0


@dataclass(frozen=True, kw_only=True)
class Tcm:
    """The code, or the reasons against one, or what must be known first; and the sentences."""

    code: str | None
    reasons: tuple[str, ...]
    says: tuple[str, ...]
    unknown: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Asked:
    chain: Chain
    facts: PatientFacts
    pathways: Pathways
    calendar: Calendar
    settings: LoopSettings
    now: datetime
    left: datetime

    @property
    def discharge(self) -> date:
        return local_date(self.left, self.facts.zone)


def tcm_code(given: TcmFacts, day_count: str = "elapsed") -> Tcm:
    """The code for known dates (TR-25, TR-26 and the code choice of §2). All reasons against it are listed."""
    reasons: list[tuple[str, str]] = []
    if given.contact_met is None:
        tried = "only 1 attempt" if given.attempts == 1 else "no contact"
        reasons.append(("contact", f"{tried} within 2 business days"))
    reasons += _visit_reasons(given, day_count)
    if given.decision_level in ("low", "straightforward"):
        reasons.append(("mdm", f"medical decision making {given.decision_level}"))
    if reasons:
        return Tcm(code=None, reasons=tuple(r for r, _ in reasons), says=tuple(s for _, s in reasons))
    if given.decision_level not in ("moderate", "high"):
        return Tcm(code=None, reasons=(), says=(), unknown="the level of medical decision making is not recorded")
    return _choose(given, day_count)


def _visit_reasons(given: TcmFacts, day_count: str) -> list[tuple[str, str]]:
    if given.visit is None:
        return [("visit", "no face-to-face visit")]
    reasons = []
    day = _day(given, day_count)
    if day > 14:
        reasons.append(("visit_day", f"visit on day {day}"))
    reconciled = given.medication_reconciliation
    if reconciled is None:
        reasons.append(("medication_reconciliation", "medicines not compared"))
    elif reconciled > given.visit:
        reasons.append(("medication_reconciliation", "medication reconciliation after the visit date"))
    return reasons


def _day(given: TcmFacts, day_count: str) -> int:
    """TR-25: visit date minus discharge date; `inclusive` counts the discharge date as day 1."""
    assert given.visit is not None
    return (given.visit - given.discharge).days + (1 if day_count == "inclusive" else 0)


def _choose(given: TcmFacts, day_count: str) -> Tcm:
    day = _day(given, day_count)
    says = (f"visit on day {day}", given.contact_met or "", "not checked: other claims, global surgical period")
    if given.decision_level == "high" and day <= 7:
        return Tcm(code="99496", reasons=(), says=says)
    return Tcm(code="99495", reasons=(), says=says)


def tcm_decision(
    chain: Chain,
    facts: PatientFacts,
    pathways: Pathways,
    calendar: Calendar,
    settings: LoopSettings,
    now: datetime,
) -> Tcm:
    """The decision for the stay that `chain` is, from the record as it is at `now`."""
    if chain.left is None:
        return Tcm(code=None, reasons=("discharge",), says=("still in hospital",))
    asked = _Asked(
        chain=chain, facts=facts, pathways=pathways, calendar=calendar, settings=settings, now=now, left=chain.left
    )
    barred = _barred(asked)
    visit = _visit(asked)
    decided = tcm_code(_dates(asked, visit), settings.tcm_day_count)
    if barred:
        return _with_reasons(decided, barred)
    if _destination(asked) is None:
        return Tcm(code=None, reasons=(), says=(), unknown="the place of discharge is not recorded")
    return decided


def _with_reasons(decided: Tcm, barred: list[tuple[str, str]]) -> Tcm:
    return Tcm(
        code=None,
        reasons=(*(reason for reason, _ in barred), *decided.reasons),
        says=(*(says for _, says in barred), *(decided.says if decided.reasons else ())),
    )


def _barred(asked: _Asked) -> list[tuple[str, str]]:
    """Reasons that no date can mend: source, destination, death, readmission before the visit (items 1, 2, 10, 11)."""
    found: list[tuple[str, str]] = []
    if asked.chain.last.last_class not in HOSPITAL:
        found.append(("source", "not a stay that qualifies"))
    group = _destination(asked)
    if group is not None and group not in HOME_GROUPS:
        found.append(("destination", "not discharged to the community"))
    death = death_of(asked.facts, asked.pathways)
    if death is not None and local_date(death, asked.facts.zone) <= asked.discharge + _PERIOD:
        found.append(("deceased", "the patient died within the 30 days; report an E/M visit for the visit date"))
    if _readmitted_before_visit(asked):
        found.append(("readmitted", "readmitted before the visit; a new period starts at the later discharge"))
    return found


def _destination(asked: _Asked) -> str | None:
    left = asked.chain.last.discharge
    known = asked.pathways.dispositions.get((left.disposition if left else None) or "")
    return known.group if known else None


def _readmitted_before_visit(asked: _Asked) -> bool:
    visit = _visit(asked)
    starts = [stay.started_as(INPATIENT) for stay in asked.facts.standing_stays if stay.id not in asked.chain.ids]
    limit = asked.left + timedelta(days=30)
    back = min((start for start in starts if start and asked.left <= start <= min(limit, asked.now)), default=None)
    return back is not None and (visit is None or back < visit.at)


def _visit(asked: _Asked) -> Fact | None:
    """The first visit that may count: not by the discharging practitioner on the discharge date (item 7)."""
    visits = [fact for fact in asked.facts.facts if _may_count(asked, fact)]
    return min(visits, key=lambda fact: (fact.at, fact.reference), default=None)


def _may_count(asked: _Asked, fact: Fact) -> bool:
    if fact.resource_type != "Encounter" or fact.status != "finished" or fact.encounter_class not in _VISIT_CLASSES:
        return False
    bills = fact.has_practitioner and (fact.roles is None or not fact.roles.isdisjoint(BILLING_ROLES))
    same_day = local_date(fact.at, asked.facts.zone) == asked.discharge
    discharging = not fact.practitioners.isdisjoint(asked.chain.last.practitioners)
    return bills and asked.left < fact.at <= asked.now and not (same_day and discharging)


def _dates(asked: _Asked, visit: Fact | None) -> TcmFacts:
    zone = asked.facts.zone
    visited = local_date(visit.at, zone) if visit else None
    reconciled = [
        local_date(fact.at, zone)
        for fact in asked.facts.facts
        if fact.resource_type == "Procedure" and fact.status == "completed" and RECONCILIATION in fact.codes
        if fact.latest > asked.left and fact.at <= asked.now
    ]
    tries = _tries(asked.chain, asked.facts, asked.calendar, asked.settings, asked.now)
    return TcmFacts(
        discharge=asked.discharge,
        contact_met=_met_by(tries),
        attempts=_attempts(tries),
        medication_reconciliation=min(reconciled, default=None),
        visit=visited,
        decision_level=visit.decision_level if visit else None,
    )


def contact_met(
    chain: Chain, facts: PatientFacts, calendar: Calendar, settings: LoopSettings, now: datetime
) -> str | None:
    """How the contact rule was met (TR-20 to TR-24): by contact, by 2 attempts, or None."""
    return _met_by(_tries(chain, facts, calendar, settings, now))


def _tries(chain: Chain, facts: PatientFacts, calendar: Calendar, settings: LoopSettings, now: datetime) -> list[Fact]:
    """Contacts and attempts inside the window of the contact rule."""
    left = chain.left
    if left is None:
        return []
    due = min(after(left, _CONTACT_WITHIN, facts.zone, calendar).due, now)
    return [fact for fact in facts.facts if left < fact.at <= due and _is_try(fact, settings, left, facts)]


def _met_by(tries: Sequence[Fact]) -> str | None:
    if any(fact.contact is Contact.REACHED for fact in tries):
        return "contact within 2 business days"
    return "met by 2 attempts" if _attempts(tries) >= 2 else None


def _attempts(tries: Sequence[Fact]) -> int:
    return len({fact.at for fact in tries if fact.contact is Contact.ATTEMPT})


def _is_try(fact: Fact, settings: LoopSettings, left: datetime, facts: PatientFacts) -> bool:
    if fact.contact is None or (fact.resource_type == "Communication" and OUTREACH not in fact.categories):
        return False
    if fact.resource_type == "Encounter" and not fact.has_practitioner:
        return False
    return settings.same_day_contact or local_date(fact.at, facts.zone) != local_date(left, facts.zone)
