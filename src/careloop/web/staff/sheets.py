"""Ask a partner without an account: a link, and a sheet to fax with a box to answer in and a code (ui.md §9, §10)."""

from typing import Annotated, Any

import segno
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.browser import server_address
from careloop.community import Purpose
from careloop.errors import Rejected
from careloop.flows import partner_forms, partner_links
from careloop.flows import partner_sheets as flow
from careloop.flows.writing import settings_for
from careloop.longitudinal.rules.ages import date_words
from careloop.web.staff.context import SignedInStaff, Staff, browser_request, checked_form
from careloop.web.staff.patient_head import head_values
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/documents"
_PURPOSES = {
    "specialist": "Specialist",
    "community": "Community organization",
    "facility": "Hospital or facility",
    "caregiver": "Caregiver",
}
_URGENCY = {"routine": "Routine", "urgent": "Urgent", "asap": "As soon as possible", "stat": "At once"}


@get("/sheets", sync_to_thread=True)
def sheets_page(staff: SignedInStaff, about: FromQuery[str] = "") -> Response[str]:
    """What was asked about a request, and the form to ask."""
    return _request(staff, about)


@post("/sheets", sync_to_thread=True)
def sheets_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """A new link and its sheet."""
    form = checked_form(staff, data)
    reference, purpose = form.get("request", ""), form.get("purpose", "")
    if purpose not in _PURPOSES:
        return _request(staff, reference, problem="Choose who is asked.")
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.request_of(staff.app, tx, staff.principal, reference)
        try:
            made = flow.ask(
                staff.app, tx, staff.principal, found, Purpose(purpose), form.get("partner", ""), form.get("asks", "")
            )
        except Rejected as error:
            problem = f"Please give {error.expected}."
            made = None
    if made is None:
        return _request(staff, reference, problem=problem)
    return staff.back(f"/sheets/{made.link_id}", said=f"Ready to send: {made.sheet}.")


@get("/sheets/{link_id:str}", sync_to_thread=True)
def sheet_page(staff: SignedInStaff, link_id: FromPath[str]) -> Response[str]:
    """The link to send, the sheet to print, and whether it was answered."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        link = flow.find(tx, staff.principal, link_id)
        has_fax = settings_for(tx).practice_fax is not None
    codes = partner_links.codes_of(staff.app, link)
    values = {
        "link": link,
        "codes": codes,
        "address": f"{_server(staff)}/p/{codes.secret}",
        "who": _PURPOSES[link.purpose.value],
        "answer": partner_forms.option_of(link.purpose, link.answer or ""),
        "good": link.is_good(staff.now),
        "has_fax": has_fax,
    }
    return staff.page("sheet.html", HERE, values)


@get("/sheets/{link_id:str}/print", sync_to_thread=True)
def sheet_print(staff: SignedInStaff, link_id: FromPath[str]) -> Response[str]:
    """The sheet for paper: letter size, black on white, with its code."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        sheet = flow.sheet(staff.app, tx, staff.principal, link_id)
    values = {
        "sheet": sheet,
        "qr": qr_of(sheet.codes.sheet),
        "options": partner_forms.FORMS[sheet.link.purpose],
        "born": born_words(sheet.born) if sheet.born else "",
        "by": date_words(sheet.by, staff.words.zone) if sheet.by else "",
        "urgency": _URGENCY.get(sheet.urgency, sheet.urgency),
        "address": f"{_server(staff)}/p",
    }
    return staff.fragment("sheet_print.html", values)


@post("/sheets/{link_id:str}/withdraw", sync_to_thread=True)
def sheet_withdraw(staff: SignedInStaff, link_id: FromPath[str], data: Form) -> Response[str]:
    """The link opens nothing any more."""
    checked_form(staff, data)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        flow.find(tx, staff.principal, link_id)
        done = partner_links.withdraw(staff.app, tx, staff.principal, link_id)
    return staff.back(f"/sheets/{link_id}", said="The link is closed." if done else "It was answered or closed before.")


@get("/patients/{patient_id:str}/no-contact-letter", sync_to_thread=True)
def no_contact_letter(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """A letter to a patient whom nobody reached, without a word about their health."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        letter = flow.letter(staff.app, tx, staff.principal, patient_id)
    return staff.fragment("no_contact_letter.html", {"letter": letter, "born": born_words})


def qr_of(code: str) -> str:
    """The code as an SVG: at least a quarter of it may be dirt before it cannot be read."""
    return str(
        segno.make(code, error="q", micro=False).svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None)
    )


def _request(staff: Staff, reference: str, *, problem: str = "") -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = flow.request_of(staff.app, tx, staff.principal, reference)
        head = head_values(staff, tx, found.patient_id)
    values = {
        **head,
        "request": found,
        "purposes": _PURPOSES,
        "good": [one.id for one in found.links if one.is_good(staff.now)],
        "problem": problem,
    }
    return staff.page("sheets.html", HERE, values, status=422 if problem else 200, about=found.patient_id)


def _server(staff: Staff) -> str:
    return server_address(browser_request(staff.request), staff.app.settings.public_url)
