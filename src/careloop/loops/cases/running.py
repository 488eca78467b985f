"""Runs the cases of a pathway: what is given, when, and what must follow. Pure: content and case in, faults out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloop.errors import Fault
from careloop.loops.cases.building import ROLES, Item, resource_of
from careloop.loops.facts import Known, PatientFacts, read_facts
from careloop.loops.facts.keys import KeyReader, no_keys
from careloop.loops.model import Act, ActKind, ClockState, Derivation, ExistingLoop, LoopSettings, LoopState, StepState
from careloop.loops.rules.calendar import Calendar
from careloop.loops.rules.derive import derive
from careloop.loops.rules.episodes import episode
from careloop.loops.rules.pathways import Pathways

TENANT = 1
ZONE = "America/New_York"


@dataclass(frozen=True, kw_only=True)
class Content:
    """What cases run against."""

    pathways: Pathways
    calendar: Calendar
    keys: KeyReader = no_keys


@dataclass(frozen=True, kw_only=True)
class Played:
    """Where a case has come to: the facts, the loops derived from them, the choices and the instant."""

    facts: PatientFacts
    derivation: Derivation
    settings: LoopSettings
    now: datetime


def run_case(case: Item, content: Content, pathway: str) -> list[Fault]:
    """Everything in which the outcome differs from `then`. `pathway` is the one that the file is about."""
    played = play(case, content)
    expected = case["then"]
    wanted = expected if isinstance(expected, list) else [expected]
    return [
        Fault(at=str(case["case"]), expected=text) for one in wanted for text in _compare(one, played, content, pathway)
    ]


def play(case: Item, content: Content) -> Played:
    """The case, derived after each of its moments in turn, as the product would; and at its last moment."""
    settings = replace(LoopSettings(zone=case.get("zone", ZONE)), **case.get("settings", {}))
    lines = sorted([*case.get("given", ()), *case.get("when", ())], key=lambda line: _instant(_moment(line)))
    resources: dict[str, Known] = {}
    acts: list[Act] = []
    derivation, facts = Derivation(loops=()), _read([], settings, content)
    now = _instant(_moment(lines[0]))
    for number, line in enumerate(lines, start=1):
        now = _instant(_moment(line))
        _take(line, number, now, resources, acts, derivation)
        facts = _read(list(resources.values()), settings, content)
        derivation = derive(content.pathways, content.calendar, facts, _existing(derivation, now), acts, settings, now)
    return Played(facts=facts, derivation=derivation, settings=settings, now=now)


def _moment(line: Item) -> str:
    return str(line.get("arrives") or line.get("at") or line["clock"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _read(resources: Sequence[Known], settings: LoopSettings, content: Content) -> PatientFacts:
    return read_facts(resources, tenant_id=TENANT, patient_id="p", zone=settings.zone, roles=ROLES, keys=content.keys)


def _take(
    line: Item, number: int, now: datetime, resources: dict[str, Known], acts: list[Act], derivation: Derivation
) -> None:
    """Adds what one line says: a resource, its withdrawal, or something that a person did."""
    if "withdraw" in line:
        del resources[line["withdraw"]]
    elif "act" in line:
        acts.append(_act(line, number, now, derivation))
    elif (resource := resource_of(line, number)) is not None:
        name = f"{resource['resourceType']}/{resource['id']}"
        version = resources[name].version + 1 if name in resources else 1
        resources[name] = Known(resource=resource, last_updated=now, version=version)


def _act(line: Item, number: int, now: datetime, derivation: Derivation) -> Act:
    loop = _chosen(line, derivation, str(line["pathway"])) if "pathway" in line else derivation.loops[0]
    assert loop is not None
    data = {
        name: line[name] for name in ("reason", "note", "until", "reference", "due", "title", "role") if name in line
    }
    if "adds" in line:
        data["step"] = line["adds"]
    return Act(
        id=f"act-{number}",
        loop_id=loop.id,
        step_id=line.get("step"),
        kind=ActKind(line["act"]),
        at=now,
        by="Practitioner/coordinator",
        data=data,
    )


def _existing(derivation: Derivation, now: datetime) -> list[ExistingLoop]:
    return [ExistingLoop.of(loop, now) for loop in derivation.loops]


def _chosen(wanted: Item, derivation: Derivation, pathway: str) -> LoopState | None:
    """The loop a case speaks of: of its pathway, on its focus if named, the last one opened."""
    focus = wanted.get("focus")
    fitting = [
        loop
        for loop in derivation.loops
        if loop.pathway == wanted.get("pathway", pathway) and focus in (None, loop.focus)
    ]
    if "matter" in wanted:
        fitting = [loop for loop in fitting if loop.matter == wanted["matter"]]
    return fitting[-1] if fitting else None


def _compare(wanted: Item, played: Played, content: Content, pathway: str) -> Iterator[str]:
    if "episode" in wanted:
        yield from _compare_episode(wanted["episode"], played, content)
    if "notes" in wanted:
        said = " ".join(note.text for note in played.derivation.notes)
        yield from (f"a note with {text}, there is: {said or 'none'}" for text in wanted["notes"] if text not in said)
    if "loop" not in wanted and "step" not in wanted and "due" not in wanted:
        return
    loop = _chosen(wanted, played.derivation, pathway)
    if loop is None:
        if wanted.get("loop") != "none":
            yield "a loop; there is none"
        return
    yield from _compare_loop(wanted, loop)


def _compare_loop(wanted: Item, loop: LoopState) -> Iterator[str]:
    state = "open" if loop.status.is_open else loop.status.value
    seen: dict[str, Any] = {
        "loop": state,
        "reason": loop.closure.reason if loop.closure else None,
        "tier": loop.tier.value,
        "clock": loop.clock.value,
        "board": loop.board,
        "version": loop.version,
        "deadline": loop.deadline,
        "because": loop.deadline_because,
        "escalated_to": [item.to_role for step in loop.steps for item in step.escalations],
    }
    for name in seen.keys() & wanted.keys():
        if not _same(wanted[name], seen[name]):
            yield f"{name} {wanted[name]}, it is {seen[name]}"
    steps = {step.step_id: step for step in loop.steps}
    yield from _compare_steps(wanted, steps)


def _compare_steps(wanted: Item, steps: Mapping[str, StepState]) -> Iterator[str]:
    for name, state in wanted.get("step", {}).items():
        if name == "overdue":
            late = any(steps[other].clock is ClockState.OVERDUE for other in wanted["step"] if other != "overdue")
            if late is not state:
                yield f"overdue {state}, it is {late}"
        elif state not in _words_for(steps[name]):
            yield f"step {name} {state}, it is {' and '.join(sorted(_words_for(steps[name])))}"
    for table in ("due", "target", "due_because", "rule_met", "ended"):
        for name, value in wanted.get(table, {}).items():
            if not _same(value, getattr(steps[name], table)):
                yield f"{table} of {name} {value}, it is {getattr(steps[name], table)}"


def _words_for(step: StepState) -> frozenset[str]:
    """Everything that a case may call this state."""
    words = {step.status.value, step.clock.value} if step.status.is_open else {step.status.value}
    if step.closure is not None:
        words.add(step.closure.reason)
    return frozenset(words | ({"open"} if step.status.is_open else set()))


def _same(wanted: Any, seen: Any) -> bool:
    if isinstance(seen, datetime):
        return wanted is not None and _instant(str(wanted)) == seen
    if isinstance(seen, list) and not isinstance(wanted, list):
        return wanted in seen
    return bool(wanted == seen)


def _compare_episode(wanted: Item, played: Played, content: Content) -> Iterator[str]:
    found = episode(str(wanted["of"]), played.facts, content.pathways, content.calendar, played.settings, played.now)
    if found is None:
        yield f"an episode of {wanted['of']}; there is none"
        return
    seen = found.document() | {"tcm_code": found.document()["tcm"]["code"], "tcm_reasons": list(found.tcm.reasons)}
    for name, value in wanted.items():
        if name != "of" and not _fits(value, seen[name]):
            yield f"{name} {value}, it is {seen[name]}"


def _fits(wanted: Any, seen: Any) -> bool:
    """`unknown` fits every value that cannot be known."""
    return "unknown" in seen if wanted == "unknown" and isinstance(seen, dict) else bool(wanted == seen)
