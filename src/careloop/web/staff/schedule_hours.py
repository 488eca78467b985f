"""A person's hours, absences and calendar address."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.model import Role
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Rejected
from careloop.flows import calendar_feeds, diary_hours, diary_pages, diary_slots
from careloop.scheduling import store
from careloop.scheduling.model import Window
from careloop.scheduling.rules.hours import DAYS, hours_text
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.schedule import HERE, moment_of, run

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AHEAD_DAYS = 366


@get("/schedule/hours/{practitioner_id:str}", sync_to_thread=True)
def hours_page(staff: SignedInStaff, practitioner_id: FromPath[str]) -> Response[str]:
    """The hours of one person."""
    return _page(staff, practitioner_id)


@post("/schedule/hours/{practitioner_id:str}", sync_to_thread=True, status_code=200)
def hours_send(staff: SignedInStaff, practitioner_id: FromPath[str], data: Form) -> Response[str]:
    """Hours are set, an absence begins or is taken back, the calendar address is made or closed."""
    form, actor = checked_form(staff, data), f"Practitioner/{practitioner_id}"
    require(staff.principal, "update", "Schedule")
    try:
        said, address = run(staff, lambda tx: _act(staff, tx, actor, form))
    except Rejected as error:
        return _page(staff, practitioner_id, problem=error.message, status=422, typed=form)
    if address:
        base = (staff.app.settings.public_url or str(staff.request.base_url)).rstrip("/")
        return _page(staff, practitioner_id, address=base + address)
    return staff.back(f"/schedule/hours/{practitioner_id}", said=said)


def _act(staff: Staff, tx: Transaction, actor: str, form: dict[str, str]) -> tuple[str, str]:
    app, me = staff.app, staff.principal
    match form.get("act"):
        case "hours":
            lines = {place: form.get(day, "") for place, day in enumerate(DAYS)}
            diary_hours.set_hours(app, tx, me, actor, lines)
            return "The hours are kept.", ""
        case "away":
            window = _away(staff, form)
            inside = diary_hours.add_absence(app, tx, me, actor, window, form.get("why", ""))
            count = len(inside)
            more = f" {count} {'visit has' if count == 1 else 'visits have'} to be moved." if count else ""
            return f"Kept as away.{more}", ""
        case "back":
            diary_hours.end_absence(app, tx, me, form.get("slot", ""))
            return "Not away any more.", ""
        case "feed-open":
            return "", calendar_feeds.open_feed(app, tx, me, actor)
        case "feed-close":
            calendar_feeds.close_feed(app, tx, me, actor)
            return "Nobody can read the calendar by that address any more.", ""
        case _:
            raise Rejected(at="act", expected="one of the buttons on the page")


def _away(staff: Staff, form: dict[str, str]) -> Window:
    """Whole days from the first to the last."""
    first, last = (moment_of(staff, f"{form.get(name, '')}T00:00") for name in ("first", "last"))
    return Window(first, datetime.combine(last.date() + timedelta(days=1), time(), tzinfo=staff.words.zone))


def _page(
    staff: Staff,
    practitioner_id: str,
    *,
    problem: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
    address: str = "",
) -> Response[str]:
    require(staff.principal, "search", "Appointment")
    actor = f"Practitioner/{practitioner_id}"

    def work(tx: Transaction) -> dict[str, Any]:
        member = diary_pages.require_staff(tx, actor)
        diary = diary_slots.diaries(staff.app, tx, [actor])[actor]
        span = Window(staff.now, staff.now + timedelta(days=_AHEAD_DAYS))
        return {
            "member": member,
            "own": diary.own,
            "hours": [(day, NAMES[place], hours_text(diary.hours, place)) for place, day in enumerate(DAYS)],
            "away": [one for one in store.taken_of(tx, [actor], span) if one.kind == "away"],
            "feed": store.feed_of(tx, actor),
        }

    mine = actor == staff.principal.reference
    values = run(staff, work) | {
        "practitioner_id": practitioner_id,
        "problem": problem,
        "typed": typed or {},
        "address": address,
        "may_change": mine or bool(staff.principal.roles & {Role.MANAGER, Role.COORDINATOR}),
        "may_open": mine or Role.MANAGER in staff.principal.roles,
    }
    return staff.page("schedule_hours.html", HERE, values, status=status)
