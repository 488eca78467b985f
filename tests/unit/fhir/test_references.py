"""References are found and rewritten wherever they stand, and data that looks like a link is left alone."""

from careloop.fhir.references import references, rewrite

OLD = "urn:uuid:018f428e-34f6-4707-8009-5ad742f901e7"
NEW = "Patient/42"


def test_every_reference_is_found_in_document_order() -> None:
    resource = {
        "resourceType": "Observation",
        "subject": {"reference": "Patient/1"},
        "performer": [{"reference": "Practitioner/2"}, {"display": "somebody"}],
        "contained": [{"resourceType": "Device", "owner": {"reference": "Organization/3"}}],
        "component": [{"extension": [{"url": "urn:x", "valueReference": {"reference": "Task/4"}}]}],
    }
    assert list(references(resource)) == ["Patient/1", "Practitioner/2", "Organization/3", "Task/4"]


def test_references_addresses_and_links_of_the_narrative_are_rewritten_in_place() -> None:
    resource = {
        "subject": {"reference": OLD},
        "instantiatesUri": [OLD, "urn:other"],
        "extension": [{"url": "urn:x", "valueUri": OLD}],
        "text": {"status": "generated", "div": f'<div><a href="{OLD}">her</a> {OLD}</div>'},
    }
    assert rewrite(resource, {OLD: NEW}) == 4
    assert resource["subject"] == {"reference": NEW}
    assert resource["instantiatesUri"] == [NEW, "urn:other"]
    assert resource["text"]["div"] == f'<div><a href="{NEW}">her</a> {OLD}</div>'


def test_an_identifier_that_is_a_uuid_stays_what_it_is() -> None:
    resource = {"identifier": [{"system": "urn:ietf:rfc:3986", "value": OLD}], "id": OLD, "valueString": OLD}
    assert rewrite(resource, {OLD: NEW}) == 0


def test_a_merge_moves_references_of_one_patient_only() -> None:
    resource = {
        "for": {"reference": "Patient/1"},
        "owner": {"reference": "Patient/10"},
        "note": [{"text": "Patient/1"}],
    }
    assert rewrite(resource, {"Patient/1": NEW}) == 1
    assert resource["owner"] == {"reference": "Patient/10"}
    assert resource["note"] == [{"text": "Patient/1"}]
