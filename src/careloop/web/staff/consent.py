"""An app asks to act for the person who is signed in: what it asks is shown in plain words, and the person says yes or
no.

Also the way from a patient's page into an app (SMART App Launch 2.2, "Launch App: EHR Launch").
"""

from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from litestar import Response, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access import clients
from careloop.access.browser import server_address
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import consenting
from careloop.flows import patients as people
from careloop.flows.consenting import Asked, Offer, SentBack
from careloop.web.rendering import CONTENT_SECURITY_POLICY, PAGE_HEADERS, render
from careloop.web.staff.context import SignedInStaff, Staff, browser_request, checked_form
from careloop.web.staff.patient_head import head_values
from careloop.web.staff.scope_words import sentences
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/oauth/authorize", sync_to_thread=True)
def consent_page(staff: SignedInStaff) -> Response[str]:
    """What the app would get, with yes and no. The person decides each time; nothing is allowed by itself."""
    return _asked(staff, Asked.of(dict(staff.request.query_params)), {})


@post("/oauth/authorize", sync_to_thread=True, status_code=200)
def consent_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """The app gets its code, or the person's no. A search for the patient shows the page again."""
    form = checked_form(staff, data)
    return _asked(staff, Asked.of(form), form)


@get("/patients/{patient_id:str}/apps", sync_to_thread=True)
def apps_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The apps that can be opened with this patient."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        person = consenting.person(staff.app, tx, staff.principal, patient_id)
        found = clients.launchable_clients(tx)
        head = head_values(staff, tx, patient_id, "apps")
    values = {**head, "patient_id": patient_id, "name": person, "apps": found}
    return staff.page("apps.html", "/patients", values, about=patient_id)


@get("/patients/{patient_id:str}/apps/{client_id:str}", sync_to_thread=True)
def app_launch(staff: SignedInStaff, patient_id: FromPath[str], client_id: FromPath[str]) -> Response[str]:
    """On to the app's launch address. What it may then see, the person is asked there."""
    address, launch = staff.app.database.run(
        staff.tenant.id,
        lambda tx: consenting.launch(staff.app, tx, staff.principal, client_id, patient_id),
        actor=staff.principal.reference,
    )
    joint = "&" if urlsplit(address).query else "?"
    return _onward(f"{address}{joint}{urlencode({'iss': _fhir_base(staff), 'launch': launch})}")


def _asked(staff: Staff, asked: Asked, form: dict[str, str]) -> Response[str]:
    def work(tx: Transaction) -> Response[str]:
        offered = consenting.offer(staff.app, tx, staff.principal, asked, _fhir_base(staff))
        return _decided(staff, tx, offered, form)

    try:
        return staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)
    except SentBack as error:
        return _onward(error.address)


def _decided(staff: Staff, tx: Transaction, offered: Offer, form: dict[str, str]) -> Response[str]:
    match form.get("decision"):
        case "deny":
            return _onward(consenting.deny(tx, staff.principal, offered))
        case "allow":
            try:
                return _onward(consenting.allow(staff.app, tx, staff.principal, offered, form.get("patient")))
            except Rejected as error:
                return _page(staff, tx, offered, form, problem=f"Choose {error.expected}.")
    return _page(staff, tx, offered, form)


def _page(staff: Staff, tx: Transaction, offered: Offer, form: dict[str, str], *, problem: str = "") -> Response[str]:
    text = form.get("text", "")
    values = {
        **staff.common(),
        "offered": offered,
        "fields": offered.asked.parameters,
        "says": sentences((*offered.scopes, *offered.words)),
        "who": staff.principal.name,
        "site": staff.tenant.name,
        "host": urlsplit(offered.asked.redirect_uri).netloc or offered.asked.redirect_uri,
        "picks": offered.needs_patient and offered.patient_id is None,
        "text": text,
        "hits": people.find(staff.app, tx, staff.principal, text) if text else None,
        "born": born_words,
        "problem": problem,
    }
    return render("consent.html", values, status=422 if problem else 200, headers=_policy(offered))


def _policy(offered: Offer) -> dict[str, str]:
    """The form's answer leads to the app: only there, and only from this page (security.md §5)."""
    parts = urlsplit(offered.asked.redirect_uri)
    target = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
    policy = CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {target}")
    return {"Content-Security-Policy": policy}


def _onward(address: str) -> Response[str]:
    headers = {**PAGE_HEADERS, "Location": address, "Referrer-Policy": "no-referrer"}
    return Response("", status_code=303, media_type=MediaType.HTML, headers=headers)


def _fhir_base(staff: Staff) -> str:
    return f"{server_address(browser_request(staff.request), staff.app.settings.public_url)}/fhir"
