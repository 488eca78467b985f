"""What belongs on one card: a stay with everything about it, a flare, or one matter (EC-01 to EC-06).

A card is derived from facts and loops each time, never stored: late, repeated and cancelled messages give the card that
the true order would have given. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from careloop.fhir.dates import BEGINNING
from careloop.loops.facts.model import Fact, PatientFacts
from careloop.loops.model import LoopState
from careloop.loops.rules.calendar import end_of, local_date
from careloop.loops.rules.pathways import Disposition
from careloop.loops.rules.stays import Chain, NearbyStays, chain_around


@dataclass(frozen=True, kw_only=True)
class CardRules:
    """`content/engagement/episode-cards.yaml` as values."""

    stay_classes: frozenset[str]
    watch: timedelta
    flare_pathways: frozenset[str]
    flare: timedelta
    closed_shown: timedelta


@dataclass(frozen=True, kw_only=True)
class Card:
    """One stay, flare or matter of a patient. `key` names it; `also` are keys that parts of it had or could have had.

    `watch_until`: the end of the 30 days after going home, None before that and for what is no stay.
    """

    kind: str
    key: str
    also: tuple[str, ...]
    began: datetime | None
    chain: Chain | None = None
    loops: tuple[LoopState, ...] = ()
    facts: tuple[Fact, ...] = field(default=(), repr=False)
    watch_until: datetime | None = None

    @property
    def open_loops(self) -> tuple[LoopState, ...]:
        """What somebody still has to do."""
        return tuple(loop for loop in self.loops if loop.status.is_open)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key, then the others."""
        return (self.key, *(one for one in self.also if one != self.key))

    def is_current(self, now: datetime) -> bool:
        """True while somebody is in hospital, watched, or has something open."""
        inside = self.chain is not None and self.chain.left is None
        watched = self.watch_until is not None and now <= self.watch_until
        return inside or watched or bool(self.open_loops)

    def ended(self) -> datetime | None:
        """When the last thing of it was over; None while something is open."""
        if self.open_loops or (self.chain is not None and self.chain.left is None):
            return None
        ends = [loop.closed for loop in self.loops if loop.closed]
        ends += [self.watch_until] if self.watch_until else []
        return max(ends, default=self.began)


def cards_of(
    facts: PatientFacts, loops: Sequence[LoopState], dispositions: Mapping[str, Disposition], rules: CardRules
) -> tuple[Card, ...]:
    """All cards of a patient, each loop on exactly one, the newest first."""
    left = list(loops)
    stays = []
    for chain in _chains(facts, dispositions, rules):
        belonging = _belonging(chain, facts)
        things = chain.things | {fact.thing for fact in belonging}
        mine = [loop for loop in left if loop.focus in things]
        left = [loop for loop in left if loop.focus not in things]
        stays.append((chain, belonging, mine))
    flares = _flares(left, rules)
    cards: list[Card] = []
    for chain, belonging, mine in stays:
        joined = [flare for flare in flares if _led_to(flare, chain, rules)]
        flares = [flare for flare in flares if flare not in joined]
        mine = [*mine, *(loop for flare in joined for loop in flare)]
        cards.append(_stay_card(chain, belonging, mine, facts, rules))
    single = {loop.id for flare in flares for loop in flare}
    cards += [_flare_card(flare, facts) for flare in flares]
    cards += [_matter_card(focus, mine, facts) for focus, mine in _by_focus(left, single, cards).items()]
    return tuple(sorted(cards, key=lambda card: (card.began or BEGINNING, card.key), reverse=True))


def card_for(cards: Sequence[Card], *, loop_id: str | None, thing: str) -> Card | None:
    """The card that a loop, else a thing (`Encounter/9`), is on."""
    for card in cards:
        if loop_id is not None and any(loop.id == loop_id for loop in card.loops):
            return card
    return next((card for card in cards if card.chain is not None and thing in card.chain.things), None)


def _chains(facts: PatientFacts, dispositions: Mapping[str, Disposition], rules: CardRules) -> list[Chain]:
    """Every stay once, transfers and the emergency visit before it included (EC-01); the latest first."""
    found: dict[frozenset[str], Chain] = {}
    near = NearbyStays(facts)
    for stay in facts.standing_stays:
        if stay.ever(rules.stay_classes):
            chain = chain_around(stay, facts, dispositions, near)
            found.setdefault(chain.ids, chain)
    holding: dict[str, list[frozenset[str]]] = {}
    for ids in found:
        for one in ids:
            holding.setdefault(one, []).append(ids)
    whole = [one for ids, one in found.items() if not any(ids < other for other in holding[one.first.id])]
    return sorted(whole, key=lambda one: (_began(one), one.first.id), reverse=True)


def _began(chain: Chain) -> datetime:
    starts = [one for one in (chain.arrived, chain.admitted, chain.first.planned_start, chain.left) if one]
    return min(starts) if starts else chain.last.recorded or BEGINNING


def _belonging(chain: Chain, facts: PatientFacts) -> tuple[Fact, ...]:
    """Facts that name a part of the stay, or what names it (EC-02), each once."""
    found = {fact.reference: fact for thing in sorted(chain.things) for fact in facts.belonging(thing)}
    return tuple(sorted(found.values(), key=lambda fact: (fact.at, fact.reference)))


def _flares(loops: Sequence[LoopState], rules: CardRules) -> list[list[LoopState]]:
    """Alerts that begin soon after each other, together (EC-04); oldest first."""
    flares: list[list[LoopState]] = []
    alerts = [loop for loop in loops if loop.pathway in rules.flare_pathways]
    for loop in sorted(alerts, key=lambda loop: (loop.opened, loop.id)):
        if flares and loop.opened - flares[-1][-1].opened <= rules.flare:
            flares[-1].append(loop)
        else:
            flares.append([loop])
    return flares


def _led_to(flare: Sequence[LoopState], chain: Chain, rules: CardRules) -> bool:
    """The stay began soon after the flare (EC-05)."""
    arrived = chain.arrived
    return arrived is not None and flare[0].opened <= arrived <= flare[-1].opened + rules.flare


def _stay_card(
    chain: Chain, belonging: Sequence[Fact], loops: Sequence[LoopState], facts: PatientFacts, rules: CardRules
) -> Card:
    things = sorted(chain.things)
    return Card(
        kind="stay",
        key=f"Encounter/{chain.first.id}",
        also=(*things, *(loop.focus for loop in loops)),
        began=_began(chain),
        chain=chain,
        loops=_in_order(loops),
        facts=tuple(belonging),
        watch_until=_watch_until(chain, facts.zone, rules),
    )


def _watch_until(chain: Chain, zone: str, rules: CardRules) -> datetime | None:
    """EC-03: the end of the day of going home + 29 days, where the patient lives (TR-27)."""
    return None if chain.left is None else end_of(local_date(chain.left, zone) + rules.watch, zone)


def _flare_card(flare: Sequence[LoopState], facts: PatientFacts) -> Card:
    return Card(
        kind="flare",
        key=flare[0].focus,
        also=tuple(loop.focus for loop in flare[1:]),
        began=flare[0].opened,
        loops=_in_order(flare),
        facts=_about([loop.focus for loop in flare], facts),
    )


def _matter_card(focus: str, loops: Sequence[LoopState], facts: PatientFacts) -> Card:
    return Card(
        kind="matter",
        key=focus,
        also=(),
        began=min(loop.opened for loop in loops),
        loops=_in_order(loops),
        facts=_about([focus], facts),
    )


def _about(focuses: Sequence[str], facts: PatientFacts) -> tuple[Fact, ...]:
    found = {fact.reference: fact for focus in focuses for fact in facts.belonging(focus)}
    return tuple(sorted(found.values(), key=lambda fact: (fact.at, fact.reference)))


def _by_focus(left: Sequence[LoopState], in_flares: set[str], cards: Sequence[Card]) -> dict[str, list[LoopState]]:
    """Loops that are on no card yet, by what they are about."""
    placed = in_flares | {loop.id for card in cards for loop in card.loops}
    found: dict[str, list[LoopState]] = {}
    for loop in left:
        if loop.id not in placed:
            found.setdefault(loop.focus, []).append(loop)
    return found


def _in_order(loops: Sequence[LoopState]) -> tuple[LoopState, ...]:
    return tuple(sorted(loops, key=lambda loop: (not loop.status.is_open, loop.opened, loop.id)))
