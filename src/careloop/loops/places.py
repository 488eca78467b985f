"""Places of open loops on everybody's list, kept so that a page of it is read and not sorted (see the migration 0018).

A place holds for a span. Lists take it while it does and reckon it anew where it does not, so nothing here decides what
is shown; it decides how quickly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Transaction, load_queries
from careloop.loops.model import LoopState
from careloop.loops.rules.rank import RankDays, RankWeights, is_outside, lasting_points
from careloop.loops.store import state_of
from careloop.loops.worklist import digest_of, weights_of
from careloop.record import cursors
from careloop.record.cursors import Reader

_SQL = load_queries("careloop.loops", "places.sql")
FIRST = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """By what places are reckoned: the instants and midnights, the zone they come from, the weights."""

    days: RankDays
    zone: str
    weights: RankWeights


@dataclass(frozen=True, kw_only=True)
class Clock:
    """By which weights and zone places were reckoned last, and when they were counted."""

    digest: str
    counted: datetime | None


def clock(tx: Transaction) -> Clock | None:
    """None before the first time."""
    row = tx.one(_SQL["clock"])
    return None if row is None else Clock(**row)


def set_clock(tx: Transaction, moment: Moment) -> None:
    """Places are reckoned by this moment from now on; those of other weights or another zone hold no more."""
    before = clock(tx)
    if before is None or before.digest != digest_of(moment.weights, moment.zone):
        tx.execute(_SQL["forget_all"])
    tx.execute(_SQL["set_clock"], _values(moment))


def renew(tx: Transaction, moment: Moment, limit: int) -> int:
    """At most `limit` places that did not hold do now; how many."""
    return tx.execute(_SQL["renew"], {**_values(moment), "limit": limit})


def count(tx: Transaction, moment: Moment) -> None:
    """The totals of everybody's list are those of now."""
    tx.execute(_SQL["clear_totals"])
    tx.execute(_SQL["count_places"], _values(moment))
    tx.execute(_SQL["set_counted"], {"now": moment.days.now})


def weigh(tx: Transaction, weights: RankWeights, after: str, limit: int) -> str | None:
    """The next `limit` open loops after `after` have the lasting points, safety and outside clocks that these weights
    give; the last of them, None when there are no more."""
    rows = tx.rows(_SQL["some_open"], {"after": after, "limit": limit})
    states = [(row, state_of(row["state"], row["turned"])) for row in rows]
    loops = [_weighed(row, state, weights) for row, state in states]
    changed = [new for (row, _), new in zip(states, loops, strict=True) if any(row[name] != new[name] for name in new)]
    steps = [
        {"loop_id": state.id, "step_id": step.step_id, "outside": is_outside(weights, state.pathway, step.step_id)}
        for _, state in states
        for step in state.steps
    ]
    if changed:
        tx.execute(_SQL["weigh"], _rows(changed))
    if steps:
        tx.execute(_SQL["weigh_steps"], _rows(steps))
    return str(rows[-1]["id"]) if rows else None


def _weighed(row: Mapping[str, Any], state: LoopState, weights: RankWeights) -> dict[str, Any]:
    return {
        "id": row["id"],
        "lasting_points": lasting_points(state, weights),
        "safety": state.pathway in weights.safety,
        "next_outside": bool(row["next_step"]) and is_outside(weights, state.pathway, row["next_step"]),
    }


def read_changed(tx: Transaction, types: Sequence[str], limit: int) -> tuple[list[str], bool] | None:
    """Patients of whom the next entries of the change feed tell, by one of these types, and whether more are left; None
    where nothing can be read now. To be called first in a transaction."""
    window = cursors.open_window(tx, Reader.TRAITS)
    if window is None:
        return None
    asked = {"after": window.after, "through": window.through, "types": list(types), "limit": limit}
    entries = tx.rows(_SQL["changed"], asked)
    patients = {entry["id"] if entry["type"] == "Patient" else entry["patient_id"] for entry in entries} - {None}
    more = cursors.move_on(tx, window, entries[-1]["seq"] if len(entries) == limit else None)
    return sorted(patients), more


def set_traits(tx: Transaction, traits: Mapping[str, Sequence[tuple[str, str]]]) -> None:
    """By patient id the (kind, value) pairs lists filter by; these and no others."""
    tx.execute(_SQL["clear_traits"], {"patients": list(traits)})
    rows = [
        {"kind": kind, "value": value, "patient_id": patient}
        for patient, pairs in traits.items()
        for kind, value in pairs
    ]
    if rows:
        tx.execute(_SQL["add_traits"], _rows(rows))


def traits(tx: Transaction) -> dict[str, list[str]]:
    """By kind the values that some patient has."""
    found: dict[str, list[str]] = {}
    for row in tx.rows(_SQL["traits"]):
        found.setdefault(row["kind"], []).append(row["value"])
    return found


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {"rows": msgspec.json.encode(rows).decode()}


def _values(moment: Moment) -> dict[str, Any]:
    return {
        "now": moment.days.now,
        "tomorrow": moment.days.tomorrow,
        "day_after": moment.days.day_after,
        "zone": moment.zone,
        "weights": weights_of(moment.weights),
        "digest": digest_of(moment.weights, moment.zone),
    }
