"""`careloop bench simulate`: days of made-up care over every pathway, with what goes wrong; is everything still true?

Facts come late, twice and out of order; proof is withdrawn; people act, undo and hand over; staff leave and come;
patients are joined and parted, and die. After each day `careloop verify` is asked. The same facts again must write
nothing. One random source: a seed is a run.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from careloop.access.model import Principal, Role
from careloop.bench import made_up
from careloop.bench.figures import Figure, Figures, at_most
from careloop.bench.installation import PASSWORD, Place, installation
from careloop.bench.made_up_care import Care
from careloop.clock import clock_started_at
from careloop.db import Transaction
from careloop.errors import CareloopError
from careloop.flows import acting, closing, deadlines, engine, handing_over, merging, staffing, verifying, writing
from careloop.flows.app import App
from careloop.flows.bulk import import_bundles
from careloop.flows.staffing import NewStaff
from careloop.identity.merges import Merge
from careloop.loops import store
from careloop.loops.rules.pathways import Pathway
from careloop.record import Write

FIRST_DAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday morning in New York; the clocks change within the week."""
_TURNS = 4
"""So often a day something happens, three hours apart, and what is due is carried out."""
_OPENINGS, _PROOFS, _ACTS = 0.02, 0.05, 0.01
"""Of each patient a day: so many things that may open a loop, proofs, acts of people."""
_SAMPLE, _LOOKED_AT = 20, 12
"""Patients of whom the same facts are told again each night; among whom an open loop is looked for."""


@dataclass
class Run:
    """One simulation while it goes on."""

    place: Place
    random: Random
    care: Care
    patients: list[str]
    staff: dict[str, str]
    categories: Sequence[str]
    done: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    hired: int = 0

    @property
    def tenant_id(self) -> int:
        """The only tenant."""
        return self.place.tenant.id


def run(patients: int, days: int, seed: int, command: str, *, whole_every: int = 10) -> Figures:
    """`days` days of so many patients. What is not true after a day is in the figures, by its rule, as not met. Every
    `whole_every` days and after the last all of it is looked at, else loops, teams and diaries whole and of the record
    what the day wrote."""
    started = time.monotonic()
    with installation() as place:
        live = _begin(place, patients, seed)
        for day in range(days):
            _live_a_day(live, FIRST_DAY + timedelta(days=day), whole=(day + 1) % whole_every == 0 or day + 1 == days)
            if live.findings:
                break
        counts = _counts(place)
    seconds = time.monotonic() - started
    figures = [Figure(name=name, value=count, unit="") for name, count in sorted((live.done + counts).items())]
    figures += [Figure(name=finding, value=1, unit="found", met=False) for finding in live.findings[:20]]
    figures.append(at_most("things that are not as they must be", len(live.findings), "", 0))
    figures.append(Figure(name=f"{day + 1} days of {patients:,} patients, seed {seed}", value=seconds, unit="s"))
    return Figures(benchmark="simulate", command=command, figures=figures)


def _begin(place: Place, patients: int, seed: int) -> Run:
    import_bundles(place.app, place.tenant, place.principal, list(made_up.patients(patients)))
    pathways = engine.content_of(place.app.catalog).pathways.active
    openers = openers_of(pathways.values())
    words = place.app.catalog.document("vocabulary", "careloop")
    random = Random(seed)  # noqa: S311 - a made-up life, not a secret
    live = Run(
        place=place,
        random=random,
        care=Care(random, [], openers),
        patients=[f"bench-{index}" for index in range(patients)],
        staff={},
        categories=sorted(words["communication_categories"]["codes"]),
    )
    for role in (Role.COORDINATOR, Role.COORDINATOR, Role.NURSE, Role.NURSE, Role.PHYSICIAN, Role.MANAGER):
        _hire(live, place.app, role)
    return live


def openers_of(pathways: Iterable[Pathway]) -> list[str]:
    """Pathways that a request (`urn:careloop:open`) opens."""
    return sorted(one.id for one in pathways if f"urn:careloop:open|{one.id}" in str(one.opens_when.when))


def _hire(live: Run, app: App, role: Role) -> None:
    live.hired += 1
    name = f"sim{live.hired}"
    person = NewStaff(username=name, name=f"Sim {role.value} {live.hired}", roles=[role], password=PASSWORD)
    manager = replace(live.place.principal, roles=frozenset({Role.MANAGER, Role.ADMINISTRATOR}))
    live.staff[name] = staffing.create_account(app, manager, live.place.tenant, person).member.reference
    live.care.staff = list(live.staff.values())


def _leave(live: Run, app: App) -> None:
    """Somebody goes; what they held moves first. Somebody of the same kind comes."""
    name = live.random.choice([one for one in live.staff if one != "lead"])
    manager = replace(live.place.principal, roles=frozenset({Role.MANAGER, Role.ADMINISTRATOR}))
    live.done["work moved when somebody left"] += staffing.disable(app, manager, live.place.tenant, name)
    del live.staff[name]
    _hire(live, app, live.random.choice([Role.COORDINATOR, Role.NURSE, Role.PHYSICIAN]))
    live.done["staff who left"] += 1


def _live_a_day(live: Run, morning: datetime, *, whole: bool) -> None:
    for turn in range(_TURNS):
        app = live.place.app.with_clock(clock_started_at(morning + timedelta(hours=3 * turn)))
        for share, happen in ((_OPENINGS, _open), (_PROOFS, _prove), (_ACTS, _act)):
            for _ in range(_how_many(live, share / _TURNS)):
                _try(live, app, happen)
        deadlines.run(app, live.place.tenant)
    for chance, happens in ((0.1, _merge), (0.05, _unmerge), (0.2, _die)):
        if live.random.random() < chance * len(live.patients) / 1000:
            _try(live, app, happens)
    if live.random.random() < 0.15:
        _leave(live, app)
    night = live.place.app.with_clock(clock_started_at(morning + timedelta(hours=14)))
    deadlines.run(night, live.place.tenant)
    _look(live, night, morning, whole=whole)


def _how_many(live: Run, share: float) -> int:
    whole = len(live.patients) * share
    return int(whole) + (live.random.random() < whole % 1)


def _try(live: Run, app: App, happen: Callable[[Run, App, Transaction], str]) -> None:
    """It happens in one transaction, or is refused for a reason, and then nothing of it happened."""
    try:
        with app.database.transaction(live.tenant_id, actor="simulation") as tx:
            what = happen(live, app, tx)
        live.done[what] += 1
    except CareloopError as error:
        live.done[f"refused: {type(error).__name__}"] += 1


def _open(live: Run, app: App, tx: Transaction) -> str:
    resource = live.care.opening(live.random.choice(live.patients), app.clock.now())
    _write(live, app, tx, resource)
    return f"opened by {resource['resourceType']}"


def _prove(live: Run, app: App, tx: Transaction) -> str:
    """Something that may prove a step; one in ten is said twice, one in ten is something old that is withdrawn."""
    if live.written and live.random.random() < 0.1:
        return _withdraw(live, app, tx)
    loop = _some_loop(tx, live)
    if loop is None:
        return "no loop was open"
    patient = loop.patient_id
    if loop.state.pathway == "test-result" and live.random.random() < 0.5:
        order = loop.state.focus if loop.state.focus.startswith("ServiceRequest/") else None
        resource = live.care.report(patient, app.clock.now(), order)
    else:
        resource = live.care.proof(patient, app.clock.now(), loop.state.focus, f"Task/{loop.id}", live.categories)
    _write(live, app, tx, resource)
    if live.random.random() < 0.1:
        _write(live, app, tx, resource)
    return f"said by {resource['resourceType']}"


def _write(live: Run, app: App, tx: Transaction, resource: dict[str, Any]) -> None:
    write = Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)
    writing.write(app, tx, live.place.principal, [write])
    live.written = [*live.written[-500:], resource]


def _withdraw(live: Run, app: App, tx: Transaction) -> str:
    resource = live.random.choice(live.written)
    if live.random.random() < 0.5 or resource["resourceType"] in ("Appointment", "DiagnosticReport"):
        _write(live, app, tx, {**resource, "status": "entered-in-error"})
        return "withdrawn"
    gone = Write(method="delete", resource_type=resource["resourceType"], id=resource["id"])
    writing.write(app, tx, live.place.principal, [gone])
    return "deleted"


def _some_loop(tx: Transaction, live: Run) -> store.StoredLoop | None:
    patients = live.random.sample(live.patients, min(_LOOKED_AT, len(live.patients)))
    found = [loop for loop in store.load_loops(tx, patients=patients) if loop.state.status.is_open]
    return live.random.choice(found) if found else None


def _person(live: Run) -> Principal:
    _name, reference = live.random.choice(sorted(live.staff.items()))
    return replace(
        live.place.principal,
        id=reference,
        practitioner_id=reference.partition("/")[2],
        roles=frozenset({Role.COORDINATOR}),
    )


def _act(live: Run, app: App, tx: Transaction) -> str:
    loop = _some_loop(tx, live)
    if loop is None:
        return "no loop was open"
    person, now = _person(live), app.clock.now()
    still = [step.step_id for step in loop.state.steps if step.status.is_open]
    step, until = live.random.choice([None, *still]), now + timedelta(hours=live.random.randint(1, 60))
    what = live.random.choice(["hold", "snooze", "attest", "close", "start", "hand over", "accept"])
    if what == "hold":
        acting.hold(app, tx, person, loop_id=loop.id, step_id=step, reason="other", until=until)
    elif what == "snooze":
        acting.snooze(app, tx, person, loop_id=loop.id, until=until)
    elif what == "attest":
        acting.attest(
            app, tx, person, loop_id=loop.id, step_id=live.random.choice(still), reason="done-elsewhere", note="seen"
        )
    elif what == "close":
        acting.close_without_proof(
            app, tx, person, loop_id=loop.id, step_id=step, reason="patient-declined", note="said no"
        )
    elif what == "start":
        acting.start(app, tx, person, loop_id=loop.id, step_id=step)
    elif what == "hand over":
        taker = live.random.choice(sorted(live.staff.values()))
        handing_over.hand_over(app, tx, person, loop_id=loop.id, to=taker, why="cover")
    else:
        offer = store.open_offer(tx, loop.id)
        if offer is None:
            return "no offer to accept"
        taker_id = offer.taker.partition("/")[2]
        handing_over.accept_offer(app, tx, replace(person, id=offer.taker, practitioner_id=taker_id), loop_id=loop.id)
    return f"people: {what}"


def _merge(live: Run, app: App, tx: Transaction) -> str:
    survivor, prior = live.random.sample(live.patients, 2)
    done = merging.merge(app, tx, live.place.principal, survivor, prior, "simulation")
    if done is not None:
        live.merges.append(done)
    return "patients joined"


def _unmerge(live: Run, app: App, tx: Transaction) -> str:
    if not live.merges:
        return "nobody to part"
    merging.unmerge(app, tx, live.place.principal, live.merges.pop(live.random.randrange(len(live.merges))).id)
    return "patients parted"


def _die(live: Run, app: App, tx: Transaction) -> str:
    index = live.random.randrange(len(live.patients))
    patient = made_up.patient(index) | {"deceasedDateTime": app.clock.now().isoformat()}
    _write(live, app, tx, patient)
    return "died"


def _look(live: Run, app: App, day: datetime, *, whole: bool) -> None:
    """Everything that must be true after a day; and the same facts again write nothing."""
    live.findings += [
        f"{day:%d %b} {one.part}: {one.at}, expected {one.expected}"
        for one in verifying.verify_tenant(app, live.place.tenant, since=None if whole else day)
    ]
    with app.database.transaction(live.tenant_id, actor="simulation") as tx:
        before = store.versions_in_all(tx)
        for patient in live.random.sample(live.patients, min(_SAMPLE, len(live.patients))):
            closing.review(app, tx, [patient], "the same again")
        if store.versions_in_all(tx) != before:
            live.findings.append(f"{day:%d %b} the same facts again wrote something")


def _counts(place: Place) -> Counter[str]:
    with place.app.database.transaction(place.tenant.id, actor="simulation") as tx:
        return Counter({f"loops: {name}": count for name, count in store.loops_by_pathway(tx).items()})
