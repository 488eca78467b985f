"""HL7v2 messages of hospitals in a simulation: through the door as they would come, late, twice and out of order."""

from datetime import datetime, timedelta

from careloop.bench import made_up
from careloop.bench.simulated_run import Run
from careloop.errors import Unavailable
from careloop.flows import inbox, reception
from careloop.flows.app import App
from careloop.worker.main import process_batch

_WAYS = (("A01", "A03"), ("A01", "A08", "A03"), ("A01", "A03", "A13", "A03"), ("A01", "A11"), ("A04", "A03"))
"""Stays as hospitals tell them: A13 takes a discharge back, A11 an admission, A08 says it again, A04: emergency."""


def begin_stay(live: Run, now: datetime) -> str:
    """A hospital tells of a stay of somebody; each message comes some turns after the last, one in five too early or
    twice."""
    index = live.random.randrange(len(live.patients))
    live.number += 1
    visit, at = f"{index}-{live.spell}-{live.number}", now - timedelta(hours=30)
    turn = live.turn
    for place, event in enumerate(live.random.choice(_WAYS)):
        at += timedelta(hours=live.random.randint(1, 8))
        message = made_up.adt(index, event, f"S{live.spell}-{live.number}-{place}", at, visit)
        turn += live.random.randint(0, 2)
        live.messages.append((turn - (live.random.random() < 0.2), message))
        if live.random.random() < 0.2:
            live.messages.append((turn + live.random.randint(0, 9), message))
    return "stays told by HL7v2"


def deliver(live: Run, app: App) -> None:
    """What is to be told by now comes in at the door, and is carried into the record."""
    now = [message for turn, message in live.messages if turn <= live.turn]
    live.messages = [one for one in live.messages if one[0] > live.turn]
    live.random.shuffle(now)
    [feed] = [one.feed for one in reception.listening(app)]
    incoming = [
        reception.Incoming(tenant_id=live.tenant_id, feed_id=int(feed.id or 0), source="hospital", raw=raw)
        for raw in now
    ]
    if incoming:
        answers = reception.take_in(app, incoming)
        if any(b"MSA|AA" not in answer for answer in answers):
            raise Unavailable("a message of the simulation was not accepted")
    while process_batch(app, live.place.tenant):
        continue
    inbox.upkeep(app, live.place.tenant, app.clock.now())
    live.done["HL7v2 messages"] += len(incoming)
