"""A document that came from elsewhere, or that we keep: its text made safe, and its original to save."""

from litestar import Response, get
from litestar.params import FromPath

from careloop.flows import document_reading
from careloop.web.rendering import PAGE_HEADERS
from careloop.web.staff.context import SignedInStaff

_AS_A_FILE = {
    **PAGE_HEADERS,
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Disposition": 'attachment; filename="document.xml"',
}


@get("/documents/{document_id:str}", sync_to_thread=True)
def document_page(staff: SignedInStaff, document_id: FromPath[str]) -> Response[str]:
    """The document as a person reads it."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        shown = document_reading.view(staff.app, tx, staff.principal, document_id)
    return staff.page("document.html", "/patients", {"document": shown})


@get("/documents/{document_id:str}/original", sync_to_thread=True)
def document_original(staff: SignedInStaff, document_id: FromPath[str]) -> Response[bytes]:
    """The bytes as they came, to be saved: never shown by the browser."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        raw = document_reading.original(staff.app, tx, staff.principal, document_id)
    return Response(raw, media_type="application/octet-stream", headers=_AS_A_FILE)
