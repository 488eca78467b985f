"""Readings from home: the board, an alert with what was done about it, the load of alerts."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, require_action
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import home_acts, home_board, monitoring
from careloop.flows.home_acts import Done
from careloop.flows.home_board import BoardRow
from careloop.web.charts import Point, spark
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
STATES = {
    "red": "Red",
    "yellow": "Yellow",
    "grey": "Grey",
    "waits": "Repeat awaited",
    "paused": "Paused",
    "quiet": "In limits",
}
_HERE = "/monitoring"


@get("/monitoring", sync_to_thread=True)
def home_readings_page(staff: SignedInStaff) -> Response[str]:
    """Everybody who is watched, the worst first."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        board = home_board.board(staff.app, tx, staff.principal)
    values = {"board": board, "states": STATES, "spark": _spark}
    return staff.page("home_readings.html", _HERE, values)


@get("/monitoring/load", sync_to_thread=True)
def home_load_page(staff: SignedInStaff) -> Response[str]:
    """What alerts cost and bring (MO-15)."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        load = home_board.load(staff.app, tx, staff.principal)
        names = monitoring.content_of(staff.app, tx).names
    return staff.page("home_load.html", _HERE, {"load": load, "names": names})


@get("/monitoring/alerts/{alert_id:str}", sync_to_thread=True)
def home_alert_page(staff: SignedInStaff, alert_id: FromPath[str]) -> Response[str]:
    """One alert: why, what to ask first, what was done."""
    return _alert(staff, alert_id)


@post("/monitoring/alerts/{alert_id:str}", sync_to_thread=True)
def home_alert_save(staff: SignedInStaff, alert_id: FromPath[str], data: Form) -> Response[str]:
    """It was seen, or it ends with an action."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.LOOP_WORK)
    done = Done(action=form.get("action", ""), note=form.get("note", ""), spoke=form.get("spoke") == "yes")
    try:
        said = staff.app.database.run(
            staff.tenant.id,
            lambda tx: (
                home_acts.see(staff.app, tx, staff.principal, alert_id)
                if form.get("what") == "seen"
                else home_acts.close(staff.app, tx, staff.principal, alert_id, done)
            ),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        problem = f"Please give {error.expected}." if isinstance(error, Rejected) else f"{error.message.capitalize()}."
        return _alert(staff, alert_id, problem=problem, status=status, typed=form)
    return staff.back(_HERE if form.get("what") != "seen" else f"/monitoring/alerts/{alert_id}", said=said)


def _alert(
    staff: Staff, alert_id: str, *, problem: str = "", status: int = 200, typed: dict[str, str] | None = None
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = home_board.alert_shown(staff.app, tx, staff.principal, alert_id)
        if found is None:
            loop = home_acts.loop_of(tx, alert_id)
            if loop is None:
                raise NotFound("there is no such alert")
            return staff.back(f"/loops/{loop.id}/steps/triage")
        patient_id, alert = found
        actions = monitoring.content_of(staff.app, tx).actions.values()
        head = head_values(staff, tx, patient_id, "vitals")
    values = {
        **head,
        "alert": alert,
        "actions": [one for one in actions if not one.takes or alert.name == "Odd reading"],
        "states": STATES,
        "may": bool(staff.principal.roles & home_acts.CLINICIANS),
        "problem": problem,
        "typed": typed or {},
    }
    return staff.page("home_alert.html", _HERE, values, status=status, about=patient_id)


def _spark(row: BoardRow) -> str:
    points = [Point(at=one.at, value=float(one.value), marked=one.marked) for one in row.trend]
    if len(points) < 2:
        return ""
    first, last = row.trend[0].words, row.trend[-1].words
    return spark(points, f"{row.metric} of 14 days: from {first} to {last}")
