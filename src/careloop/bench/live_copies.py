"""Copies of loops that are whole: rows, owners, Tasks and Provenance by the code that writes any new loop.

Only the derivation is spared: the state of a copy is that of its template with another person in it. A sweep finds of
them what it finds of any loop.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from careloop.bench.installation import Place
from careloop.bench.telling import Stage, by_two
from careloop.db import Transaction, load_queries
from careloop.flows import engine, loop_changes
from careloop.flows.causes import Cause
from careloop.loops import store
from careloop.loops.ids import loop_id
from careloop.loops.model import LoopState
from careloop.loops.plans import LoopChange

_SQL = load_queries("careloop.bench", "population.sql")
_BATCH = 200
_decode = msgspec.json.Decoder(LoopState).decode

Awake = frozenset[int]
"""Numbers of the people whose copied loop is whole."""


def first_to_wake(place: Place, templates: int, open_loops: int, count: int) -> Awake:
    """About so many of the copies: all of the templates that wake first."""
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        wakes = [row["template"] for row in tx.rows(_SQL["wakes"])]
    each = max(1, (open_loops - templates) // templates)
    chosen = set(wakes[: -(-count // each)])
    return frozenset(islice((one for one in range(templates, open_loops) if one % templates in chosen), count))


def add(place: Place, templates: int, open_loops: int, awake: Awake) -> None:
    """The loops of these people stand, with everything that a loop has."""
    numbers = sorted(one for one in awake if one < open_loops)
    if not numbers:
        return
    with place.app.database.transaction(place.tenant.id, actor="bench") as tx:
        rows = tx.rows(_SQL["template_loops"])
        found = {row["template"]: row["id"] for row in rows if row["template"] < templates}
        states = {loop.id: loop.state for loop in store.load_loops(tx, ids=sorted(found.values()))}
    texts = {number: msgspec.json.encode(states[id_]).decode() for number, id_ in found.items()}

    def some(start: int) -> int:
        batch = numbers[start : start + _BATCH]
        copies = [
            _copy(place.tenant.id, texts[one % templates], one % templates, one)
            for one in batch
            if one % templates in texts
        ]
        place.app.database.run(place.tenant.id, lambda tx: _write(place, tx, copies), actor="bench")
        return len(batch)

    by_two(Stage("loops with Tasks", len(numbers)), some, range(0, len(numbers), _BATCH))


def _copy(tenant_id: int, text: str, template: int, number: int) -> LoopState:
    """The state of a template's loop, of another person."""
    state = _decode(text.replace(f"{template:08d}", f"{number:08d}"))
    return _decode(
        msgspec.json.encode(state)
        .decode()
        .replace(state.id, loop_id(tenant_id, state.pathway, state.focus, state.matter))
    )


def _write(place: Place, tx: Transaction, states: Sequence[LoopState]) -> None:
    app, now = engine.at_practice(place.app, tx), place.app.clock.now()
    about: dict[str, Any] = app.record.of_patients(tx, [one.patient_id for one in states], ("CareTeam", "Patient"))
    works = [
        loop_changes.Work(
            patient_id=one.patient_id,
            zone=ZoneInfo(one.zone),
            resources=about[one.patient_id],
            changes=[LoopChange(old=None, new=one)],
            beside=(),
        )
        for one in states
    ]
    loop_changes.carry_out(app, tx, works, Cause(fact="a copy"), now)
