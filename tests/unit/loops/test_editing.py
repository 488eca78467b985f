"""A rule as a form and back."""

import pytest

from careloop.catalog import digest_of, document_faults, load_catalog
from careloop.loops.editing import apply_form, changes, form_of

CATALOG = load_catalog()
PATHWAYS = sorted(CATALOG.pathways)


def fields_of(kind, document):
    """Every field as a browser would send it untouched."""
    form = {}
    for group in form_of(kind, document):
        for field in group.fields:
            parts = {
                "text": {field.name: field.text},
                "role": {field.name: field.role},
                "points": {field.name: field.amount},
                "span": {f"{field.name}.amount": field.amount, f"{field.name}.unit": field.unit},
            }.get(field.kind)
            form |= parts or {
                f"{field.name}.{part}": getattr(field, part) for part in ("role", "amount", "unit", "when")
            }
    return form


@pytest.mark.parametrize("name", PATHWAYS)
def test_a_form_sent_untouched_says_what_the_rule_said(name):
    document = CATALOG.pathways[name]
    changed, faults = apply_form("pathways", document, fields_of("pathways", document))
    assert faults == []
    assert changes("pathways", document, changed) == []
    assert document_faults(CATALOG, "pathways", name, changed) == []


def test_weights_sent_untouched_are_the_same_weights():
    document = CATALOG.document("worklist", "rank")
    changed, faults = apply_form("worklist", document, fields_of("worklist", document))
    assert (faults, digest_of(changed)) == ([], digest_of(document))


def test_each_kind_of_field_changes_its_place_and_nothing_else():
    document = CATALOG.pathways["discharge-transition"]
    form = fields_of("pathways", document) | {
        "title": "After the stay",
        "steps.contact.due.within.amount": "30",
        "steps.contact.due.within.unit": "hours",
        "steps.visit.due.by_tier.high.amount": "5",
        "steps.contact.owner": "nurse",
        "steps.contact.escalate.1.role": "",
        "steps.contact.escalate.2.role": "physician",
        "steps.contact.escalate.2.when": "share",
        "steps.contact.escalate.2.amount": "50",
    }
    changed, faults = apply_form("pathways", document, form)
    contact, visit = changed["steps"][0], changed["steps"][2]
    assert faults == []
    assert (changed["title"], contact["due"]["within"], contact["owner"]) == (
        "After the stay",
        "30 hours",
        {"role": "nurse"},
    )
    assert visit["due"]["by_tier"] == {"high": "5 days", "standard": "14 days"}
    assert contact["escalate"] == [{"share": "50 percent", "to": {"role": "physician"}}]
    assert contact["done_when"] == document["steps"][0]["done_when"]
    assert changed["steps"][1] == document["steps"][1]
    assert document["title"] == "Follow-up after hospital stay"
    said = changes("pathways", document, changed)
    assert ("Call after hospital stay: time to do it", "2 business days", "30 hours") in said
    assert document_faults(CATALOG, "pathways", "discharge-transition", changed) == []


@pytest.mark.parametrize("amount", ["0", "-1", "two", "1.5", "10001", "", "²"])
def test_a_length_is_a_whole_number(amount):
    document = CATALOG.pathways["ed-visit"]
    form = {"steps.contact.due.within.amount": amount, "steps.contact.due.within.unit": "hours"}
    assert [fault.at for fault in apply_form("pathways", document, form)[1]] == ["steps.contact.due.within"]
