"""Work and licences: what was done above and below the licence of who did it, and what could be delegated."""

from litestar import Response, get

from careloop.flows import licence_use
from careloop.web.staff.context import SignedInStaff


@get("/team/licences", sync_to_thread=True)
def licences_page(staff: SignedInStaff) -> Response[str]:
    """The last seven days by role and step."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        week = licence_use.page(staff.app, tx, staff.principal)
    return staff.page("licences.html", "/team", {"week": week})
