"""The care plan of a patient as a file: PDF for the patient or for staff, and a C-CDA Care Plan for other systems."""

from litestar import Response, get
from litestar.params import FromPath, FromQuery

from careloop.engagement.paper.pdf import pdf_of
from careloop.flows import ccda_export, plan_sheet
from careloop.flows import plan_pages as flow
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff, Staff

_SANDBOX = {**PAGE_HEADERS, "Content-Security-Policy": "sandbox; default-src 'none'"}


@get("/patients/{patient_id:str}/plan/pdf", sync_to_thread=True)
def care_plan_pdf(
    staff: SignedInStaff, patient_id: FromPath[str], reader: FromQuery[str | None] = None
) -> Response[bytes]:
    """The plan as PDF: in the patient's words, or as staff read it (`reader=staff`)."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    make = plan_sheet.for_staff if reader == "staff" else plan_sheet.for_patient
    sheet = make(page, staff.tenant.name, printed_at(staff))
    return _file(pdf_of(sheet, staff.now), "application/pdf", "inline", "care-plan.pdf")


@get("/patients/{patient_id:str}/plan/document", sync_to_thread=True)
def care_plan_document(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[bytes]:
    """The plan as a C-CDA Care Plan document, to be saved."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        raw = ccda_export.ccd(staff.app, tx, staff.principal, patient_id, ccda_export.CARE_PLAN)
    return _file(raw, "text/xml", "attachment", "care-plan.xml")


def printed_at(staff: Staff) -> str:
    """The day and time on paper: read on another day, `today` would be wrong."""
    return f"{staff.now.astimezone(staff.words.zone):%-d %b %Y, %-I:%M %p}"


def _file(raw: bytes, kind: str, how: str, name: str) -> Response[bytes]:
    return Response(raw, media_type=kind, headers={**_SANDBOX, "Content-Disposition": f'{how}; filename="{name}"'})
