"""Loops, steps, acts, owners and offers in PostgreSQL. Every write is part of the caller's transaction."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from careloop.db import Row, Transaction, load_queries
from careloop.db.exchange import Statement
from careloop.loops.model import Act, ActKind, LoopState
from careloop.loops.rules.turned import Turned, with_turns

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SQL = load_queries("careloop.loops")
_decode_state = msgspec.json.Decoder(LoopState).decode
_decode_turned = msgspec.json.Decoder(Turned).decode


@dataclass(frozen=True, kw_only=True)
class StoredStep:
    """What the store knows of a step beside its state: owner, version of its Task, Provenance references."""

    step_id: str
    task_id: str
    owner: str
    task_version: int
    history: tuple[str, ...]


_decode_steps = msgspec.json.Decoder(list[StoredStep]).decode
_decode_acts = msgspec.json.Decoder(list[dict[str, Any]]).decode


@dataclass(frozen=True, kw_only=True)
class StoredLoop:
    """A loop as it stands: derived state, owner, and everything people did to it. `derived` is the state before clocks
    turned since."""

    id: str
    number: int
    patient_id: str
    owner: str
    as_of: datetime
    snoozed_until: datetime | None
    task_version: int
    history: tuple[str, ...]
    derived: LoopState
    state: LoopState
    steps: Mapping[str, StoredStep]
    acts: tuple[Act, ...]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An open hand-over: the giver stays owner until the taker accepts."""

    id: str
    loop_id: str
    giver: str
    taker: str
    why: str
    offered: datetime


@dataclass(frozen=True, kw_only=True)
class OwnerChange:
    """From `at` on, `owner` owns the loop (step_id '') or the step. `first`: nobody did before."""

    loop_id: str
    step_id: str
    owner: str
    at: datetime
    by: str
    why: str
    first: bool = False


@dataclass(frozen=True, kw_only=True)
class TaskPlace:
    """What a FHIR Task stands for: a loop (step_id '') or one of its steps."""

    loop_id: str
    step_id: str
    patient_id: str


def is_loop_id(text: str) -> bool:
    """True for what could be the id of a loop, an act or an offer."""
    return _UUID.fullmatch(text) is not None


def normal_state(state: LoopState) -> LoopState:
    """The state as the store gives it back, so that two can be compared with `==`."""
    return _decode_state(msgspec.json.encode(state))


def state_of(state: str, turned: str | None) -> LoopState:
    """The state of a loop from its columns `state` and `turned`, both as texts."""
    derived = _decode_state(state)
    return derived if turned is None else with_turns(derived, _decode_turned(turned))


def with_state(row: Row) -> Row:
    """The row with the state that its columns `state` and `turned` say, in the place of both."""
    rest = {name: value for name, value in row.items() if name != "turned"}
    return {**rest, "state": state_of(row["state"], row["turned"])}


def load_loops(
    tx: Transaction, *, patients: Sequence[str] = (), focuses: Sequence[str] = (), ids: Sequence[str] = ()
) -> list[StoredLoop]:
    """All loops of these patients, about these matters, or with these ids, oldest first; in one query."""
    rows = tx.rows(_SQL["loops_of_patients"], {"patients": list(patients), "focuses": list(focuses), "ids": list(ids)})
    return [_stored_loop(row, _acts(row)) for row in rows]


def load_turning(tx: Transaction, ids: Sequence[str]) -> list[StoredLoop]:
    """The loops with these ids, oldest first, without what people did to them: as much as a clock asks for."""
    return [_stored_loop(row, ()) for row in tx.rows(_SQL["loops_to_turn"], {"ids": list(ids)})]


def patients_with_loops(tx: Transaction, patients: Sequence[str]) -> Callable[[], list[str]]:
    """Those of some patients who have or had a loop; asked with what is asked next."""
    return _patients(tx, "patients_with_loops", "patients", patients)


def patients_with_proof(tx: Transaction, things: Sequence[str]) -> Callable[[], list[str]]:
    """Patients for whose loops a person named one of these resources (`Type/id`) as proof; asked with what is asked
    next."""
    return _patients(tx, "patients_with_proof", "things", things)


def _patients(tx: Transaction, query: str, name: str, some: Sequence[str]) -> Callable[[], list[str]]:
    if not some:
        return list
    asked = tx.later([Statement(_SQL[query], {name: list(some)})])
    return lambda: [row["patient_id"] for row in asked.rows[0]]


def _stored_loop(row: Row, acts: tuple[Act, ...]) -> StoredLoop:
    derived, turned = _decode_state(row["state"]), row["turned"]
    return StoredLoop(
        id=row["id"],
        number=row["number"],
        patient_id=row["patient_id"],
        owner=row["owner"],
        as_of=row["as_of"],
        snoozed_until=row["snoozed_until"],
        task_version=row["task_version"],
        history=tuple(row["history"]),
        derived=derived,
        state=derived if turned is None else with_turns(derived, _decode_turned(turned)),
        steps={step.step_id: step for step in _decode_steps(row["steps"])},
        acts=acts,
    )


def _acts(row: Row) -> tuple[Act, ...]:
    return tuple(_act({**act, "loop_id": row["id"]}) for act in _decode_acts(row["acts"]))


def _act(row: Row) -> Act:
    at = row["at"]
    return Act(
        id=row["id"],
        loop_id=row["loop_id"],
        step_id=row["step_id"],
        kind=ActKind(row["kind"]),
        at=at if isinstance(at, datetime) else datetime.fromisoformat(at),
        by=row["by"],
        data=row["data"],
        undone=row["undone"],
    )


def next_numbers(tx: Transaction, count: int) -> list[int]:
    """Fresh numbers of loops (the 2041 of L-2041)."""
    return [row["number"] for row in tx.rows(_SQL["next_numbers"], {"count": count})] if count else []


def save(tx: Transaction, loops: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> None:
    """Loop and step rows are as given; closed loops first, so that a matter may close and open again in one go."""
    ordered = sorted(loops, key=lambda row: (row["closed"] is None, row["id"]))
    if ordered:
        states = [{**row, "state": msgspec.Raw(row["state"].encode())} for row in ordered]
        tx.execute(_SQL["save_loops"], _rows(states))
    if steps:
        tx.execute(_SQL["save_steps"], _rows(steps))


def turn(tx: Transaction, loops: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]) -> None:
    """Of these loops the columns that a clock moves, and of some of their steps, are as given; `turned` as a value of
    `loops.rules.turned`."""
    rows = _rows(loops)
    tx.execute(_SQL["turning"])
    tx.execute(_SQL["turn_loops"], rows)
    tx.execute(_SQL["turned_all"])
    tx.execute(_SQL["turn_clocks"], rows)
    if steps:
        tx.execute(_SQL["turn_steps"], _rows(steps))


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Rows as one JSON text: one statement for all of them, whatever their number."""
    return {"rows": msgspec.json.encode(rows).decode()}


def change_owners(tx: Transaction, changes: Sequence[OwnerChange]) -> None:
    """Each change is in the chain of owners, without a gap or an overlap."""
    first = [{**vars(change), "owned_from": change.at} for change in changes if change.first]
    later = [vars(change) for change in changes if not change.first]
    if first:
        tx.execute(_SQL["first_ownership"], _rows(first))
    for change in later:
        tx.execute(_SQL["end_ownership"], change)
        tx.execute(_SQL["begin_ownership"], change)


def owner_at(tx: Transaction, loop_id: str, step_id: str, at: datetime) -> str | None:
    """Who owned the loop (step_id '') or step at that moment; None before it was known."""
    row = tx.one(_SQL["owner_at"], {"loop_id": loop_id, "step_id": step_id, "at": at})
    return None if row is None else str(row["owner"])


def open_steps_of(tx: Transaction, owners: Sequence[str]) -> dict[str, int]:
    """How many open steps each of these owners holds."""
    loads = {row["owner"]: int(row["open_steps"]) for row in tx.rows(_SQL["owner_loads"], {"owners": list(owners)})}
    return {owner: loads.get(owner, 0) for owner in owners}


def save_escalations(
    tx: Transaction, fired: Sequence[Mapping[str, Any]], standing: Mapping[str, Sequence[str]]
) -> None:
    """Each key has fired once; `standing` names, for each loop, the "step key" pairs that still hold."""
    if fired:
        tx.execute(_SQL["save_escalations"], _rows(fired))
    if standing:
        settled = [{"loop_id": loop_id, "standing": list(keys)} for loop_id, keys in standing.items()]
        tx.execute(_SQL["settle_escalations"], _rows(settled))


def add_act(tx: Transaction, act: Act, *, undoes: str | None = None) -> None:
    """The act is kept for ever."""
    tx.execute(_SQL["add_act"], {**vars(act), "data": msgspec.json.encode(act.data).decode(), "undoes": undoes})


def add_undo(tx: Transaction, undo_id: str, act: Act, at: datetime, by: str) -> None:
    """`act` counts no longer; both stay readable."""
    row = {"id": undo_id, "loop_id": act.loop_id, "step_id": act.step_id, "kind": "undo", "at": at, "by": by}
    tx.execute(_SQL["add_act"], {**row, "data": "{}", "undoes": act.id})


def waking(tx: Transaction, patients: Sequence[str], now: datetime) -> list[str]:
    """Those of some patients who are to be looked at by now, because a clock of a loop or a fact's time has come."""
    return [row["patient_id"] for row in tx.rows(_SQL["waking"], {"patients": list(patients), "now": now})]


def versions_in_all(tx: Transaction) -> int:
    """The sum of the versions of all loops' and steps' Tasks: the same while nothing is written."""
    return int(tx.value(_SQL["versions_in_all"]))


def loops_by_pathway(tx: Transaction) -> dict[str, int]:
    """How many loops each pathway has opened so far, and in which states: `referral completed`."""
    return {row["what"]: int(row["loops"]) for row in tx.rows(_SQL["loops_by_pathway"])}


def open_of_pathway(tx: Transaction, pathway: str, limit: int) -> list[Row]:
    """Open loops of one pathway, the first due first: id, number, patient_id, focus, owner, clock, opened, next_due,
    next_step, deadline."""
    return tx.rows(_SQL["open_of_pathway"], {"pathway": pathway, "limit": limit})


def find_act(tx: Transaction, act_id: str) -> Act | None:
    """One act by id."""
    row = tx.one(_SQL["act"], {"id": act_id})
    return None if row is None else _act(row)


def find_receipt(tx: Transaction, by: str, key: str) -> str | None:
    """The answer that this press of this person got already, as JSON text."""
    row = tx.one(_SQL["receipt"], {"by": by, "key": key})
    return None if row is None else str(row["receipt"])


def save_receipt(tx: Transaction, *, by: str, key: str, act_id: str, receipt: str, at: datetime) -> None:
    """The next press with this key gets the same answer."""
    tx.execute(_SQL["save_receipt"], {"by": by, "key": key, "act_id": act_id, "receipt": receipt, "at": at})


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of so many parts of all patients, who are divided evenly and always alike."""

    number: int = 0
    of: int = 1


def due_loops(tx: Transaction, now: datetime, batch: int, part: Part) -> list[tuple[str, str]]:
    """(loop, patient) pairs whose clocks have something to do by `now`, locked for this worker."""
    return [(row["id"], row["patient_id"]) for row in tx.rows(_SQL["due_loops"], _due(tx, now, batch, part))]


def due_count(tx: Transaction, now: datetime, most: int) -> int:
    """How many loops have something to do by `now`, counted up to `most`."""
    return int(tx.value(_SQL["due_count"], {"now": now, "most": most}))


def due_patients(tx: Transaction, now: datetime, batch: int, part: Part) -> list[str]:
    """Patients of whom a fact lay ahead whose time has come, locked for this worker."""
    return [row["patient_id"] for row in tx.rows(_SQL["due_patients"], _due(tx, now, batch, part))]


def _due(tx: Transaction, now: datetime, batch: int, part: Part) -> dict[str, Any]:
    return {"now": now, "batch": batch, "tenant": tx.tenant_id, "part": part.number, "parts": part.of}


def escalations_since(tx: Transaction, since: datetime) -> tuple[int, int]:
    """How many escalations fired since then, and how many of them late."""
    row = tx.rows(_SQL["escalations_since"], {"since": since})[0]
    return int(row["fired"]), int(row["late"])


def set_wake(tx: Transaction, patient_id: str, wake_at: datetime) -> None:
    """The patient is looked at again at `wake_at`."""
    tx.execute(_SQL["set_wake"], {"patient_id": patient_id, "wake_at": wake_at})


def clear_wakes(tx: Transaction, patients: Sequence[str]) -> None:
    """These patients are looked at again only when a fact changes."""
    if patients:
        tx.execute(_SQL["clear_wakes"], {"patients": list(patients)})


def note_once(tx: Transaction, patient_id: str, keys: Sequence[str], now: datetime) -> list[str]:
    """Those of the keys that were not noted before; they are now."""
    return [row["key"] for row in tx.rows(_SQL["note_once"], {"patient_id": patient_id, "keys": keys, "at": now})]


def postpone(tx: Transaction, ids: Sequence[str], now: datetime, later: datetime) -> None:
    """Loops among `ids` that would wake again at once wake at `later`."""
    if ids:
        tx.execute(_SQL["still_due"], {"ids": list(ids), "now": now, "later": later})


def open_offer(tx: Transaction, loop_id: str) -> Offer | None:
    """The hand-over that waits for an answer."""
    row = tx.one(_SQL["open_offer"], {"loop_id": loop_id})
    return None if row is None else Offer(**row)


def find_offer(tx: Transaction, offer_id: str) -> Offer | None:
    """An offer that nobody answered yet, by id."""
    row = tx.one(_SQL["offer"], {"id": offer_id})
    return None if row is None else Offer(**row)


def add_offer(tx: Transaction, offer: Offer) -> None:
    """The offer stands; only one may stand for a loop."""
    tx.execute(_SQL["add_offer"], vars(offer))


def answer_offer(tx: Transaction, offer_id: str, *, answer: str, why: str | None, at: datetime) -> None:
    """The offer is accepted, declined or withdrawn."""
    tx.execute(_SQL["answer_offer"], {"id": offer_id, "answer": answer, "why": why, "at": at})


def withdraw_idle_offers(tx: Transaction, loops: Sequence[str], at: datetime) -> None:
    """Offers of these loops stand only while the giver holds something open of the loop."""
    tx.execute(_SQL["withdraw_idle_offers"], {"loops": list(loops), "at": at})


def work_of(tx: Transaction, owner: str) -> list[Row]:
    """Open loops and steps of this owner: loop_id, step_id ('' for the loop), patient_id, owner_role."""
    return tx.rows(_SQL["work_of_owner"], {"owner": owner})


def place_of_task(tx: Transaction, task_id: str) -> TaskPlace | None:
    """What this Task stands for; None when it is not one of ours."""
    if not is_loop_id(task_id):
        return None
    row = tx.one(_SQL["loop_of_task"], {"task_id": task_id})
    return None if row is None else TaskPlace(**row)
