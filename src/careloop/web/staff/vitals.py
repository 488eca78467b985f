"""One patient's readings from home: charts and tables, alerts, typing in, device files, who takes part, limits."""

from collections.abc import Mapping
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop import community
from careloop.access.policy import Action, require, require_action
from careloop.errors import Conflict, NotPermitted, Rejected
from careloop.flows import (
    home_asking,
    home_board,
    home_enrolling,
    home_entering,
    home_rhythms,
    home_tuning,
    monitoring,
)
from careloop.flows.home_board import MetricShown, Vitals
from careloop.flows.home_enrolling import Enrolment
from careloop.flows.home_tuning import Tuned
from careloop.flows.people import patients_shown
from careloop.monitoring.content import Monitoring
from careloop.monitoring.rules.saying import plain
from careloop.web.charts import Limit, Point, chart
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.home_readings import STATES
from careloop.web.staff.patient_head import head_values

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_HERE = "/monitoring"
TABLE = 20
"""So many readings of a metric are in its table; the chart shows 30 days."""


@get("/patients/{patient_id:str}/vitals", sync_to_thread=True)
def vitals_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """Charts with limits, values as a table, alerts, who takes part."""
    return _page(staff, patient_id)


@post("/patients/{patient_id:str}/vitals", sync_to_thread=True)
def vitals_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """`what`: enroll, pause, go on, end, typed values, or a link for the patient."""
    form = checked_form(staff, data)
    require_action(staff.principal, Action.LOOP_WORK)
    require(staff.principal, "create", "Observation")
    link = ""
    try:
        if form.get("what") == "link":
            link = community.as_path(home_asking.by_hand(staff.app, staff.principal, patient_id).secret)
            return _page(staff, patient_id, link=link)
        said = staff.app.database.run(
            staff.tenant.id, lambda tx: _save(staff, tx, patient_id, form, data), actor=staff.principal.reference
        )
    except (Rejected, Conflict) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return _page(staff, patient_id, problem=_words(error), status=status, typed=form)
    return staff.back(f"/patients/{patient_id}/vitals", said=said)


@post("/patients/{patient_id:str}/vitals/file")
async def vitals_file(
    request: Request[Any, Any, Any], staff: SignedInStaff, patient_id: FromPath[str]
) -> Response[str]:
    """A file of a device: its readings are taken in, each line that cannot be used is told. The form is read after it
    is known who sends it."""
    data = (await request.form()).dict()
    return await sync_to_thread(_take, staff, patient_id, data)


def _take(staff: Staff, patient_id: str, data: Mapping[str, Any]) -> Response[str]:
    checked_form(staff, {name: values[-1] for name, values in data.items() if isinstance(values[-1], str)})
    require_action(staff.principal, Action.LOOP_WORK)
    require(staff.principal, "create", "Observation")
    upload = next((one for one in data.get("file", ()) if isinstance(one, UploadFile)), None)
    content = upload.file.read() if isinstance(upload, UploadFile) else b""
    name = (upload.filename if isinstance(upload, UploadFile) else "") or "file.csv"
    try:
        if not content:
            raise Rejected(at="file", expected="a CSV file", code="required")
        taken = staff.app.database.run(
            staff.tenant.id,
            lambda tx: home_entering.take_file(staff.app, tx, staff.principal, patient_id, name, content),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        return _page(staff, patient_id, problem=_words(error), status=409 if isinstance(error, Conflict) else 422)
    if taken.faults:
        return _page(staff, patient_id, taken=taken)
    return staff.back(f"/patients/{patient_id}/vitals", said=f"{taken.taken} readings taken in. {taken.file}.")


@get("/patients/{patient_id:str}/limits", sync_to_thread=True)
def limits_page(staff: SignedInStaff, patient_id: FromPath[str]) -> Response[str]:
    """The limits that hold, and what others would have made of the last 30 days."""
    given = {name: str(value) for name, value in staff.request.query_params.items()}
    return _limits(staff, patient_id, given)


@post("/patients/{patient_id:str}/limits", sync_to_thread=True)
def limits_save(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """Signed by a physician: they hold from now on."""
    form = checked_form(staff, data)
    require(staff.principal, "create", "DeviceRequest")
    try:
        said = staff.app.database.run(
            staff.tenant.id,
            lambda tx: home_enrolling.sign_limits(
                staff.app, tx, staff.principal, patient_id, values_of(monitoring.content_of(staff.app, tx), form)
            ),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        return _limits(staff, patient_id, form, problem=_words(error), status=422)
    return staff.back(f"/patients/{patient_id}/vitals", said=said)


def _save(staff: Staff, tx: Any, patient_id: str, form: dict[str, str], data: dict[str, Any]) -> str:
    app, who = staff.app, staff.principal
    what = form.get("what", "")
    if what == "enroll":
        chosen = data.get("programme", [])
        programmes = [chosen] if isinstance(chosen, str) else [str(one) for one in chosen]
        content = monitoring.content_of(app, tx)
        usual = {}
        for metric in content.metrics:
            if form.get(f"usual-{metric}"):
                usual[metric] = _decimal(f"usual-{metric}", form[f"usual-{metric}"])
        new = Enrolment(
            programmes=programmes,
            on_call=form.get("on_call") == "yes",
            told=form.get("told") == "yes",
            usual=usual,
            rhythm=form.get("rhythm", ""),
        )
        return home_enrolling.enrol(app, tx, who, patient_id, new)
    if what == "rhythm":
        return home_rhythms.set_rhythm(
            app, tx, who, patient_id, form.get("rhythm", ""), form.get("why", ""), at=form.get("ask_at", "").strip()
        )
    if what in ("active", "onhold", "finished"):
        return home_enrolling.change(app, tx, who, patient_id, what, form.get("why", ""))
    content = monitoring.content_of(app, tx)
    typed = home_entering.typed_of(content, form, staff.now, staff.words.zone)
    return home_entering.staff_enter(app, tx, who, patient_id, typed)


def values_of(content: Monitoring, form: dict[str, str]) -> dict[str, Decimal | None]:
    """The numbers of the limits form that are not what ships; None for rows that are turned off."""
    found: dict[str, Decimal | None] = {}
    for row in content.all_rows:
        if not row.adjust:
            continue
        if form.get(f"off-{row.id}") == "yes":
            found[row.id] = None
        elif form.get(f"n-{row.id}"):
            number = _decimal(f"n-{row.id}", form[f"n-{row.id}"])
            if number != row.number:
                found[row.id] = number
    return found


def _decimal(at: str, text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or not 0 < number < 10_000:
        raise Rejected(at=at, expected="a number above 0", code="value")
    return number


def _page(
    staff: Staff,
    patient_id: str,
    *,
    problem: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
    taken: home_entering.Taken | None = None,
    link: str = "",
) -> Response[str]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = home_board.vitals(staff.app, tx, staff.principal, patient_id)
        content = monitoring.content_of(staff.app, tx)
        shown = patients_shown(staff.app, tx, [patient_id], staff.now, staff.words.zone)
        head = head_values(staff, tx, patient_id, "vitals")
    values = {
        **head,
        "vitals": found,
        "person": shown[patient_id],
        "charts": {one.metric.id: _chart(staff, one) for one in found.metrics},
        "entries": _entries(content, found),
        "rhythms": content.check_ins["rhythms"],
        "usual_at": f"{time.fromisoformat(content.check_ins['asking']['at']):%-I:%M %p}".lower(),
        "asked": home_asking.ways_words(staff.app, content),
        "states": STATES,
        "most": TABLE,
        "problem": problem,
        "typed": typed or {},
        "taken": taken,
        "link": link,
        "may_enroll": _may(staff, "create", "EpisodeOfCare"),
        "may_sign": _may(staff, "create", "DeviceRequest"),
    }
    return staff.page("vitals.html", "/patients", values, status=status, about=patient_id)


def _limits(
    staff: Staff, patient_id: str, form: dict[str, str], *, problem: str = "", status: int = 200
) -> Response[str]:
    tuned: Tuned | None = None
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        found = home_board.vitals(staff.app, tx, staff.principal, patient_id)
    if found.plan is None:
        return staff.back(f"/patients/{patient_id}/vitals", said="Not enrolled yet: limits are set for who takes part.")
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        content = monitoring.content_of(staff.app, tx)
        if form.get("try") and not problem:
            try:
                draft = values_of(content, form)
                everybody = form["try"] == "everybody"
                whom = [] if everybody else [patient_id]
                tuned = home_tuning.preview(staff.app, tx, staff.principal, whom, draft)
            except Rejected as error:
                problem, status = _words(error), 422
        shown = patients_shown(staff.app, tx, [patient_id], staff.now, staff.words.zone)
        head = head_values(staff, tx, patient_id, "vitals")
    values = {
        **head,
        "vitals": found,
        "person": shown[patient_id],
        "form": form,
        "tuned": tuned,
        "problem": problem,
        "may_sign": _may(staff, "create", "DeviceRequest"),
    }
    return staff.page("limits.html", "/patients", values, status=status, about=patient_id)


def _entries(content: Monitoring, found: Vitals) -> list[MetricShown]:
    """What can be typed in: the metrics of the patient, else all."""
    return [one for one in found.metrics if one.metric.id in content.metrics and one.metric.unit != "{score}"]


def _chart(staff: Staff, one: MetricShown) -> str:
    values = [value for value in one.values if value.state == "valid"]
    points = [Point(at=value.at, value=float(value.value), marked=value.marked) for value in values]
    limits = [Limit(value=float(number), shown=plain(number)) for number, _ in one.lines]
    if not points:
        return ""
    ends = [points[0].at, points[-1].at] if len(points) > 1 else [points[0].at]
    days = [(at, f"{at.astimezone(staff.words.zone):%-d %b}") for at in ends]
    says = f"{one.metric.name}: {len(values)} readings, the last {values[-1].words}"
    return chart(points, limits, says, days)


def _may(staff: Staff, interaction: str, kind: str) -> bool:
    try:
        require(staff.principal, interaction, kind)
    except NotPermitted:
        return False
    return True


def _words(error: Rejected | Conflict) -> str:
    if isinstance(error, Rejected):
        return (
            f"Please give {error.expected}."
            if error.at != "told"
            else f"Not enrolled. We need to know {error.expected}."
        )
    return f"{error.message[0].upper()}{error.message[1:]}."
