"""A draft pathway and the active one on the facts of the last days, side by side; nothing is written.

In sets: two queries for some hundreds of patients, no query for one. Each fact is taken as known when it happened, so
that a history that was loaded yesterday says as much as a live feed (decision 0188). People's acts on loops of the
pathway count for both.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from careloop import collector
from careloop.access import accounts
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.flows import engine, routing
from careloop.flows.app import App
from careloop.loops import effects, store
from careloop.loops.facts import PatientFacts
from careloop.loops.ids import loop_id
from careloop.loops.model import ExistingLoop, LoopState, Status
from careloop.loops.ownership import PHYSICIAN
from careloop.loops.pathways import parse_pathway
from careloop.loops.rehearsal import Days, OwnerOf, Tally, compared, end_of
from careloop.loops.rules.calendar import Span, after
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import Anchor, anchors
from careloop.loops.rules.pathways import Pathway
from careloop.record import Stored

SET = 250
"""So many patients are read with one query."""
MOST_DAYS = 366
_DAY = timedelta(days=1)

Beat = Callable[[int, int], None]
"""How far it is: patients done, patients in all."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two pathways, the content that holds it alone, and what was counted."""

    pathway: Pathway
    content: engine.Content
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, kw_only=True)
class _Chart:
    """What was read of one patient."""

    patient_id: str
    facts: PatientFacts
    resources: Sequence[Stored]
    loops: Sequence[store.StoredLoop]


def rehearse(
    app: App, tenant: Tenant, document: Mapping[str, Any], days: int, beat: Beat | None = None
) -> dict[str, Any]:
    """The report for a checked pathway document, over the last `days` days, as JSON values. The server refuses any
    write in the transaction that this reads in."""
    began = time.monotonic()
    now = app.clock.now()
    seen = Days(since=now - timedelta(days=days), until=now, zone=ZoneInfo(tenant.zone))
    with app.database.snapshot(tenant.id, actor="rehearsal", read_only=True) as tx:
        content = engine.content_for(app, tx)
        draft = _side(content, parse_pathway(document))
        standing = content.pathways.active.get(draft.pathway.id)
        active = _side(content, standing) if standing else None
        sides = [draft, *([active] if active else [])]
        patients = _patients(app, tx, document, _earliest(sides, seen, content), seen)
        staff = _Staff(tx)
        for done in range(0, len(patients), SET):
            with collector.paused():
                charts = list(_charts(app, tx, tenant, patients[done : done + SET], draft.pathway.id))
                for chart, desk in zip(charts, _desks(app, tx, charts), strict=True):
                    for side in sides:
                        _count(side, tenant, chart, seen, staff.owner_of(chart, desk))
            if beat:
                beat(min(done + SET, len(patients)), len(patients))
    return {
        "tenant": tenant.slug,
        "pathway": draft.pathway.id,
        "versions": {"draft": draft.pathway.version, "active": active.pathway.version if active else None},
        "days_replayed": days,
        "since": seen.since.isoformat(),
        "until": seen.until.isoformat(),
        "patients_read": len(patients),
        "seconds": round(time.monotonic() - began, 3),
        **compared(draft.tally, active.tally if active else None),
    }


def _patients(app: App, tx: Transaction, document: Mapping[str, Any], earliest: datetime, seen: Days) -> list[str]:
    """Patients of whom something may open the pathway, and those who have an open loop of it."""
    found = app.record.patients_since(tx, _opening_types(document), earliest, seen.since)
    return sorted({*found, *effects.open_patients(tx, document["id"])})


def _side(content: engine.Content, pathway: Pathway) -> Side:
    only = replace(pathway, status="active")
    pathways = replace(content.pathways, active={only.id: only}, versions={(only.id, only.version): only})
    return Side(pathway=only, content=replace(content, pathways=pathways))


def _opening_types(document: Mapping[str, Any]) -> list[str]:
    """The resource types that a pathway can open by; all that rules read where it does not say."""
    opens = document["opens_when"]
    if opens["event"] != "fact":
        return ["Encounter"]
    found = set(_named_types(opens.get("when", {})))
    return sorted(found) or list(engine.RESOURCE_TYPES)


def _named_types(condition: Any) -> Iterator[str]:
    if isinstance(condition, Mapping):
        for name, value in condition.items():
            if name == "resource":
                yield str(value)
            else:
                yield from _named_types(value)
    elif isinstance(condition, list):
        for part in condition:
            yield from _named_types(part)


def _earliest(sides: Sequence[Side], seen: Days, content: engine.Content) -> datetime:
    """A loop that opened before this is over when the days begin."""
    return seen.since - max(_length(side.pathway.window, seen, content) for side in sides) - _DAY


def _length(span: Span, seen: Days, content: engine.Content) -> timedelta:
    return after(seen.since, span, str(seen.zone), content.calendar).due - seen.since


def _charts(app: App, tx: Transaction, tenant: Tenant, patients: Sequence[str], pathway_id: str) -> Iterator[_Chart]:
    resources = app.record.of_patients(tx, patients, engine.RESOURCE_TYPES)
    roles = routing.roles_of(tx, [one for mine in resources.values() for one in mine])
    loops: dict[str, list[store.StoredLoop]] = {patient: [] for patient in patients}
    for loop in store.load_loops(tx, patients=patients):
        if loop.state.pathway == pathway_id:
            loops[loop.patient_id].append(loop)
    by_hand = _proofs_by_hand(app, tx, loops)
    for patient in patients:
        known = [*resources[patient], *by_hand.get(patient, ())]
        facts = engine.facts_of(tenant, patient, known, roles)
        yield _Chart(patient_id=patient, facts=facts, resources=known, loops=loops[patient])


def _proofs_by_hand(
    app: App, tx: Transaction, loops: Mapping[str, Sequence[store.StoredLoop]]
) -> dict[str, list[Stored]]:
    """What people named as proof and no rule asks about, as far as it stands, by patient; in one query."""
    named = {
        patient: {str(act.data.get("reference", "")).split("/_history/")[0] for loop in mine for act in loop.acts}
        for patient, mine in loops.items()
        if mine
    }
    wanted = sorted({one for mine in named.values() for one in mine if one.split("/")[0] not in engine.RESOURCE_TYPES})
    found = app.record.fetch(tx, [one for one in wanted if one])
    return {patient: [found[one] for one in sorted(mine) if one in found] for patient, mine in named.items()}


def _desks(app: App, tx: Transaction, charts: Sequence[_Chart]) -> list[routing.Desk]:
    """Where each patient's work is routed: what is asked of the staff is read for all of them together."""
    office = routing.Office(app, tx)
    return [routing.Desk(office, chart.patient_id, chart.resources) for chart in charts]


def _count(side: Side, tenant: Tenant, chart: _Chart, seen: Days, owner_of: Callable[[LoopState], OwnerOf]) -> None:
    for state in _lives(side, tenant, chart, seen):
        ended = end_of(state)
        if ended is None or ended >= seen.since:
            side.tally.add(state, seen, owner_of(state))


def _lives(side: Side, tenant: Tenant, chart: _Chart, seen: Days) -> Sequence[LoopState]:
    """Every loop of the pathway that lived in these days, as it is at their end.

    The engine opens no loop whose window was over before anybody looked. Here everybody looked all the time: whatever
    could open a loop did, when it happened, and what opened one in life did so here too.
    """
    known = {loop.id: ExistingLoop.of(loop.state, seen.since) for loop in chart.loops}
    earliest = seen.since - _length(side.pathway.window, seen, side.content) - _DAY
    for anchor in anchors(side.pathway, chart.facts, side.content.pathways, Moments(seen.until)):
        if anchor.at >= earliest:
            identity = loop_id(tenant.id, side.pathway.id, anchor.focus, anchor.matter)
            known.setdefault(identity, _opened(identity, side.pathway, anchor))
    acts = [act for loop in chart.loops for act in loop.acts]
    return engine.derive_from(side.content, tenant, chart.facts, list(known.values()), acts, seen.until).loops


def _opened(identity: str, pathway: Pathway, anchor: Anchor) -> ExistingLoop:
    return ExistingLoop(
        id=identity,
        pathway=pathway.id,
        version=pathway.version,
        focus=anchor.focus,
        matter=anchor.matter,
        status=Status.ACCEPTED,
        as_of=anchor.at,
    )


class _Staff:
    """Who would own what: as it stands for loops that there are, else as routing would choose now (PG-01, RE-02)."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    @cached_property
    def _names(self) -> dict[str, str]:
        queue = routing.queue_reference(self._tx.tenant_id)
        return {queue: "Queue", **{one.reference: one.name for one in accounts.staff(self._tx) if one.active}}

    def owner_of(self, chart: _Chart, desk: routing.Desk) -> Callable[[LoopState], OwnerOf]:
        """Names of owners for one patient's loops, found when they are asked for."""
        stored = {loop.id: loop for loop in chart.loops}

        def of_loop(state: LoopState) -> OwnerOf:
            loop = stored.get(state.id)
            dues = {step.step_id: step.due.date() for step in state.steps}

            def owner(step_id: str, role: str) -> str:
                held = _held(loop, step_id, role)
                if held is not None and held in self._names:
                    return self._names[held]
                need = desk.office.need(state.pathway, step_id, role, dues.get(step_id))
                asker = desk.asker_of(state.focus) if role == PHYSICIAN else None
                return self._names.get(desk.choice(role, need, asker=asker).owner, "Queue")

            return owner

        return of_loop


def _held(loop: store.StoredLoop | None, step_id: str, role: str) -> str | None:
    """Who owns this now; None where nothing stands, or the step is another role's business in this pathway."""
    if loop is None:
        return None
    if step_id == "":
        return loop.owner
    step = next((one for one in loop.state.steps if one.step_id == step_id), None)
    return loop.steps[step_id].owner if step and step.owner_role == role and step_id in loop.steps else None
