"""A freed time goes to somebody who waits: offered to one at a time, in the order of need, kept for them until it
expires. Every offer has an owner, who asks the person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from careloop.access.model import Principal, PrincipalKind, Tenant
from careloop.db import Transaction
from careloop.fhir.ids import new_id
from careloop.flows import diary_slots, people
from careloop.flows.app import App
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Offer, Taken, Waiting, Window
from careloop.scheduling.rules import availability, need
from careloop.scheduling.rules.waiting import STATUS, read_waiting

_CLOSED_AT_MOST = 8
"""A practice is not closed for more days in a row than these."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One waiting person as a list shows them."""

    waiting: Waiting
    patient_name: str
    phone: str
    language: str
    kind_words: str
    with_name: str


def waiting(app: App, tx: Transaction) -> list[Waiting]:
    """Everybody who waits, the most urgent first. Not audited."""
    found = app.record.follow(tx, "Appointment", [("status", STATUS)])
    minutes = visits_of(app.catalog).assumed_minutes
    read = [read_waiting(one.resource, one.last_updated, minutes) for one in found]
    return need.in_order([one for one in read if one is not None], app.clock.now())


def offer_freed(app: App, tx: Transaction, principal: Principal, released: Sequence[Taken]) -> None:
    """What was let go and nobody took since is offered to who waits for it."""
    freed = [one for one in released if one.actor.startswith("Practitioner/") and one.window.end > app.clock.now()]
    if not freed:
        return
    line = waiting(app, tx)
    for one in freed if line else ():
        owner = principal.reference if principal.kind is PrincipalKind.USER else one.actor
        _offer(app, tx, one.actor, one.window, freed_by=one.holder, owner=owner, line=line)


def _offer(
    app: App, tx: Transaction, actor: str, freed: Window, *, freed_by: str, owner: str, line: Sequence[Waiting]
) -> Offer | None:
    now, visits, zone = app.clock.now(), visits_of(app.catalog), people.zone_of(tx)
    taken = [one.window for one in store.taken_of(tx, [actor], freed)]
    for part in availability.without([freed], taken):
        expires = need.expires_at(_can_be_called(app, now, zone), part, visits.open_for, visits.notice)
        chosen = need.next_for(
            line,
            part,
            actor,
            asked=store.asked(tx, part, actor, freed_by),
            busy=_elsewhere(tx, line, part),
            now=now,
        )
        if expires is None or chosen is None:
            continue
        since = chosen.since.astimezone(zone)
        window = Window(part.start, part.start + timedelta(minutes=chosen.minutes))
        offer = Offer(
            id=new_id(),
            waiting_id=chosen.id,
            patient_id=chosen.patient_id,
            actor=actor,
            window=window,
            freed_by=freed_by,
            freed_until=part.end,
            owner=owner,
            why=need.why_of(chosen, line.index(chosen) + 1, len(line), f"{since.day} {since:%b}"),
            state="open",
            offered=now,
            expires=expires,
        )
        if _hold(app, tx, offer):
            return offer
    return None


def _can_be_called(app: App, now: datetime, zone: ZoneInfo) -> datetime:
    """`now`, or when the practice opens next: nobody is called at night or on a Sunday, and no offer may be over before
    somebody could make it."""
    diary = diary_slots.Diary(actor="", hours=visits_of(app.catalog).practice_hours, own=False)
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=count) for count in range(_CLOSED_AT_MOST)]
    windows = diary_slots.open_windows(app, diary, days, zone)
    return next((max(now, one.start) for one in windows if one.end > now), now)


def _elsewhere(tx: Transaction, line: Sequence[Waiting], window: Window) -> set[str]:
    taken = store.taken_of(tx, sorted({f"Patient/{one.patient_id}" for one in line}), window)
    return {one.actor.partition("/")[2] for one in taken}


def _hold(app: App, tx: Transaction, offer: Offer) -> bool:
    """The time is kept for the person; False where somebody took it meanwhile."""
    hold = Taken(holder=offer.id, actor=offer.actor, kind="hold", status="hold", window=offer.window)
    if store.replace(tx, [], [hold], yields=False).clashing:
        store.release(tx, [offer.id])
        return False
    if not store.add_offer(tx, offer):
        store.release(tx, [offer.id])
        return False
    diary_slots.follow(app, tx, [hold])
    return True


def withdraw(app: App, tx: Transaction, offer_id: str) -> None:
    """The time was taken from outside: the offer is gone, and the person keeps the place in the line."""
    store.end_offer(tx, offer_id, "withdrawn", "careloop", app.clock.now())


def drop_offers(app: App, tx: Transaction, waiting_ids: Sequence[str]) -> None:
    """Who does not wait any more has no offer; the time goes to the next."""
    for offer_id in store.offers_of(tx, waiting_ids):
        end_offer(app, tx, offer_id, "withdrawn", "careloop")


def end_offer(app: App, tx: Transaction, offer_id: str, state: str, by: str) -> Offer | None:
    """The offer is over and its time free; then it goes to the next. The new offer, if there is one."""
    offer = store.find_offer(tx, offer_id)
    if offer is None or not store.end_offer(tx, offer_id, state, by, app.clock.now()):
        return None
    held = store.taken_by(tx, [offer_id])
    store.release(tx, [offer_id])
    diary_slots.follow(app, tx, held)
    freed = Window(offer.window.start, offer.freed_until)
    return _offer(app, tx, offer.actor, freed, freed_by=offer.freed_by, owner=offer.owner, line=waiting(app, tx))


def expire(app: App, tenant: Tenant) -> int:
    """Offers whose time is over go to the next; how many."""

    def work(tx: Transaction) -> int:
        over = store.offers_over(tx, app.clock.now())
        for offer_id in over:
            end_offer(app, tx, offer_id, "expired", "careloop")
        return len(over)

    return app.database.run(tenant.id, work, actor="diary")


def who_waits_for(tx: Transaction, freed_by: str) -> Offer | None:
    """The offer that letting this Appointment go has led to."""
    return next((one for one in store.open_offers(tx) if one.freed_by == freed_by), None)
