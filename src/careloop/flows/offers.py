"""What a waiting person says to an offer: accepted books the visit, declined asks the next."""

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import people, video_visits, waiting_list, writing
from careloop.flows.app import App
from careloop.record import Write
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Offer
from careloop.scheduling.rules.waiting import STATUS, kind_of

ANSWERS = ("accepted", "declined")


def answer(app: App, tx: Transaction, principal: Principal, offer_id: str, said: str) -> str:
    """Accepted: the visit is booked. Declined: the next is asked. What happened, in words. `Conflict` where the offer
    was answered or is over."""
    require(principal, "update", "Appointment")
    offer = store.find_offer(tx, offer_id)
    if offer is None:
        raise NotFound("there is no such offer")
    if offer.state != "open":
        raise Conflict("This offer was answered already or is over.")
    if said not in ANSWERS:
        raise Rejected(at="answer", expected="accepted or declined")
    if said == "declined":
        following = waiting_list.end_offer(app, tx, offer_id, said, principal.reference)
        return "Kept in the line. " + ("The time is offered to the next." if following else "Nobody else waits for it.")
    _accept(app, tx, principal, offer)
    return "The visit is booked."


def _accept(app: App, tx: Transaction, principal: Principal, offer: Offer) -> None:
    found = app.record.fetch(tx, [f"Appointment/{offer.waiting_id}"]).get(f"Appointment/{offer.waiting_id}")
    if found is None or found.resource.get("status") != STATUS:
        raise Conflict("This person does not wait any more.")
    store.end_offer(tx, offer.id, "accepted", principal.reference, app.clock.now())
    store.release(tx, [offer.id])
    zone = people.zone_of(tx)
    others = [
        {**part, "status": "accepted"}
        for part in found.resource.get("participant", ())
        if not str((part.get("actor") or {}).get("reference", "")).startswith("Practitioner/")
    ]
    resource = {
        **found.resource,
        "status": "booked",
        "start": offer.window.start.astimezone(zone).isoformat(timespec="seconds"),
        "end": offer.window.end.astimezone(zone).isoformat(timespec="seconds"),
        "participant": [
            *others,
            {
                "actor": {"reference": offer.actor, "display": people.Names(tx).name(offer.actor)},
                "status": "accepted",
            },
        ],
    }
    kind = visits_of(app.catalog).kinds.get(kind_of(resource))
    if kind is not None and kind.where == "video":
        resource = video_visits.with_room(app, tx, resource)
    write = Write(
        method="update", resource_type="Appointment", id=offer.waiting_id, resource=resource, if_match=found.version
    )
    writing.write(app, tx, principal, [write])
