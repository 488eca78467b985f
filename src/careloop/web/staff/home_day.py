"""The day of one person on the road: the order of the visits, what was assumed, the packet on paper."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery

from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import diary_pages, home_visits
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.schedule import HERE, day_of, run

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/schedule/home-day", sync_to_thread=True)
def home_day_page(staff: SignedInStaff, who: FromQuery[str] = "", day: FromQuery[str] = "") -> Response[str]:
    """The visits at home of one day in the order proposed."""
    return _page(staff, who, day)


@post("/schedule/home-day", sync_to_thread=True)
def home_day_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """The proposed times are booked."""
    form = checked_form(staff, data)
    who, day = form.get("who", ""), form.get("day", "")
    require(staff.principal, "update", "Appointment")
    versions = dict(_version(part) for part in form.get("versions", "").split() if "|" in part)
    chosen = day_of(staff, day)
    try:
        said = run(staff, lambda tx: home_visits.use_order(staff.app, tx, staff.principal, who, chosen, versions))
    except (Rejected, Conflict) as error:
        return _page(staff, who, day, problem=error.message, status=409 if isinstance(error, Conflict) else 422)
    return staff.back(f"/schedule/home-day?who={who}&day={chosen.isoformat()}", said=said)


@get("/schedule/home-day/packet", sync_to_thread=True)
def packet_page(staff: SignedInStaff, who: FromQuery[str], day: FromQuery[str] = "") -> Response[str]:
    """What to take along, one sheet for each visit."""
    found, sheets = run(staff, lambda tx: home_visits.packet(staff.app, tx, staff.principal, who, day_of(staff, day)))
    return staff.page("home_packet.html", HERE, {"found": found, "sheets": sheets, "site": staff.tenant.name})


def _version(text: str) -> tuple[str, int]:
    own_id, _, version = text.partition("|")
    return own_id, int(version) if version.isascii() and version.isdigit() else 0


def _page(staff: Staff, who: str, day: str, *, problem: str = "", status: int = 200) -> Response[str]:
    chosen = day_of(staff, day)

    def work(tx: Transaction) -> dict[str, Any]:
        members = diary_pages.staff_shown(tx)
        mine = {one.reference for one in members}
        actor = who or (staff.principal.reference if staff.principal.reference in mine else min(mine, default=""))
        if not actor:
            return {"found": None, "members": members}
        return {
            "found": home_visits.home_day(staff.app, tx, staff.principal, actor, chosen),
            "members": members,
        }

    require(staff.principal, "search", "Appointment")
    return staff.page("home_day.html", HERE, run(staff, work) | {"day": chosen, "problem": problem}, status=status)
