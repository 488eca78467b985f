"""What happens to patients in a simulation: matters open, are worked, end, are taken back; people act; records join."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from careloop.bench import made_up
from careloop.bench.made_up_care import Care
from careloop.bench.made_up_parts import About, Condition
from careloop.bench.made_up_proof import Maker
from careloop.bench.simulated_run import Resource, Run
from careloop.db import Transaction, load_queries
from careloop.errors import CareloopError
from careloop.flows import acting, handing_over, merging, writing
from careloop.flows.app import App
from careloop.loops import store
from careloop.loops.model import StepState
from careloop.loops.rules.pathways import Pathway
from careloop.record import Write

_SQL = load_queries("careloop.bench", "queries.sql")
_MOST_IN_WORK = 60
_REMEMBERED = 500

Happening = Callable[[Run, App, Transaction], str]


def happen(live: Run, app: App, happening: Happening) -> None:
    """It happens in one transaction, or is refused for a reason, and then nothing of it happened."""
    try:
        with app.database.transaction(live.tenant_id, actor="simulation") as tx:
            what = happening(live, app, tx)
        live.done[what] += 1
    except CareloopError as error:
        live.done[f"refused: {happening.__name__.strip('_').replace('_', ' ')}, {error}"[:120]] += 1


def what_opens(care: Care, maker: Maker, deck: list[Pathway], patient: str, now: datetime) -> Resource:
    """Something that may open a loop: half of the time anything of life, half of it what the next pathway of the deck
    waits for, so that each has its turn."""
    if not deck or maker.random.random() < 0.5:
        return care.opening(patient, now)
    made = maker.make(deck.pop().opens_when.when, About(patient=patient, at=care.when(now)))
    return made or care.opening(patient, now)


def shuffled(random: Random, pathways: Mapping[str, Pathway]) -> list[Pathway]:
    """Every pathway that a fact opens, once, in any order."""
    asked = [one for _, one in sorted(pathways.items()) if one.opens_when.event == "fact"]
    random.shuffle(asked)
    return asked


def open_something(live: Run, app: App, tx: Transaction) -> str:
    """A matter begins. One in ten is told days later only, after what was done about it; one in ten is told again."""
    now, chance = app.clock.now(), live.random.random()
    live.deck = live.deck or shuffled(live.random, live.pathways)
    resource = what_opens(live.care, live.maker, live.deck, live.random.choice(live.patients), now)
    if chance < 0.1:
        _hold(live, resource)
        early = live.care.proof(_patient_of(resource), now, _name(resource), _name(resource), live.categories)
        _write(live, app, tx, early)
        return "proof before its matter"
    if chance < 0.2:
        _hold(live, resource)
    _write(live, app, tx, resource)
    return f"opened by {resource['resourceType']}"


def _hold(live: Run, resource: Resource) -> None:
    live.held.append((live.turn + live.random.randint(1, 16), resource))


def tell_held(live: Run, app: App) -> None:
    """What was held back is told now; what had been told is told again, as it was then."""
    late = [resource for turn, resource in live.held if turn <= live.turn]
    live.held = [one for one in live.held if one[0] > live.turn]
    for resource in late:
        happen(live, app, lambda live, app, tx, told=resource: _tell(live, app, tx, told))  # type: ignore[misc]


def _tell(live: Run, app: App, tx: Transaction, resource: Resource) -> str:
    _write(live, app, tx, resource)
    return "told late or again"


def prove_something(live: Run, app: App, tx: Transaction) -> str:
    """Something is done about an open loop; one in ten is said twice, one in ten is something old, taken back."""
    chance = live.random.random()
    if live.written and chance < 0.1:
        return _withdraw(live, app, tx)
    loop = _some_loop(live, tx)
    if loop is None:
        return "no loop was open"
    pathway = live.pathways.get(loop.state.pathway)
    now = app.clock.now()
    resource = None
    if pathway is not None and chance < 0.15:
        resource = _made(live, app, tx, loop, _random_end(live.random, pathway), now)
    elif pathway is not None and chance < 0.85:
        resource = _made(live, app, tx, loop, _next_proof(live.random, loop, pathway), now)
    if resource is None:
        resource = live.care.proof(loop.patient_id, now, loop.state.focus, f"Task/{loop.id}", live.categories)
    _write(live, app, tx, resource)
    if live.random.random() < 0.1:
        _write(live, app, tx, resource)
    return f"said by {resource['resourceType']}"


def _random_end(random: Random, pathway: Pathway) -> Condition:
    ends = [one.when for one in pathway.ends_when if one.event == "fact"]
    return random.choice(ends) if ends else {}


def _next_proof(random: Random, loop: store.StoredLoop, pathway: Pathway) -> Condition:
    """What the first open step that can be done waits for."""
    still = {step.step_id: step for step in loop.state.steps if step.status.is_open}
    for step in pathway.steps:
        if step.id in still and step.follows not in still and (random.random() < 0.7):
            return step.done_when
    return {}


def _made(
    live: Run, app: App, tx: Transaction, loop: store.StoredLoop, condition: Condition, now: datetime
) -> Resource | None:
    if not condition:
        return None
    stands = app.record.fetch(tx, [loop.state.focus]).get(loop.state.focus)
    itself = stands.resource if stands is not None and not stands.deleted else None
    about = About(patient=loop.patient_id, at=now, focus=loop.state.focus, words=_words_of(itself or {}), itself=itself)
    return live.maker.make(condition, about)


def _words_of(matter: Resource) -> dict[str, str]:
    """What the matter asks for by name: the instrument of a Task."""
    named = [str(one["valueString"]) for one in matter.get("input", ()) if "valueString" in one]
    return {"needs": named[0]} if named else {}


def _write(live: Run, app: App, tx: Transaction, resource: Resource) -> None:
    write = Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
    writing.write(app, tx, live.place.principal, [write])
    live.written = [*live.written[-_REMEMBERED:], resource]


def _withdraw(live: Run, app: App, tx: Transaction) -> str:
    resource = live.random.choice(live.written)
    kind = resource["resourceType"]
    if (kind != "CareTeam" and live.random.random() < 0.5) or kind in ("Appointment", "DiagnosticReport"):
        _write(live, app, tx, {**resource, "status": "entered-in-error"})
        return "withdrawn"
    writing.write(app, tx, live.place.principal, [Write(method="delete", resource_type=kind, id=resource["id"])])
    return "deleted"


def _some_loop(live: Run, tx: Transaction) -> store.StoredLoop | None:
    """An open loop: mostly one on which somebody works already, so that many come to their end."""
    if len(live.in_work) > _MOST_IN_WORK or (live.in_work and live.random.random() < 0.6):
        name = live.random.choice(live.in_work)
        found = [loop for loop in store.load_loops(tx, ids=[name]) if loop.state.status.is_open]
        if found:
            return found[0]
        live.in_work.remove(name)
    some = f"{live.random.getrandbits(128):032x}"
    row = tx.one(_SQL["some_open_loop"], {"some": some})
    if row is None:
        return None
    live.in_work.append(row["id"])
    return store.load_loops(tx, ids=[row["id"]])[0]


def act(live: Run, app: App, tx: Transaction) -> str:
    """Somebody of the staff does something to a loop."""
    loop = _some_loop(live, tx)
    if loop is None:
        return "no loop was open"
    what = live.random.choice(sorted(_ACTS))
    still = [step for step in loop.state.steps if step.status.is_open]
    return _ACTS[what](live, app, tx, loop, still) or f"people: {what}"


def _hold_loop(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    step, until = _maybe(live, still), _soon(live, app)
    acting.hold(app, tx, live.somebody(), loop_id=loop.id, step_id=step, reason="other", until=until)
    return ""


def _release(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    acting.release(app, tx, live.somebody(), loop_id=loop.id, step_id=_maybe(live, still))
    return ""


def _snooze(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    acting.snooze(app, tx, live.somebody(), loop_id=loop.id, until=_soon(live, app))
    return ""


def _attest(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    step = live.random.choice(still).step_id
    acting.attest(app, tx, live.somebody(), loop_id=loop.id, step_id=step, reason="done-elsewhere", note="seen")
    return ""


def _close(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    acting.close_without_proof(
        app,
        tx,
        live.somebody(),
        loop_id=loop.id,
        step_id=_maybe(live, still),
        reason="patient-declined",
        note="said no",
    )
    return ""


def _restore(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    closed = [step.step_id for step in loop.state.steps if not step.status.is_open]
    if not closed:
        return "nothing to restore"
    acting.restore(app, tx, live.somebody(), loop_id=loop.id, step_id=live.random.choice(closed), note="after all")
    return ""


def _start(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    acting.start(app, tx, live.somebody(), loop_id=loop.id, step_id=_maybe(live, still))
    return ""


def _hand_over(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    taker = live.random.choice(live.people)
    handing_over.hand_over(app, tx, live.somebody(), loop_id=loop.id, to=taker, why="cover")
    return ""


def _answer(live: Run, app: App, tx: Transaction, loop: store.StoredLoop, still: Sequence[StepState]) -> str:
    offered = tx.one(_SQL["some_offer"], {"some": f"{live.random.getrandbits(128):032x}"})
    if offered is None:
        return "no offer to answer"
    taker = live.person(offered["taker"])
    if live.random.random() < 0.7:
        handing_over.accept_offer(app, tx, taker, loop_id=offered["loop_id"])
    else:
        handing_over.decline_offer(app, tx, taker, loop_id=offered["loop_id"], why="too much work")
    return ""


_ACTS: Mapping[str, Callable[[Run, App, Transaction, store.StoredLoop, Sequence[StepState]], str]] = {
    "answer an offer": _answer,
    "attest": _attest,
    "close": _close,
    "hand over": _hand_over,
    "hold": _hold_loop,
    "release": _release,
    "restore": _restore,
    "snooze": _snooze,
    "start": _start,
}


def _maybe(live: Run, still: Sequence[StepState]) -> str | None:
    return live.random.choice([None, *(step.step_id for step in still)])


def _soon(live: Run, app: App) -> datetime:
    return app.clock.now() + timedelta(hours=live.random.randint(1, 60))


def merge(live: Run, app: App, tx: Transaction) -> str:
    """Two patients are one."""
    survivor, prior = live.random.sample(live.patients, 2)
    done = merging.merge(app, tx, live.place.principal, survivor, prior, "simulation")
    if done is not None:
        live.merges.append(done.id)
    return "patients joined"


def unmerge(live: Run, app: App, tx: Transaction) -> str:
    """They were two after all."""
    if not live.merges:
        return "nobody to part"
    merging.unmerge(app, tx, live.place.principal, live.merges.pop(live.random.randrange(len(live.merges))))
    return "patients parted"


def die(live: Run, app: App, tx: Transaction) -> str:
    """Somebody dies."""
    index = live.random.randrange(len(live.patients))
    _write(live, app, tx, made_up.patient(index) | {"deceasedDateTime": app.clock.now().isoformat()})
    return "died"


def _patient_of(resource: Mapping[str, Any]) -> str:
    whose = resource.get("subject") or resource.get("for") or resource.get("patient")
    if whose is None:
        whose = next(one["actor"] for one in resource["participant"])
    return str(whose["reference"]).partition("/")[2]


def _name(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
