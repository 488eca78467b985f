"""C-CDA documents in the record: taken once, in any order, refused with a reason, kept as they came."""

import base64
from pathlib import Path

import pytest
from tests.conformance.facts import Dialect, score

from careloop.access.model import Principal, PrincipalKind, Tenant, system_principal
from careloop.errors import NotPermitted, Rejected
from careloop.fhir.xmls import parse_xml
from careloop.flows import document_reading, documents, inbox
from careloop.flows.app import App
from careloop.flows.loading import Loader
from careloop.intake.ccda import check_document, read, settle
from careloop.intake.files import pieces
from careloop.record import Stored

CCD = "onc/cures/Receiver SUT Test Data/170.315_b1_ToC_Amb/170.315_b1_toc_amb_ccd_r21_sample2_v11.xml"


@pytest.fixture
def ccda(shared: Path) -> Path:
    return shared / "data" / "interchange" / "ccda"


@pytest.fixture
def loader(tenant: Tenant) -> Principal:
    return system_principal(tenant.id, "load")


def taken(app: App, tenant: Tenant, principal: Principal, raw: bytes) -> documents.Imported:
    return documents.import_document(app, tenant, principal, raw, "test.xml")


def everything(app: App, tenant: Tenant, patient_id: str, *kinds: str) -> list[Stored]:
    with app.database.transaction(tenant.id) as tx:
        return app.record.of_patient(tx, patient_id, kinds)


def resource(app: App, tenant: Tenant, reference: str) -> dict:
    with app.database.transaction(tenant.id) as tx:
        return app.record.fetch(tx, [reference])[reference].resource


@pytest.mark.shared
def test_a_document_is_in_the_record_once(app: App, tenant: Tenant, loader: Principal, ccda: Path) -> None:
    raw = (ccda / CCD).read_bytes()
    first = taken(app, tenant, loader, raw)
    assert first.created > 25 and not first.repeated
    again = taken(app, tenant, loader, raw)
    assert (again.created, again.updated, again.repeated) == (0, 0, True)
    assert again.unchanged == first.resources
    assert again.document == first.document


@pytest.mark.shared
def test_the_original_is_kept_byte_for_byte_and_named(app: App, tenant: Tenant, loader: Principal, ccda: Path) -> None:
    raw = (ccda / CCD).read_bytes()
    done = taken(app, tenant, loader, raw)
    document = resource(app, tenant, done.document)
    attachment = document["content"][0]["attachment"]
    assert attachment["size"] == len(raw)
    binary = resource(app, tenant, attachment["url"])
    assert base64.b64decode(binary["data"]) == raw
    assert binary["securityContext"]["reference"] == done.document


@pytest.mark.shared
def test_a_provenance_names_the_document_and_its_author(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    done = taken(app, tenant, loader, (ccda / CCD).read_bytes())
    with app.database.transaction(tenant.id) as tx:
        found = app.record.follow(tx, "Provenance", [("entity", done.document)])
    assert len(found) == 1
    provenance = found[0].resource
    assert len(provenance["target"]) == done.created
    assert provenance["agent"][0]["who"]["reference"].startswith(("Practitioner/", "Device/", "Organization/"))


@pytest.mark.shared
def test_the_same_fact_in_another_document_is_the_same_resource(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    raw = (ccda / CCD).read_bytes()
    done = taken(app, tenant, loader, raw)
    before = {one.reference for one in everything(app, tenant, done.patient_id, "Condition", "AllergyIntolerance")}
    other = raw.replace(b"<setId", b"<!-- another --><setId") + b"\n"
    next_one = taken(app, tenant, loader, other)
    after = {one.reference for one in everything(app, tenant, done.patient_id, "Condition", "AllergyIntolerance")}
    assert next_one.patient_id == done.patient_id
    assert after == before
    assert next_one.updated <= 2  # DocumentReference and Composition, whose original is another


@pytest.mark.shared
def test_an_older_document_never_overwrites_what_a_newer_one_told(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    raw = (ccda / "msft" / "History_and_Physical.ccda").read_bytes()
    newer = raw.replace(b"201209161905-0400", b"202001010000-0400")
    assert newer != raw
    older = raw.replace(b'value="13.2"', b'value="9.9"')
    assert older != raw
    done = taken(app, tenant, loader, newer)
    taken(app, tenant, loader, older)
    values = {
        one.resource.get("valueQuantity", {}).get("value")
        for one in everything(app, tenant, done.patient_id, "Observation")
    }
    assert any(str(value) == "13.2" for value in values)
    assert not any(str(value) == "9.9" for value in values)


def test_a_document_that_cannot_be_used_is_a_dead_letter_with_its_reason(
    app: App, tenant: Tenant, loader: Principal
) -> None:
    with pytest.raises(Rejected) as refused:
        taken(
            app,
            tenant,
            loader,
            b"<ClinicalDocument xmlns='urn:hl7-org:v3'><typeId root='1' extension='2'/></ClinicalDocument>",
        )
    assert refused.value.at == "ClinicalDocument/typeId"
    page = inbox.page(app, loader, status="dead")
    assert [one.at for one in page.items] == ["ClinicalDocument/typeId"]


@pytest.mark.shared
def test_a_corrected_dead_letter_is_taken(app: App, tenant: Tenant, loader: Principal, ccda: Path) -> None:
    raw = (ccda / CCD).read_bytes()
    broken = raw.replace(b"POCD_HD000040", b"POCD_HD")
    with pytest.raises(Rejected):
        taken(app, tenant, loader, broken)
    dead = inbox.page(app, loader, status="dead").items[0]
    assert inbox.correct(app, loader, dead.id, raw.decode()).status == "processed"
    with app.database.transaction(tenant.id) as tx:
        found = app.record.follow(tx, "DocumentReference", [("category", "clinical-note")])
    assert found


def test_a_door_without_the_right_scopes_is_closed(app: App, tenant: Tenant) -> None:
    client = Principal(
        id="c", name="A client", tenant_id=tenant.id, kind=PrincipalKind.CLIENT, scopes=("system/Patient.rs",)
    )
    with pytest.raises(NotPermitted):
        taken(app, tenant, client, b"<ClinicalDocument/>")


@pytest.mark.shared
def test_a_folder_of_documents_is_loaded_and_the_faults_are_named(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    folder = ccda / "onc" / "cures" / "Receiver SUT Test Data" / "NegativeTesting_CarePlan"
    work = Loader(app, tenant, loader)
    work.load(pieces(folder), lambda count: None)
    assert work.loaded.rejects == []
    assert work.loaded.created > 15
    assert any("Goals Section/templateId" in one for one in work.loaded.warnings)


@pytest.mark.shared
def test_a_document_from_the_record_keeps_the_rules_and_says_the_same(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    done = taken(app, tenant, loader, (ccda / CCD).read_bytes())
    content = documents.content_of(app)
    before = everything(app, tenant, done.patient_id, "AllergyIntolerance", "MedicationStatement")
    for kind in ("ccd", "referral-note", "transfer-summary"):
        with app.database.transaction(tenant.id) as tx:
            raw = documents.ccd(app, tx, loader, done.patient_id, kind)
        faults = [one for one in check_document(parse_xml(raw), content) if one.severity == "error"]
        assert [(one.at, one.expected) for one in faults] == []
        again = settle(read(raw, content, tenant.zone), tenant.id, done.patient_id)
        found = score(kind, [one.resource for one in before], again, Dialect())
        assert found.share == 1, found.lines()


@pytest.mark.shared
def test_what_cannot_be_written_is_refused(app: App, tenant: Tenant, loader: Principal, ccda: Path) -> None:
    done = taken(app, tenant, loader, (ccda / CCD).read_bytes())
    for kind in ("discharge-summary", "letter"):  # the record of this person holds no inpatient stay
        with app.database.transaction(tenant.id) as tx, pytest.raises(Rejected):
            documents.ccd(app, tx, loader, done.patient_id, kind)


@pytest.mark.shared
def test_the_page_shows_the_text_safely_and_gives_the_original(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    hostile = b"<text><paragraph>&lt;script&gt;alert(1)&lt;/script&gt;</paragraph>"
    raw = (ccda / CCD).read_bytes().replace(b"<text>", hostile)
    done = taken(app, tenant, loader, raw)
    with app.database.transaction(tenant.id) as tx:
        shown = document_reading.view(app, tx, loader, done.document.partition("/")[2])
        kept = document_reading.original(app, tx, loader, done.document.partition("/")[2])
    assert kept == raw
    assert shown.patient_id == done.patient_id
    assert [one.title for one in shown.sections][:2]
    assert all("<script" not in one.html for one in shown.sections)
    assert any("&lt;script&gt;" in one.html for one in shown.sections)
    assert any(one.facts for one in shown.sections)


@pytest.mark.shared
def test_our_own_document_brings_no_fact_twice(app: App, tenant: Tenant, loader: Principal, ccda: Path) -> None:
    kinds = ("AllergyIntolerance", "Condition", "MedicationStatement", "Procedure", "Immunization")
    done = taken(app, tenant, loader, (ccda / CCD).read_bytes())
    before = {one.reference for one in everything(app, tenant, done.patient_id, *kinds)}
    with app.database.transaction(tenant.id) as tx:
        raw = documents.ccd(app, tx, loader, done.patient_id, "ccd")
    again = taken(app, tenant, loader, raw)
    assert again.patient_id == done.patient_id
    assert {one.reference for one in everything(app, tenant, done.patient_id, *kinds)} == before


NOBODYS = "msft/Consult-Document-Closing-Referral-C-CDAR2.1.ccda"
"""Its person has no number but 000-00-0000."""


@pytest.mark.shared
def test_a_person_without_a_usable_number_is_known_by_the_document_and_joined_to_nobody(
    app: App, tenant: Tenant, loader: Principal, ccda: Path
) -> None:
    raw = (ccda / NOBODYS).read_bytes()
    first = taken(app, tenant, loader, raw)
    assert any("patientRole/id" in fault.at for fault in first.faults)
    numbers = resource(app, tenant, f"Patient/{first.patient_id}")["identifier"]
    assert [one["use"] for one in numbers if one["system"] == "urn:careloop:document"] == ["temp"]
    later = taken(app, tenant, loader, raw.replace(b"<versionNumber value=", b"<!-- again --><versionNumber value="))
    assert later.patient_id == first.patient_id
    elsewhere = raw.replace(b'TT988"', b'TT989"')
    assert elsewhere != raw
    assert taken(app, tenant, loader, elsewhere).patient_id != first.patient_id
