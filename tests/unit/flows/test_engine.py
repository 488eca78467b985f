"""A cheap look says whether something may open a loop; it never overlooks what the whole look would find."""

from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any

from careloop.bench.made_up_care import Care
from careloop.bench.made_up_parts import About
from careloop.bench.made_up_proof import Maker
from careloop.catalog import load_catalog
from careloop.flows.engine import content_of
from careloop.loops.facts import Known
from careloop.loops.facts.reading import facts_of_one
from careloop.loops.rules.conditions import could_hold, holds
from careloop.loops.rules.referrals.content import read_tables

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ZONE = "America/New_York"
CATALOG = load_catalog()
CONTENT = content_of(CATALOG)
HOME = {
    "resourceType": "Observation",
    "id": "weight",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
    "effectiveDateTime": "2026-03-02T08:00:00-05:00",
}


def _opens_by_all_its_facts(resource: dict[str, Any]) -> bool:
    """The whole look: every word of every fact against every pathway."""
    facts = facts_of_one(Known(resource=resource, last_updated=NOW), ZONE, CONTENT.keys)
    asked = [one.opens_when.when for one in CONTENT.pathways.active.values() if one.opens_when.event == "fact"]
    return facts is None or any(holds(when, fact) for when in asked for fact in facts)


def _things() -> list[dict[str, Any]]:
    random, numbers = Random(11), count()
    people = {"physician": ["Practitioner/1"], "nurse": ["Practitioner/2"]}
    care = Care(random, ["Practitioner/1"], lambda word: f"{word}-{next(numbers)}")
    maker = Maker(random, people, care.new_id, read_tables(CATALOG))
    new = About(patient="p", at=NOW)
    made = [care.opening("p", NOW) for _ in range(150)]
    for pathway in CONTENT.pathways.active.values():
        made += [one for _ in range(4) if (one := maker.make(pathway.opens_when.when, new))]
        made += [care.proof("p", NOW, "Task/1", "Task/2", ["outreach"]) for _ in range(3)]
    return made


def test_the_cheap_look_finds_whatever_the_whole_look_finds() -> None:
    things = _things()
    opening = [one for one in things if _opens_by_all_its_facts(one)]
    assert len(things) > 300
    assert 50 < len(opening) < len(things)
    for one in opening:
        assert CONTENT.may_open(Known(resource=one, last_updated=NOW), ZONE, NOW), one
    for one in things:
        if CONTENT.may_open(Known(resource=one, last_updated=NOW), ZONE, NOW):
            assert _opens_by_all_its_facts(one), one


def test_a_weight_from_home_opens_nothing() -> None:
    assert not CONTENT.may_open(Known(resource=HOME, last_updated=NOW), ZONE, NOW)


def test_a_word_that_is_not_known_may_be_anything() -> None:
    asked = {"any": [{"resource": "Observation", "key": {"opens": ["yes"]}}, {"resource": "Flag"}]}
    assert could_hold(asked, "Observation", {})
    assert could_hold(asked, "Observation", {"opens": "yes"})
    assert not could_hold(asked, "Observation", {"opens": "no"})
    assert could_hold(asked, "Flag", {"opens": "no"})
    assert could_hold({"all": [{"resource": "Flag"}, {"not": {"status": ["active"]}}]}, "Flag", {})
    assert not could_hold({"all": [{"resource": "Flag"}]}, "Task", {})
