"""The schedule: a day or a week of one person or of all; one visit with what can be done about it; booking."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.accounts import StaffMember
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Conflict, Rejected
from careloop.flows import booking, diary_pages, diary_slots, video_visits
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import VisitKind, Window
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values
from careloop.web.words import day_name

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
HERE = "/schedule"
ANYBODY = "all"
_WEEK = 7
_DAYS_AHEAD = 14
_TIMES = 16
_FARTHEST = timedelta(days=3660)


def day_of(staff: Staff, text: str) -> date:
    """The day that an address names, else today; none that is ten years away."""
    today = staff.now.astimezone(staff.words.zone).date()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if abs(day - today) < _FARTHEST else today


def moment_of(staff: Staff, text: str) -> datetime:
    """The moment that a form names: an instant of ours, or a time typed by a person in the zone of the practice."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(at="start", expected="a day and a time") from None
    return found if found.tzinfo else found.replace(tzinfo=staff.words.zone)


def run(staff: Staff, work: Callable[[Transaction], Any]) -> Any:
    """`work` in a transaction of this person, again where two writers met."""
    return staff.app.database.run(staff.tenant.id, work, actor=staff.principal.reference)


@get("/schedule", sync_to_thread=True)
def schedule_page(
    staff: SignedInStaff,
    day: FromQuery[str] = "",
    view: FromQuery[str] = "day",
    who: FromQuery[str] = "",
) -> Response[str]:
    """The day or the week. Of the person who is signed in, where they see patients; else of all."""
    first, week = day_of(staff, day), view == "week"
    if week:
        first -= timedelta(days=first.weekday())

    def work(tx: Transaction) -> dict[str, Any]:
        members = diary_pages.staff_shown(tx)
        mine = {one.reference for one in members}
        chosen = who or (staff.principal.reference if staff.principal.reference in mine else ANYBODY)
        actors = sorted(mine) if chosen == ANYBODY else [diary_pages.require_staff(tx, chosen).reference]
        shown = diary_pages.days(staff.app, tx, staff.principal, actors, first, _WEEK if week else 1)
        return {
            "members": members,
            "chosen": chosen,
            "shown": sorted(shown, key=lambda one: (one.name, one.day)),
            "clashes": diary_pages.clashes(staff.app, tx, staff.principal),
        }

    values = run(staff, work)
    step = timedelta(days=_WEEK if week else 1)
    today = staff.now.astimezone(staff.words.zone).date()
    values |= {
        "day": first,
        "view": "week" if week else "day",
        "before": first - step,
        "after": first + step,
        "day_name": lambda one: _day_heading(one, today),
        "today": today,
    }
    return staff.page("schedule.html", HERE, values)


@get("/schedule/book", sync_to_thread=True)
def book_page(
    staff: SignedInStaff,
    patient: FromQuery[str],
    kind: FromQuery[str] = "office",
    who: FromQuery[str] = ANYBODY,
    day: FromQuery[str] = "",
    instead: FromQuery[str] = "",
    about: FromQuery[str] = "",
) -> Response[str]:
    """Free times for a patient: one press books. `about`: the matter that asks for the visit."""
    asked = {"patient": patient, "kind": kind, "who": who, "day": day, "instead": instead, "about": about}
    return _book(staff, asked)


@post("/schedule/book", sync_to_thread=True)
def book_send(staff: SignedInStaff, data: Form) -> Response[str]:
    """The visit is booked, or the patient waits for one."""
    form = checked_form(staff, data)
    require(staff.principal, "create", "Appointment")
    try:
        said, appointment_id = run(staff, lambda tx: _done(staff, tx, form))
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _book(staff, form, problem=error.message, status=status)
    return staff.back(f"/schedule/visits/{appointment_id}", said=said)


def _done(staff: Staff, tx: Transaction, form: dict[str, str]) -> tuple[str, str]:
    app, me = staff.app, staff.principal
    actor, _, start = form.get("time", "").partition("|")
    wish = booking.Wish(
        patient_id=form.get("patient", ""),
        actor=actor or ("" if form.get("who") == ANYBODY else form.get("who", "")),
        kind=form.get("kind", ""),
        start=moment_of(staff, start or form.get("start", "")),
        instead_of=form.get("instead", ""),
        about=form.get("about", ""),
        within=_within(staff, form),
    )
    if form.get("act") == "wait":
        until = moment_of(staff, f"{form['until']}T23:59") if form.get("until") else None
        need = int(form["need"]) if form.get("need", "").isascii() and form.get("need", "").isdigit() else 0
        return "On the waiting list.", booking.wait(app, tx, me, wish, need=need, until=until)
    if not wish.actor:
        raise Rejected(at="who", expected="with whom the visit is")
    diary_pages.require_staff(tx, wish.actor)
    return "The visit is booked.", booking.book(app, tx, me, wish)


def _within(staff: Staff, form: dict[str, str]) -> Window | None:
    """When the patient can be visited, where the form says it."""
    if not form.get("from") or not form.get("to"):
        return None
    window = Window(moment_of(staff, form["from"]), moment_of(staff, form["to"]))
    if window.start >= window.end:
        raise Rejected(at="to", expected="a time after the first one")
    return window


def _book(staff: Staff, form: dict[str, str], *, problem: str = "", status: int = 200) -> Response[str]:
    require(staff.principal, "create", "Appointment")
    first, who = day_of(staff, form.get("day", "")), form.get("who") or ANYBODY
    patient_id = form.get("patient", "")

    def work(tx: Transaction) -> dict[str, Any]:
        patient = diary_pages.patient_named(staff.app, tx, staff.principal, patient_id)
        kinds = visits_of(staff.app.catalog).kinds
        kind = kinds.get(form.get("kind", ""), next(iter(kinds.values())))
        members = diary_pages.staff_shown(tx)
        actors = [one.reference for one in members if one.reference == who or (who == ANYBODY and _holds(one, kind))]
        return {
            **head_values(staff, tx, patient_id),
            "patient": patient,
            "kinds": kinds,
            "kind": kind,
            "members": members,
            "days": _times(staff, tx, actors, kind, first, f"Patient/{patient_id}"),
            "no_video": kind.where == "video" and not video_visits.service_address(tx),
        }

    values = run(staff, work) | {
        "patient_id": patient_id,
        "who": who,
        "day": first,
        "typed": form,
        "problem": problem,
        "later": first + timedelta(days=_DAYS_AHEAD),
    }
    return staff.page("schedule_book.html", HERE, values, status=status, about=patient_id)


def _holds(member: StaffMember, kind: VisitKind) -> bool:
    """True where somebody of this role usually holds such a visit."""
    return not kind.roles or bool({role.value for role in member.roles}.intersection(kind.roles))


def _times(
    staff: Staff, tx: Transaction, actors: list[str], kind: Any, first: date, patient: str
) -> list[tuple[str, list[tuple[str, str, Window]]]]:
    """The first free times by day: day in words, then reference, name and window. Of several people who are free at one
    time it is whoever has the most time left."""
    free = diary_slots.free_times(staff.app, tx, actors, kind, first, _DAYS_AHEAD, patient)
    names = {one.reference: one.name for one in diary_pages.staff_shown(tx)}
    every = sorted((window, -len(windows), actor) for actor, windows in free.items() for window in windows)
    chosen = {window: actor for window, _, actor in reversed(every)}
    found: dict[date, list[tuple[str, str, Window]]] = {}
    for window, actor in sorted(chosen.items()):
        day = window.start.astimezone(staff.words.zone).date()
        if day not in found and len(found) == 3:
            break
        if len(found.setdefault(day, [])) < _TIMES:
            found[day].append((actor, names.get(actor, ""), window))
    today = staff.now.astimezone(staff.words.zone).date()
    return [(_day_heading(day, today), times) for day, times in found.items()]


def _day_heading(day: date, today: date) -> str:
    name = day_name(day, today)
    return name[:1].upper() + name[1:]


@get("/schedule/visits/{appointment_id:str}", sync_to_thread=True)
def visit_page(
    staff: SignedInStaff, appointment_id: FromPath[str], move: FromQuery[bool] = False, day: FromQuery[str] = ""
) -> Response[str]:
    """One visit; with `move` the times to which it can be moved."""
    return _visit(staff, appointment_id, move=move, day=day)


@post("/schedule/visits/{appointment_id:str}", sync_to_thread=True)
def visit_send(staff: SignedInStaff, appointment_id: FromPath[str], data: Form) -> Response[str]:
    """Confirmed, here, moved, cancelled, missed, or why."""
    form = checked_form(staff, data)
    require(staff.principal, "update", "Appointment")
    try:
        said = run(staff, lambda tx: _act(staff, tx, appointment_id, form))
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _visit(
            staff, appointment_id, move=form.get("act") == "move", problem=error.message, status=status, typed=form
        )
    return staff.back(f"/schedule/visits/{appointment_id}", said=said)


def _act(staff: Staff, tx: Transaction, appointment_id: str, form: dict[str, str]) -> str:
    app, me = staff.app, staff.principal
    match form.get("act"):
        case "confirm":
            booking.confirm(app, tx, me, appointment_id)
            return "The patient will come."
        case "arrive":
            booking.arrive(app, tx, me, appointment_id)
            return "The patient is here."
        case "missed":
            booking.did_not_come(app, tx, me, appointment_id)
            return "Did not come. Ask why."
        case "move":
            actor, _, start = form.get("time", "").partition("|")
            booking.move(app, tx, me, appointment_id, moment_of(staff, start or form.get("start", "")), actor)
            return "The visit is moved. Tell the patient the new time."
        case "cancel":
            return booking.cancel(app, tx, me, appointment_id, form.get("reason", ""), form.get("said", ""))
        case "reason":
            return booking.give_reason(app, tx, me, appointment_id, form.get("reason", ""), form.get("said", ""))
        case "party":
            video_visits.add_party(app, tx, me, appointment_id, form.get("party", ""), form.get("name", ""))
            return "They have a link of their own."
        case _:
            raise Rejected(at="act", expected="one of the buttons on the page")


def _visit(
    staff: Staff,
    appointment_id: str,
    *,
    move: bool = False,
    day: str = "",
    problem: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
) -> Response[str]:
    def work(tx: Transaction) -> dict[str, Any]:
        visit = diary_pages.visit(staff.app, tx, staff.principal, appointment_id)
        visits = visits_of(staff.app.catalog)
        minutes = int(visit.line.window.length / timedelta(minutes=1))
        days = []
        if move:
            kind = next((one for one in visits.kinds.values() if one.words == visit.line.words), None)
            wanted = VisitKind(id=kind.id if kind else "", words="", minutes=minutes, where="")
            actors = list(visit.line.actors) or [one.reference for one in diary_pages.staff_shown(tx)]
            days = _times(staff, tx, actors, wanted, day_of(staff, day), f"Patient/{visit.line.patient_id}")
        return {
            **(head_values(staff, tx, visit.line.patient_id) if visit.line.patient_id else {"page": None}),
            "visit": visit,
            "days": days,
            "reasons": visits.reasons.values(),
            "no_video": visit.line.where == "video" and not visit.has_room,
        }

    values = run(staff, work) | {
        "move": move,
        "problem": problem,
        "typed": typed or {},
        "base": str(staff.request.base_url).rstrip("/"),
    }
    line = values["visit"].line
    return staff.page("schedule_visit.html", HERE, values, status=status, about=line.patient_id)
