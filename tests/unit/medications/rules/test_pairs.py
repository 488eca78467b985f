"""Every pair of every row fires in both orders, and not for an ingredient of another class."""

from datetime import date
from itertools import product

import pytest

from careloop.catalog import load_catalog
from careloop.medications import Ingredient, Medicine, Status
from careloop.medications.findings import Tier
from careloop.medications.model import Route
from careloop.medications.person import Person
from careloop.medications.rules.safety import check
from careloop.medications.safety_content import safety_of

TODAY = date(2026, 11, 23)
SAFETY = safety_of(load_catalog())
NAMES = {bit: name for name, bit in SAFETY.bits.items()}
ROWS = list(SAFETY.interactions)


def medicine(name: str, reference: str, route: Route = Route.ORAL) -> Medicine:
    """A medicine of one ingredient that is taken now; nothing else is known of it."""
    return Medicine(
        reference=reference,
        text=name,
        ingredients=(Ingredient(name),),
        strengths=(None,),
        status=Status.ACTIVE,
        route=route,
    )


def rules(*medicines: Medicine) -> dict[str, Tier]:
    """The rules that fire, with their tiers."""
    found = check(medicines, Person(today=TODAY), SAFETY).findings
    return {reason.rule: reason.tier for one in found for reason in one.reasons}


def names(mask: int) -> list[str]:
    """The ingredients of a side."""
    return [name for bit, name in NAMES.items() if mask & bit]


def sides(row) -> tuple[list[str], list[str]]:
    """Both sides as the row means them."""
    a, b = row.sides["a"], row.sides["b"]
    return names(a & row.sides.get("only_a", a)), names(b & ~row.sides.get("except_b", 0))


def is_pair(row, one: str, other: str) -> bool:
    """By the row's own words: two ingredients, of two of its classes where it asks for that."""
    if one == other:
        return False
    if not row.row.get("across_classes"):
        return True
    mine = {place for place, mask in enumerate(row.alternatives) if mask & SAFETY.bits[one]}
    theirs = {place for place, mask in enumerate(row.alternatives) if mask & SAFETY.bits[other]}
    return any(left != right for left in mine for right in theirs)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_pair_fires_in_both_orders_with_the_tier_of_the_row(row):
    left, right = sides(row)
    for one, other in product(left, right):
        there = rules(medicine(one, "MedicationRequest/a"), medicine(other, "MedicationRequest/b"))
        back = rules(medicine(other, "MedicationRequest/a"), medicine(one, "MedicationRequest/b"))
        assert there == back, (one, other)
        assert (row.id in there) is is_pair(row, one, other), (one, other)
        if row.id in there and not row.cases:
            assert there[row.id].value == row.row["severity"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_neighbour_of_another_class_does_not_fire(row):
    left, right = sides(row)
    inside = {*left, *right}
    outside = [name for name in sorted(SAFETY.bits) if name not in inside]
    for name in outside[:: max(1, len(outside) // 20)]:
        for one in (left[0], right[-1]):
            assert row.id not in rules(medicine(one, "MedicationRequest/a"), medicine(name, "MedicationRequest/b"))


@pytest.mark.parametrize("route", [Route.TOPICAL, Route.OTIC, Route.OPHTHALMIC])
def test_local_routes_are_left_out_but_for_ophthalmic_beta_blockers(route):
    assert "SV01" not in rules(
        medicine("ibuprofen", "MedicationRequest/a", route), medicine("warfarin", "MedicationRequest/b")
    )
    fired = "SV40" in rules(
        medicine("timolol", "MedicationRequest/a", route), medicine("verapamil", "MedicationRequest/b")
    )
    assert fired is (route is Route.OPHTHALMIC)


def test_one_pair_of_several_rules_is_one_finding_with_the_highest_tier():
    pair = (medicine("warfarin", "MedicationRequest/a"), medicine("apixaban", "MedicationRequest/b"))
    found = [one for one in check(pair, Person(today=TODAY), SAFETY).findings if "SV08" in one.rules]
    assert len(found) == 1
    assert {"SV08", "DT18"} <= set(found[0].rules)
    assert found[0].tier is Tier.CONTRAINDICATED


def test_a_site_may_change_a_tier_or_switch_a_rule_off():
    pair = (medicine("sertraline", "MedicationRequest/a"), medicine("ibuprofen", "MedicationRequest/b"))
    softer = check(pair, Person(today=TODAY), SAFETY.with_tiers({"SV38": "major"}))
    assert softer.findings[0].tier is Tier.MAJOR
    silent = check(pair, Person(today=TODAY), SAFETY.with_tiers({"SV38": "off"}))
    assert not silent.findings
