"""One card for each stay, flare or matter, as people see it: where, since when, what changed last, who acts next.

Derived from the record and the loops each time it is shown; what belongs on it is decided in `loops.rules.cards`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.catalog import Catalog
from careloop.db import Transaction
from careloop.flows import engine, people, routing
from careloop.flows.app import App
from careloop.flows.board import COLUMNS
from careloop.flows.episode_words import CardShown, Told, card_shown
from careloop.flows.kept_charts import KeptFacts
from careloop.flows.people import Names, PatientShown
from careloop.loops import cards as listed
from careloop.loops import store
from careloop.loops.rules.cards import Card, CardRules, cards_of
from careloop.record import Stored
from careloop.teams import store as teams

PAGE = 24
"""Patients on one page of cards."""
INSIDE = 100
"""So many of the newest stays are looked at for those whom somebody leads."""


@dataclass(frozen=True, kw_only=True)
class CardPage:
    """Cards of the patients of one list, and how many patients there are."""

    cards: tuple[CardShown, ...]
    patients: int
    more: bool


def card_rules(catalog: Catalog) -> CardRules:
    """`content/engagement/episode-cards.yaml`."""
    document = catalog.document("engagement", "episode-cards")
    return CardRules(
        stay_classes=frozenset(document["stay_classes"]),
        watch=timedelta(days=document["watch"]["days"]),
        flare_pathways=frozenset(document["flare"]["pathways"]),
        flare=timedelta(hours=document["flare"]["hours"]),
        closed_shown=timedelta(days=document["closed_shown"]["days"]),
    )


def of_patient(app: App, tx: Transaction, principal: Principal, patient_id: str) -> tuple[CardShown, ...]:
    """The cards of one patient, the current ones first. Audited by the page that they stand on, or by `page_of`."""
    require(principal, "read", "Patient")
    return _shown(app, tx, [patient_id], closed=True)


def page_of(
    app: App, tx: Transaction, principal: Principal, patient_id: str
) -> tuple[PatientShown, Sequence[CardShown]]:
    """The same with the person, for a page of its own; `NotFound` where there is none. Audited as a read."""
    require_action(principal, Action.WORKLIST_READ)
    app.record.read(tx, principal, "Patient", patient_id)
    person = people.patients_shown(app, tx, [patient_id], app.clock.now(), people.zone_of(tx))[patient_id]
    return person, _shown(app, tx, [patient_id], closed=True)


def page(app: App, tx: Transaction, principal: Principal, *, scope: str = "mine", after: int = 0) -> CardPage:
    """Current stays and flares of the asker's people (whom they lead, or for whom something is theirs), of all with
    `scope` team; what was due first comes first. Audited as one search."""
    require_action(principal, Action.WORKLIST_READ)
    mine, flares = scope == "mine", sorted(card_rules(app.catalog).flare_pathways)
    patients = listed.patients(
        tx,
        principal.reference if mine else "",
        app.clock.now(),
        flares=flares,
        boards=[key for key, _ in COLUMNS],
        after=after,
        most=PAGE + 1,
    )
    inside = [] if after else _in_hospital(app, tx, principal, mine=mine)
    chosen = list(dict.fromkeys((*inside, *patients[:PAGE])))
    cards = [one for one in _shown(app, tx, chosen, closed=False) if one.is_current and one.kind != "matter"]
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="E",
            subtype="search",
            resource_type="Encounter",
            patient_ids=sorted({one.patient_id for one in cards}),
            query=f"episode cards {scope}",
        ),
    )
    order = {patient: place for place, patient in enumerate(chosen)}
    cards.sort(key=lambda one: order[one.patient_id])
    return CardPage(cards=tuple(cards), patients=len(chosen), more=len(patients) > PAGE)


def _in_hospital(app: App, tx: Transaction, principal: Principal, *, mine: bool) -> list[str]:
    """Patients who are in hospital or in an emergency room now; those whom the asker leads with `mine`."""
    asked = [("status", "in-progress,onleave"), ("class", "IMP,ACUTE,NONAC,OBSENC,EMER"), ("_sort", "-date")]
    found = app.record.search(tx, principal, "Encounter", [*asked, ("_count", str(INSIDE))], app.clock.now())
    patients = list(dict.fromkeys(str(one.patient_id) for one in found.entries if one.patient_id))
    if not mine:
        return patients[:PAGE]
    leads = teams.leads(tx, patients)
    return [one for one in patients if leads.get(one) == principal.reference][:PAGE]


def cards_by_patient(app: App, tx: Transaction, patient_ids: Sequence[str]) -> dict[str, tuple[Card, ...]]:
    """The plain cards of some patients; what notices are folded by."""
    found = _derived(engine.at_practice(app, tx), tx, patient_ids)
    return {patient: cards for patient, (cards, _, _) in found.items()}


def _derived(
    app: App, tx: Transaction, patient_ids: Sequence[str]
) -> dict[str, tuple[tuple[Card, ...], Mapping[str, store.StoredLoop], Mapping[str, Stored]]]:
    """By patient: cards, loops by id, encounters by reference. What belongs on a card is decided by what names what:
    the named words of results are not read."""
    patients = sorted(set(patient_ids))
    content, rules = engine.content_of(app.catalog), card_rules(app.catalog)
    read = _facts(app, tx, patients)
    loops = store.load_loops(tx, patients=patients) if patients else []
    found: dict[str, tuple[tuple[Card, ...], Mapping[str, store.StoredLoop], Mapping[str, Stored]]] = {}
    for patient in patients:
        mine = {loop.id: loop for loop in loops if loop.patient_id == patient}
        states = [loop.state for loop in mine.values()]
        cards = cards_of(read[patient].facts, states, content.pathways.dispositions, rules)
        found[patient] = (cards, mine, read[patient].stays)
    return found


def _facts(app: App, tx: Transaction, patients: Sequence[str]) -> dict[str, KeptFacts]:
    """By patient what the record says. Of one patient it is kept as long as nothing that it rests on changes (decision
    0193); two queries for several."""
    if len(patients) != 1:
        resources = app.record.of_patients(tx, patients, engine.RESOURCE_TYPES) if patients else {}
        return {patient: _read(tx, patient, resources.get(patient, []), "") for patient in patients}
    patient, key = patients[0], (tx.tenant_id, patients[0], engine.RESOURCE_TYPES)
    mark, kept = app.record.mark_of_patient(tx, patient, engine.RESOURCE_TYPES), app.facts.get(key)
    if kept is None or kept.mark != mark or kept.roles != routing.roles_of_people(tx, kept.named):
        kept = _read(tx, patient, app.record.of_patient(tx, patient, engine.RESOURCE_TYPES), mark)
        if mark == app.record.mark_of_patient(tx, patient, engine.RESOURCE_TYPES):
            app.facts.put(key, kept)
    return {patient: kept}


def _read(tx: Transaction, patient: str, resources: Sequence[Stored], mark: str) -> KeptFacts:
    named = routing.people_in(resources)
    roles = routing.roles_of_people(tx, named)
    return KeptFacts(
        mark=mark,
        named=named,
        roles=roles,
        facts=engine.facts_of(engine.tenant_of(tx), patient, resources, roles),
        stays={one.reference: one for one in resources if one.resource_type == "Encounter"},
        weight=len(resources),
    )


def _shown(app: App, tx: Transaction, patient_ids: Sequence[str], *, closed: bool) -> tuple[CardShown, ...]:
    app = engine.at_practice(app, tx)
    now, zone = app.clock.now(), people.zone_of(tx)
    limit = now - card_rules(app.catalog).closed_shown
    names = Names(tx)
    persons = people.patients_shown(app, tx, patient_ids, now, zone)
    found: list[CardShown] = []
    for patient, (cards, loops, encounters) in _derived(app, tx, patient_ids).items():
        told = Told(app, tx, names, persons[patient], patient, now, loops, encounters)
        wanted = [card for card in cards if card.is_current(now) or (closed and _lately(card, limit))]
        found += [card_shown(told, card, zone) for card in wanted]
    return tuple(sorted(found, key=lambda one: (not one.is_current, one.kind == "matter")))


def _lately(card: Card, limit: datetime) -> bool:
    ended = card.ended()
    return ended is not None and ended >= limit
