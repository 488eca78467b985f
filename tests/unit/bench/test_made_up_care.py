"""Made-up care reaches every pathway: what no simulation opens or proves, no simulation can find wrong."""

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest

from careloop.bench.made_up_care import Care
from careloop.bench.made_up_parts import About, branch
from careloop.bench.made_up_proof import Maker
from careloop.bench.simulated_life import shuffled, what_opens
from careloop.catalog import load_catalog
from careloop.loops.facts import Known, read_facts
from careloop.loops.facts.model import PatientFacts
from careloop.loops.keys import key_reader
from careloop.loops.pathways import read_pathways
from careloop.loops.rules.conditions import Matter, holds
from careloop.loops.rules.moments import Moments
from careloop.loops.rules.opening import anchors
from careloop.loops.rules.referrals.content import read_tables
from careloop.record import Record, Write

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_MOST, _TRIES = 3_000, 60
CATALOG = load_catalog()
PATHWAYS, KEYS = read_pathways(CATALOG), key_reader(CATALOG)
PEOPLE = {role: [f"Practitioner/{role}"] for role in ("physician", "nurse", "coordinator")}


def _maker(random: Random) -> tuple[Care, Maker]:
    numbers = count()
    everybody = [one for some in PEOPLE.values() for one in some]

    def new_id(word: str) -> str:
        return f"{word}-{next(numbers)}"

    return Care(random, everybody, new_id), Maker(random, PEOPLE, new_id, read_tables(CATALOG))


def _facts(*resources: dict[str, Any]) -> PatientFacts:
    known = [Known(resource=one, last_updated=NOW, version=1) for one in resources]
    roles = {one: frozenset({role}) for role, some in PEOPLE.items() for one in some}
    return read_facts(known, tenant_id=1, patient_id="p", zone="America/New_York", roles=roles, keys=KEYS)


def test_every_pathway_is_opened_by_something() -> None:
    waiting = dict(PATHWAYS.active)
    care, maker = _maker(Random(1))
    deck = shuffled(maker.random, PATHWAYS.active)
    for _ in range(_MOST):
        deck = deck or shuffled(maker.random, PATHWAYS.active)
        facts = _facts(what_opens(care, maker, deck, "p", NOW))
        for one in list(waiting.values()):
            if list(anchors(one, facts, PATHWAYS, Moments(NOW + timedelta(days=1)))):
                del waiting[one.id]
        if not waiting:
            break
    assert sorted(waiting) == []


PROVEN = [(one.id, step.id) for one in PATHWAYS.active.values() for step in one.steps if step.special is None]


@pytest.mark.parametrize(("pathway", "step"), PROVEN)
def test_what_is_made_for_a_step_proves_it(pathway: str, step: str) -> None:
    wanted = next(one for one in PATHWAYS.active[pathway].steps if one.id == step).done_when
    _, maker = _maker(Random(7))
    matter = _matter_of(pathway)
    focus = f"{matter['resourceType']}/{matter['id']}"
    words = {"needs": "phq-9"}
    about = About(patient="p", at=NOW, focus=focus, words=words, itself=matter)
    assert any(_proves(maker, wanted, about, matter, words) for _ in range(_TRIES))


def test_all_that_is_made_may_be_written() -> None:
    """What the record refuses happens to nobody: a simulation would say that it was lived through."""
    record, (care, maker) = Record.load(), _maker(Random(5))
    made = [care.opening("p", NOW) for _ in range(200)]
    for one in PATHWAYS.active.values():
        matter = _matter_of(one.id)
        about = About(patient="p", at=NOW, focus=f"{matter['resourceType']}/{matter['id']}", itself=matter)
        conditions = [step.done_when for step in one.steps] + [end.when for end in one.ends_when]
        made += [maker.make(one.opens_when.when, About(patient="p", at=NOW)) for _ in range(5)]
        made += [maker.make(asked, about) for asked in conditions for _ in range(8)]
        made += [care.proof("p", NOW, about.focus, "Task/1", ["outreach"]) for _ in range(5)]
    assert sum(one is None for one in made) < len(made) / 2
    for one in filter(None, made):
        record.check([Write(method="update", resource_type=one["resourceType"], id=one["id"], resource=one)])


def _matter_of(pathway: str) -> dict[str, Any]:
    opens = PATHWAYS.active[pathway].opens_when
    _, maker = _maker(Random(3))
    made = maker.make(opens.when, About(patient="p", at=NOW)) if opens.event == "fact" else None
    return made or {"resourceType": "Encounter", "id": "stay", "status": "finished", "class": {"code": "IMP"}}


def _proves(maker: Maker, wanted: Any, about: About, matter: dict[str, Any], words: dict[str, str]) -> bool:
    made = maker.make(wanted, about)
    if made is None:
        return False
    rest = [matter] if made["id"] != matter["id"] else []
    facts = _facts(made, *rest)
    things = frozenset(fact.thing for fact in facts.belonging(about.focus)) | {about.focus}
    asked = Matter(focus=about.focus, things=things, keys=words)
    return any(holds(wanted, fact, matter=asked) for fact in facts.facts if fact.thing.endswith(f"/{made['id']}"))


def test_a_branch_takes_one_of_each_choice_and_everything_that_must_hold() -> None:
    condition = {"all": [{"resource": "Task", "key": {"a": ["x"]}}], "any": [{"key": {"b": ["y"]}}], "not": {"x": 1}}
    assert branch(condition, Random(1)) == {"resource": "Task", "key": {"a": ["x"], "b": ["y"]}}
