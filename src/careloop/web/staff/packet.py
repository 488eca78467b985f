"""The packet of a patient: choose parts and what for, then a page to print or a PDF."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from markupsafe import Markup

from careloop.engagement.paper.pdf import Trend
from careloop.errors import Rejected
from careloop.flows import packet as flow
from careloop.web.charts import drawn
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/patients/{patient_id:str}/packet", sync_to_thread=True)
def packet_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """What can be printed, with what is usual ticked."""
    return _page(staff, patient_id)


@post("/patients/{patient_id:str}/packet", sync_to_thread=True, status_code=200)
def packet_print(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[Any]:
    """The chosen parts as a page to print, or as PDF with `do=pdf`. Each is audited with its purpose."""
    form = checked_form(staff, data)
    chosen = data.get("part", [])
    parts = [str(one) for one in (chosen if isinstance(chosen, list) else [chosen])]
    asked = flow.Asked(parts=parts, purpose=form.get("purpose", ""), private=form.get("private") == "yes")
    way = "pdf" if form.get("do") == "pdf" else "paper"
    try:
        with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
            made = flow.make(staff.app, tx, staff.principal, patient_id, asked, way)
    except Rejected as error:
        return _page(staff, patient_id, problem=f"Please give {error.expected}.", asked=asked, status=422)
    if way == "pdf":
        headers = {**PAGE_HEADERS, "Content-Disposition": 'inline; filename="packet.pdf"'}
        return Response(made.pdf(), media_type="application/pdf", headers=headers)
    return staff.fragment("packet_sheet.html", {"sheet": made.sheet, "drawing": _drawing, "patient_id": patient_id})


def _drawing(block: Trend) -> Markup:
    return drawn(block.points, block.says)


def _page(
    staff: Staff, patient_id: str, *, problem: str = "", asked: flow.Asked | None = None, status: int = 200
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.choices(staff.app, tx, staff.principal, patient_id)
    ticked = asked.parts if asked else [one.id for one in page.parts if one.chosen]
    values = {
        "page": page,
        "tab": "brief",
        "problem": problem,
        "primary": None,
        "born": born_words,
        "ticked": ticked,
        "purpose": asked.purpose if asked else page.purposes[0].id,
        "private": asked is not None and asked.private,
    }
    return staff.page("packet.html", "/patients", values, about=patient_id, status=status)
