"""Every pathway can be read as a PlanDefinition that FHIR itself accepts."""

from careloop.catalog import load_catalog
from careloop.fhir.validation import Validator
from careloop.loops.plan_definitions import plan_definition_of


def test_every_pathway_is_a_valid_plan_definition_with_all_its_steps() -> None:
    validator, pathways = Validator.load(), load_catalog().pathways
    assert {"discharge-transition", "ed-visit"} <= set(pathways)
    for pathway in pathways.values():
        plan = plan_definition_of(pathway)
        assert validator.validate(plan) == []
        assert plan["id"] == pathway["id"]
        assert plan["url"] == f"urn:careloop:pathway:{pathway['id']}"
        assert [action["id"] for action in plan["action"]] == [step["id"] for step in pathway["steps"]]


def test_a_clock_is_said_in_words() -> None:
    plan = plan_definition_of(load_catalog().pathways["referral"])
    said = {action["id"]: action["textEquivalent"] for action in plan["action"]}
    assert "1 hour when urgency is emergent" in said["accepted"]
    assert said["accepted"].endswith("else 5 business-days after sent (referral-priorities).")
    for pathway in load_catalog().pathways.values():
        assert not [a for a in plan_definition_of(pathway)["action"] if "{" in a["textEquivalent"]]
