"""The two-minute brief of a patient: before a visit or a call, on a screen, a phone or paper."""

from litestar import Response, get
from litestar.params import FromPath

from careloop.flows import brief as flow
from careloop.web.staff.context import SignedInStaff
from careloop.web.words import born_words


@get("/patients/{patient_id:str}/brief", sync_to_thread=True)
def brief_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """What changed since the reader last looked, what is promised, what to ask; each line with its source."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id)
    values = {"page": page, "tab": "brief", "problem": "", "primary": None, "born": born_words}
    return staff.page("brief.html", "/patients", values, about=patient_id)
