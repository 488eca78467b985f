"""The document inbox: a code attaches by itself, everything else waits for a person, nothing is filed by guess."""

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from tests.conftest import StandingClock
from tests.pages import faxed, pdf, tiff
from tests.pages import sheet as page_of

from careloop.access.model import Principal, PrincipalKind, Role, Tenant, system_principal
from careloop.community import Codes, NewLink, Purpose
from careloop.engagement.paper import reading
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import document_inbox as inbox
from careloop.flows import partner_links, writing
from careloop.flows.app import App
from careloop.record import Write


def sheet(code: str | None = None) -> Any:
    """A page of few dots: quick to read."""
    return page_of(code, dots=100)


def put(resource: dict[str, Any]) -> Write:
    return Write(method="update", resource_type=resource["resourceType"], id=resource["id"], resource=resource)


@pytest.fixture
def jo(tenant: Tenant) -> Principal:
    return Principal(
        tenant_id=tenant.id, kind=PrincipalKind.USER, id="u", name="Jo Park", roles=frozenset({Role.COORDINATOR}),
        practitioner_id="jo",
    )  # fmt: skip


@pytest.fixture
def codes(app: App, tenant: Tenant, jo: Principal) -> Codes:
    """James was referred; the sheet with this code was faxed."""
    return refer(app, tenant, jo, "james", "heart")


def refer(app: App, tenant: Tenant, jo: Principal, patient_id: str, request: str) -> Codes:
    resources = [
        {"resourceType": "Patient", "id": patient_id, "birthDate": "1968-06-02",
         "name": [{"family": "Okafor", "given": [patient_id.title()]}]},
        {"resourceType": "ServiceRequest", "id": request, "status": "active", "intent": "order",
         "code": {"text": "Cardiology"}, "subject": {"reference": f"Patient/{patient_id}"}},
        {"resourceType": "Task", "id": f"{request}-task", "status": "requested", "intent": "order",
         "focus": {"reference": f"ServiceRequest/{request}"}, "for": {"reference": f"Patient/{patient_id}"}},
    ]  # fmt: skip
    new = NewLink(
        purpose=Purpose.SPECIALIST, patient_id=patient_id, request=f"ServiceRequest/{request}",
        task=f"Task/{request}-task", partner="Heart Partners",
    )  # fmt: skip
    with app.database.transaction(tenant.id) as tx:
        writing.write(app, tx, system_principal(tenant.id, "test"), [put(one) for one in resources])
        return partner_links.make(app, tx, jo, new)


def receive(app: App, jo: Principal, pages: Sequence[Any], name: str = "fax.tif") -> inbox.Received:
    return inbox.receive(app, jo, name, tiff([one.convert("1") for one in pages]), "upload")


def shown(app: App, jo: Principal, paper_id: str) -> Any:
    with app.database.transaction(jo.tenant_id) as tx:
        return inbox.show(app, tx, jo, paper_id)


def documents(app: App, jo: Principal, patient_id: str = "james") -> list[dict[str, Any]]:
    with app.database.transaction(jo.tenant_id) as tx:
        return [one.resource for one in app.record.of_patient(tx, patient_id, ("DocumentReference",))]


def test_a_report_with_our_code_is_attached_without_a_person(app: App, jo: Principal, codes: Codes) -> None:
    done = receive(app, jo, [faxed(sheet(codes.sheet), skew=2, specks=0.02), sheet()])
    assert done.attached
    paper = shown(app, jo, done.paper_id)
    assert (paper.status, paper.how, paper.kind, paper.glanced) == ("attached", "code", "consult-note", None)
    [document] = documents(app, jo)
    assert document["type"]["coding"][0]["code"] == "11488-4" and document["status"] == "current"
    related = {one["reference"] for one in document["context"]["related"]}
    assert related == {"ServiceRequest/heart", "Task/heart-task"}


def test_our_sheet_alone_is_an_answer_to_read_and_no_report(app: App, jo: Principal, codes: Codes) -> None:
    done = receive(app, jo, [sheet(codes.sheet)])
    assert shown(app, jo, done.paper_id).kind == "answer-sheet"
    assert documents(app, jo)[0]["type"]["coding"][0]["code"] == "57133-1"


def test_the_original_is_kept_byte_for_byte(app: App, jo: Principal, codes: Codes) -> None:
    content = tiff([sheet(codes.sheet).convert("1"), sheet().convert("1")])
    inbox.receive(app, jo, "fax.tif", content, "upload")
    attachment = documents(app, jo)[0]["content"][0]["attachment"]
    with app.database.transaction(jo.tenant_id) as tx:
        binary = app.record.fetch(tx, [attachment["url"]])[attachment["url"]].resource
    assert attachment["contentType"] == "image/tiff" and base64.b64decode(binary["data"]) == content


def test_the_same_fax_twice_is_one_document(app: App, jo: Principal, codes: Codes) -> None:
    pages = [sheet(codes.sheet), sheet()]
    first, again = receive(app, jo, pages), receive(app, jo, pages, "again.tif")
    assert again.repeated and again.paper_id == first.paper_id
    assert len(documents(app, jo)) == 1


def test_a_fax_that_lies_upside_down_is_filed_upright(app: App, jo: Principal, codes: Codes) -> None:
    receive(app, jo, [faxed(sheet(codes.sheet), turn=180), faxed(sheet(), turn=180)])
    attachment = documents(app, jo)[0]["content"][0]["attachment"]
    assert attachment["contentType"] == "application/pdf"
    with app.database.transaction(jo.tenant_id) as tx:
        binary = app.record.fetch(tx, [attachment["url"]])[attachment["url"]].resource
    assert reading.look(base64.b64decode(binary["data"]))[0].turn == 0


def test_the_machine_is_named_in_the_trail(app: App, jo: Principal, codes: Codes) -> None:
    receive(app, jo, [sheet(codes.sheet), sheet()])
    with app.database.transaction(jo.tenant_id) as tx:
        rows = tx.rows("select agent_id, resource_ids, patient_ids from audit_event where action <> 'R'")
    who = {one["agent_id"] for one in rows if "DocumentReference" in str(one["resource_ids"])}
    assert who == {"document-inbox"}
    assert any(one["patient_ids"] == ["james"] for one in rows if one["agent_id"] == "document-inbox")


def test_a_code_that_nobody_gave_out_attaches_nothing(app: App, jo: Principal, codes: Codes) -> None:
    wrong = codes.sheet[:-4] + ("AAAA" if not codes.sheet.endswith("AAAA") else "CCCC")
    done = receive(app, jo, [sheet(wrong)])
    assert not done.attached and documents(app, jo) == []


def test_a_code_of_another_practice_attaches_nothing(
    app: App, jo: Principal, codes: Codes, other_tenant: Tenant
) -> None:
    other = Principal(
        tenant_id=other_tenant.id, kind=PrincipalKind.USER, id="o", name="O", roles=frozenset({Role.COORDINATOR}),
        practitioner_id="o",
    )  # fmt: skip
    done = receive(app, other, [sheet(codes.sheet), sheet()])
    assert not done.attached and documents(app, jo) == []


def test_codes_of_two_people_in_one_file_are_left_to_a_person(
    app: App, tenant: Tenant, jo: Principal, codes: Codes
) -> None:
    other = refer(app, tenant, jo, "anna", "lungs")
    done = receive(app, jo, [sheet(codes.sheet), sheet(other.sheet)])
    assert not done.attached and documents(app, jo) == documents(app, jo, "anna") == []
    part = inbox.split(app, jo, done.paper_id, 1)
    assert [shown(app, jo, one).codes for one in (done.paper_id, part)] == [(codes.sheet,), (other.sheet,)]


def test_a_part_holds_only_its_own_pages(app: App, tenant: Tenant, jo: Principal, codes: Codes) -> None:
    other = refer(app, tenant, jo, "anna", "lungs")
    done = receive(app, jo, [sheet(codes.sheet), sheet(other.sheet)])
    part = inbox.split(app, jo, done.paper_id, 1)
    inbox.attach(app, jo, part, patient_id="anna", kind="consult-note", matter="ServiceRequest/lungs")
    attachment = documents(app, jo, "anna")[0]["content"][0]["attachment"]
    with app.database.transaction(jo.tenant_id) as tx:
        binary = app.record.fetch(tx, [attachment["url"]])[attachment["url"]].resource
    pages = reading.look(base64.b64decode(binary["data"]))
    assert [one.codes for one in pages] == [(other.sheet,)]


def test_a_code_deep_inside_a_file_is_left_to_a_person(app: App, jo: Principal, codes: Codes) -> None:
    assert not receive(app, jo, [sheet(), sheet(), sheet(codes.sheet)]).attached


def test_a_person_attaches_what_has_no_code(app: App, jo: Principal, codes: Codes) -> None:
    done = receive(app, jo, [sheet()])
    document = inbox.attach(
        app, jo, done.paper_id, patient_id="james", kind="discharge-summary", matter="ServiceRequest/heart"
    )
    assert documents(app, jo)[0]["type"]["coding"][0]["code"] == "18842-5"
    paper = shown(app, jo, done.paper_id)
    assert (paper.document, paper.how) == (document, "person") and paper.glanced is not None
    with pytest.raises(Conflict):
        inbox.attach(app, jo, done.paper_id, patient_id="james", kind="form", matter=None)


def test_a_matter_of_somebody_else_is_refused(app: App, tenant: Tenant, jo: Principal, codes: Codes) -> None:
    refer(app, tenant, jo, "anna", "lungs")
    done = receive(app, jo, [sheet()])
    with pytest.raises(Rejected, match="matter"):
        inbox.attach(app, jo, done.paper_id, patient_id="james", kind="form", matter="ServiceRequest/lungs")


def test_what_was_attached_wrongly_is_withdrawn_and_waits_again(app: App, jo: Principal, codes: Codes) -> None:
    done = receive(app, jo, [sheet(codes.sheet), sheet()])
    late_at = shown(app, jo, done.paper_id).late_at
    inbox.detach(app, jo, done.paper_id, "another James")
    assert [one["status"] for one in documents(app, jo)] == ["entered-in-error"]
    paper = shown(app, jo, done.paper_id)
    assert (paper.status, paper.late_at) == ("waiting", late_at)
    inbox.attach(app, jo, done.paper_id, patient_id="james", kind="consult-note", matter=None)
    assert sorted(one["status"] for one in documents(app, jo)) == ["current", "entered-in-error"]


def test_a_glance_may_say_that_it_is_something_else(app: App, jo: Principal, codes: Codes) -> None:
    done = receive(app, jo, [sheet(codes.sheet), sheet()])
    inbox.glance(app, jo, done.paper_id, "form")
    assert documents(app, jo)[0]["type"]["coding"][0]["code"] == "64285-8"
    assert shown(app, jo, done.paper_id).glanced is not None


def test_a_paper_that_nobody_settles_is_late_after_one_business_day(
    app: App, jo: Principal, codes: Codes, clock: StandingClock
) -> None:
    receive(app, jo, [sheet()])
    with app.database.transaction(jo.tenant_id) as tx:
        assert inbox.counts(app, tx).late == 0
        clock.move_by(days=1)
        assert inbox.counts(app, tx).late == 0  # Tuesday 10:00; the deadline is the end of Tuesday
        clock.move_by(days=1)
        assert (inbox.counts(app, tx).waiting, inbox.counts(app, tx).late) == (1, 1)


def test_suggestions_come_with_their_reason(app: App, jo: Principal, codes: Codes) -> None:
    done = inbox.receive(app, jo, "note.pdf", text_pdf("Re: James Okafor, DOB 06/02/1968"), "upload")
    with app.database.transaction(jo.tenant_id) as tx:
        [found] = inbox.suggestions(app, tx, jo, inbox.show(app, tx, jo, done.paper_id))
    assert (found.patient_id, found.reasons) == ("james", ("name and birth date on page 1",))
    assert documents(app, jo) == []


def text_pdf(text: str) -> bytes:
    """A PDF with a text layer, made by hand."""
    stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n" % len(stream) + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + part + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        body
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)
    )


def test_pages_are_turned_by_a_person(app: App, jo: Principal, codes: Codes) -> None:
    done = receive(app, jo, [sheet(), sheet()])
    inbox.turn(app, jo, done.paper_id, 0, 90)
    inbox.turn(app, jo, done.paper_id, -1, 180)
    assert [one.turn for one in shown(app, jo, done.paper_id).pages] == [270, 180]


def test_who_may_not_write_documents_sees_no_papers(app: App, tenant: Tenant) -> None:
    biller = Principal(
        tenant_id=tenant.id, kind=PrincipalKind.USER, id="b", name="B", roles=frozenset({Role.BILLER})
    )  # fmt: skip
    with pytest.raises(NotPermitted):
        inbox.receive(app, biller, "x.pdf", pdf([sheet()]), "upload")


def test_a_file_nobody_needs_is_set_aside_with_a_reason(app: App, jo: Principal) -> None:
    done = receive(app, jo, [sheet()])
    with pytest.raises(Rejected, match="reason"):
        inbox.set_aside(app, jo, done.paper_id, " ")
    inbox.set_aside(app, jo, done.paper_id, "advertising")
    assert shown(app, jo, done.paper_id).why == "advertising"
