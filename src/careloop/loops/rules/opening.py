"""Which facts open a loop: discharges, planned stays, discharges that are announced (transitions.md §1, §2).

Each possible opening is an `Anchor`. An anchor may be over from the start (`ended`): a discharge that was cancelled
still gives the loop it opened, closed with its reason, whatever the order in which the messages came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.loops.facts.model import Discharge, Fact, PatientFacts, Stay
from careloop.loops.model import Closure
from careloop.loops.rules.conditions import holds, resource_types
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.pathways import OpensWhen, Pathway, Pathways

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
EMERGENCY = frozenset({"EMER"})
HOME_GROUPS = frozenset({"community", "community_facility"})


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The opening fact of a loop. `matter` tells two matters on one focus apart (the key of the discharge).

    `void_before`: proof before this instant belongs to a discharge that was cancelled. `opens_by`: known later than
    this it is history and opens nothing; None where it may open at any time.
    """

    focus: str
    matter: str
    at: datetime
    source: str
    says: str
    rule: str
    stay: Stay | None = None
    fact: Fact | None = None
    ended: Closure | None = None
    void_before: datetime | None = None
    opens_by: datetime | None = None


def anchors(pathway: Pathway, facts: PatientFacts, pathways: Pathways, moments: Moments) -> Iterator[Anchor]:
    """Every matter that this pathway is about, for this patient, as far as it counts now."""
    if pathway.opens_when.event == "fact":
        yield from _matters(pathway, facts, moments)
        return
    find = _FINDERS[pathway.opens_when.event]
    for stay in facts.standing_stays:
        yield from find(pathway.opens_when, stay, facts, pathways, moments)


def opening_facts(opens: OpensWhen, facts: PatientFacts, moments: Moments) -> Iterator[Fact]:
    """The facts that satisfy what opens the pathway, as far as they count now."""
    for kind in sorted(resource_types(opens.when)):
        for fact in facts.by_type.get(kind, ()):
            if holds(opens.when, fact) and moments.counts(fact.at):
                yield fact


def _matters(pathway: Pathway, facts: PatientFacts, moments: Moments) -> Iterator[Anchor]:
    """One matter for each thing that opening facts are about; a second fact about the same thing joins the first."""
    found: dict[str, list[Fact]] = {}
    for fact in opening_facts(pathway.opens_when, facts, moments):
        found.setdefault(focus_of(pathway.opens_when, fact), []).append(fact)
    for focus, openers in sorted(found.items()):
        first = min(openers, key=lambda fact: (fact.at, fact.reference))
        itself = next((fact for fact in openers if fact.thing == focus), first)
        yield Anchor(
            focus=focus,
            matter="",
            at=first.at,
            fact=itself,
            source=first.reference,
            says=pathway.opens_when.says or first.says,
            rule=pathway.opens_when.rule,
            opens_by=_opens_by(pathway.opens_when, openers),
        )


def _opens_by(opens: OpensWhen, openers: list[Fact]) -> datetime | None:
    """The last instant at which one of these facts is news; None where one of them always is."""
    limits = [fresh_until(opens, fact) for fact in openers]
    known = [limit for limit in limits if limit is not None]
    return max(known) if len(known) == len(limits) else None


def fresh_until(opens: OpensWhen, fact: Fact) -> datetime | None:
    """Until when the fact is news; None where facts of its kind always are. To the hour, so that no zone matters."""
    span = opens.fresh.get(fact.resource_type)
    return None if span is None else fact.at + timedelta(days=span.amount)


def focus_of(opens: OpensWhen, fact: Fact) -> str:
    """What the loop is about: the first thing of the wanted kinds that the fact names, else the fact itself."""
    for kind in opens.about:
        named = sorted(tie for tie in fact.ties if tie.startswith(f"{kind}/"))
        if named:
            return named[0]
    return fact.thing


def _ended_stays(
    opens: OpensWhen, stay: Stay, facts: PatientFacts, pathways: Pathways, moments: Moments
) -> Iterator[Anchor]:
    if stay.last_class not in opens.classes:
        return
    for discharge in stay.discharges:
        if _leads_here(opens, discharge, pathways) and moments.counts(discharge.at, discharge.recorded):
            yield _of_discharge(opens, stay, discharge, facts, pathways, moments)


def _leads_here(opens: OpensWhen, discharge: Discharge, pathways: Pathways) -> bool:
    known = pathways.dispositions.get(discharge.disposition or "")
    if known is None:
        return opens.disposition_unknown
    return known.follow_up in opens.follow_up or known.group in opens.groups


def _of_discharge(
    opens: OpensWhen, stay: Stay, discharge: Discharge, facts: PatientFacts, pathways: Pathways, moments: Moments
) -> Anchor:
    known = pathways.dispositions.get(discharge.disposition or "")
    went = known.meaning if known else "place not recorded, treated as home until it is"
    return Anchor(
        focus=stay.thing,
        matter=discharge.key,
        at=discharge.at,
        stay=stay,
        source=stay.reference,
        says=f"left the {_place(stay)}: {went}",
        rule="TR-05",
        ended=_ended_at_once(opens, stay, discharge, facts, moments),
        void_before=_void_before(stay, discharge),
    )


def _place(stay: Stay) -> str:
    return "emergency department" if stay.last_class in EMERGENCY else "hospital"


def _void_before(stay: Stay, discharge: Discharge) -> datetime | None:
    cancelled = [
        other.cancelled for other in stay.discharges if other.cancelled is not None and other.at <= discharge.at
    ]
    return max(cancelled, default=None)


def _ended_at_once(
    opens: OpensWhen, stay: Stay, discharge: Discharge, facts: PatientFacts, moments: Moments
) -> Closure | None:
    if discharge.cancelled is not None:
        return Closure(reason="discharge-cancelled", at=max(discharge.at, discharge.cancelled))
    standing = stay.discharge
    if standing is not None and standing.key != discharge.key:
        return Closure(reason="superseded", at=max(discharge.at, standing.at), note="a later discharge stands")
    return _admitted_from_here(opens, stay, discharge, facts, moments)


def _admitted_from_here(
    opens: OpensWhen, stay: Stay, discharge: Discharge, facts: PatientFacts, moments: Moments
) -> Closure | None:
    """TR-58: an emergency visit followed by an admission at the same site within the limit is part of that stay."""
    if opens.unless_admitted_within is None:
        return None
    limit = discharge.at + timedelta(hours=opens.unless_admitted_within.amount)
    began = [
        start
        for other in facts.standing_stays
        if other.id != stay.id and same_site(stay, other) and (start := other.started_as(INPATIENT)) is not None
        if (stay.start or discharge.at) <= start <= limit and moments.counts(start, other.recorded)
    ]
    if not began:
        return None
    return Closure(
        reason="superseded", at=max(discharge.at, min(began)), note="part of the hospital stay that followed"
    )


def same_site(one: Stay, other: Stay) -> bool:
    """True unless both sites are recorded and differ."""
    return one.site is None or other.site is None or one.site == other.site


def _planned_stays(
    opens: OpensWhen, stay: Stay, facts: PatientFacts, pathways: Pathways, moments: Moments
) -> Iterator[Anchor]:
    """A stay that is planned (A05). The loop opens when it was recorded, and ends when the patient comes."""
    planned = stay.planned_start
    if planned is None or stay.last_class not in opens.classes:
        return
    opened = min(stay.recorded or planned, planned)
    arrived = stay.start if stay.status != "planned" else None
    ended = None if arrived is None else Closure(reason="superseded", at=max(opened, arrived), note="the stay began")
    yield Anchor(
        focus=stay.thing,
        matter="planned",
        at=opened,
        stay=stay,
        source=stay.reference,
        says="a hospital stay is planned",
        rule="A05",
        ended=ended,
    )


def _announced_discharges(
    opens: OpensWhen, stay: Stay, facts: PatientFacts, pathways: Pathways, moments: Moments
) -> Iterator[Anchor]:
    """A discharge that the hospital announced (A16). It ends with the discharge itself."""
    announced = stay.pending_discharge
    if announced is None or stay.last_class not in opens.classes or not moments.counts(announced):
        return
    left = stay.end
    ended = None if left is None else Closure(reason="superseded", at=max(announced, left), note="the patient left")
    yield Anchor(
        focus=stay.thing,
        matter="pending",
        at=announced,
        stay=stay,
        source=stay.reference,
        says="the hospital announced a discharge",
        rule="A16",
        ended=ended,
    )


_FINDERS = {
    "stay-ended": _ended_stays,
    "stay-planned": _planned_stays,
    "discharge-pending": _announced_discharges,
}
