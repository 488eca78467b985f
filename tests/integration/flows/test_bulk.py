"""Loading history."""

import json

import pytest

from careloop.access.model import system_principal
from careloop.access.tenancy import change_settings
from careloop.flows.bulk import import_bundles
from careloop.flows.bulk_documents import Document

URN = "urn:uuid:3fdc72f4-a11d-4a9d-9260-a9f745779e1d"
PATIENT = {"resourceType": "Patient", "name": [{"family": "Shaw"}], "birthDate": "1950-01-01"}


def observation(**more) -> dict:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": URN},
        **more,
    }


def transaction(*resources: dict, kind: str = "transaction") -> dict:
    entries = [{"fullUrl": URN, "resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}]
    entries += [{"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


@pytest.fixture
def load(app, tenant):
    def load(*documents: object):
        made = [
            Document(label=f"line {number}", text=one if isinstance(one, bytes) else json.dumps(one).encode())
            for number, one in enumerate(documents, 1)
        ]
        return import_bundles(app, tenant, system_principal(tenant.id, "load"), made)

    return load


@pytest.fixture
def search(app, tenant):
    def search(kind: str, *pairs: tuple[str, str]):
        with app.database.transaction(tenant.id) as tx:
            principal = system_principal(tenant.id, "test")
            return app.record.search(tx, principal, kind, pairs, app.clock.now()).entries

    return search


def test_a_bundle_of_history_is_found_under_its_own_ids_and_loading_it_again_changes_nothing(load, search):
    report = load(transaction(observation(), observation(id="own")))
    assert (report.created, report.rejects, report.warnings) == (3, [], [])
    patient = URN.removeprefix("urn:uuid:")
    assert {one.resource["subject"]["reference"] for one in search("Observation", ("patient", patient))} == {
        f"Patient/{patient}"
    }
    assert len(search("Observation", ("_id", "own"))) == 1
    again = load(transaction(observation(), observation(id="own")))
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)


def test_what_changes_after_a_set_that_changed_nothing_is_found_by_what_it_says_now(load, search, app, tenant):
    """Sets after one that changed nothing are not indexed ahead (decision 0255): the last document is such a set."""
    before = [{"resourceType": "Basic", "id": name, "code": {"text": "old"}} for name in ("a", "b")]
    load(*before)
    now, later = ({**before[1], "code": {"coding": [{"code": code}]}} for code in ("now", "later"))
    report = load(*before, *before, now, later)
    assert (report.created, report.updated, report.unchanged) == (0, 2, 4)
    assert [one.resource["id"] for one in search("Basic", ("code", "later"))] == ["b"]
    assert not search("Basic", ("code", "now"))
    with app.database.transaction(tenant.id) as tx:
        assert app.record.verify(tx) == []


def test_a_faulty_entry_refuses_its_transaction_and_nothing_else(load, search):
    bad = transaction(observation(), observation(status="nonsense"))
    good = {"resourceType": "Basic", "id": "b", "code": {"text": "x"}}
    report = load(bad, good)
    [reject] = report.rejects
    assert (reject.label, reject.entry, reject.at) == ("line 1", 2, "Bundle.entry[2].resource.status")
    assert report.created == 1
    assert search("Patient") == []


def test_what_breaks_an_invariant_is_left_out_where_the_tenant_refuses_it(app, tenant):
    broken = {**PATIENT, "telecom": [{"value": "555"}]}
    document = Document(label="line 1", text=json.dumps({**transaction(), "type": "collection"}).encode())
    faulty = Document(label="line 2", text=json.dumps(broken).encode())
    with app.database.directory() as tx:
        strict = change_settings(tx, tenant, validation="refuse")
    report = import_bundles(app, strict, system_principal(tenant.id, "load"), [document, faulty])
    assert report.created == 1
    assert [(one.label, one.at) for one in report.rejects] == [("line 2", "Patient.telecom[0]")]
    with app.database.directory() as tx:
        easy = change_settings(tx, strict, validation="off")
    assert import_bundles(app, easy, system_principal(tenant.id, "load"), [faulty]).created == 1


def test_of_a_collection_only_the_faulty_entry_is_left_out(load):
    report = load(transaction(observation(status="nonsense"), observation(), kind="collection"))
    assert (report.created, len(report.rejects)) == (2, 1)


def test_single_resources_stand_for_themselves(load):
    report = load(
        {**PATIENT, "id": "p"}, {**PATIENT, "id": "q", "birthDate": "x"}, b"no json", {"resourceType": "What"}
    )
    assert report.created == 1
    assert [(one.label, one.at) for one in report.rejects] == [
        ("line 2", "Patient.birthDate"),
        ("line 3", "body"),
        ("line 4", "Resource.resourceType"),
    ]


def test_the_last_of_several_versions_in_one_load_stands(load, search):
    report = load(*[{**PATIENT, "id": "p", "birthDate": f"195{number}-01-01"} for number in range(4)])
    assert (report.created, report.updated) == (1, 3)
    [stored] = search("Patient")
    assert (stored.version, stored.resource["birthDate"]) == (4, "1953-01-01")


def test_conditions_are_answered_by_the_record(load, search):
    load({"resourceType": "Practitioner", "id": "dr", "identifier": [{"system": "urn:npi", "value": "9"}]})
    report = load(transaction(observation(performer=[{"reference": "Practitioner?identifier=urn:npi|9"}])))
    assert (report.created, report.rejects) == (2, [])
    [stored] = search("Observation")
    assert stored.resource["performer"][0]["reference"] == "Practitioner/dr"
    report = load(transaction(observation(performer=[{"reference": "Practitioner?identifier=urn:npi|8"}])))
    assert [one.entry for one in report.rejects] == [1]


def test_links_that_lead_nowhere_are_warned_of(load):
    report = load(
        {"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": {"reference": "Patient/nobody"}}
    )
    assert report.created == 1
    assert [one.label for one in report.warnings] == ["line 1"]


def test_patients_of_a_load_are_known_by_their_numbers(app, tenant, load):
    load({**PATIENT, "id": "p", "identifier": [{"system": "urn:mrn", "value": "1"}]})
    with app.database.transaction(tenant.id) as tx:
        assert tx.value("select patient_id from patient_identifier where system = 'urn:mrn' and value = '1'") == "p"


def test_a_recent_stay_in_a_load_opens_its_loop_and_an_old_one_does_not(app, tenant, load):
    def stay(identity: str, end: str) -> dict:
        return {"resourceType": "Encounter", "id": identity, "status": "finished",
                "subject": {"reference": f"Patient/{identity}"},
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
                "period": {"start": "2020-01-01T10:00:00Z", "end": end},
                "hospitalization": {"dischargeDisposition": {"coding": [
                    {"system": "https://www.nubc.org/patient-discharge", "code": "01"}]}}}  # fmt: skip

    load({**PATIENT, "id": "old"}, stay("old", "2020-01-05T10:00:00Z"))
    load({**PATIENT, "id": "new", "name": [{"family": "Else"}]}, stay("new", "2026-11-20T10:00:00-05:00"))
    with app.database.transaction(tenant.id) as tx:
        assert [row["patient_id"] for row in tx.rows("select patient_id from loop")] == ["new"]


@pytest.mark.shared
def test_synthea_bundles_load_without_a_reject(load, shared, app, tenant):
    import gzip
    from itertools import islice

    with gzip.open(shared / "data/synthea-r4-617/bundles.ndjson.gz") as lines:
        report = load(*islice(lines, 5))
    assert report.rejects == []
    assert report.created > 1000
    with app.database.transaction(tenant.id) as tx:
        assert app.record.verify(tx) == []
