"""Patients: find one, and one page for the whole person."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery

from careloop.access.policy import Action, may_act, require
from careloop.errors import Conflict, Rejected
from careloop.flows import brief, episode_cards, identifying, medicine_overview
from careloop.flows import patient_record as record
from careloop.flows import patients as flow
from careloop.flows.patient_values import FactRow, PatientPage, Trend
from careloop.flows.timeline import Event
from careloop.web.staff.capture_box import Box, empty_box
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.staff.result_trends import lines_of
from careloop.web.words import born_words, day_name

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_MOST, _ROWS = 500, 25
_PROFILE = ("problems", "medicines", "allergies", "results", "immunizations", "needs")
_QUIET = frozenset({"allergies", "results", "immunizations"})
"""Sections that the overview leaves out when they are empty."""


@get("/patients", sync_to_thread=True)
def patients_page(staff: SignedInStaff) -> Response[str]:
    """The empty search."""
    return staff.page("patients.html", "/patients", {"hits": None, "text": "", "born": born_words})


@post("/patients", sync_to_thread=True, status_code=200)
def patients_find(staff: SignedInStaff, data: Form) -> Response[str]:
    """Who was found. The search is in the body, so no name stands in an address or a log."""
    text = checked_form(staff, data).get("text", "")
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        hits = flow.find(staff.app, tx, staff.principal, text)
    return staff.page("patients.html", "/patients", {"hits": hits, "text": text, "born": born_words})


@get("/patients/{patient_id:str}", sync_to_thread=True)
def patient_page(
    staff: SignedInStaff,
    patient_id: FromPath[str],
    kind: FromQuery[str | None] = None,
    most: FromQuery[int] = 30,
) -> Response[str]:
    """The whole person: what matters, what happened, what is open."""
    return page_of(staff, patient_id, kind=kind, most=most)


@get("/patients/{patient_id:str}/record", sync_to_thread=True)
def patient_record(
    staff: SignedInStaff,
    patient_id: FromPath[str],
    source: FromQuery[str | None] = None,
    only: FromQuery[str | None] = None,
) -> Response[str]:
    """Every fact of the person with its sources, its age and who still has to know."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = record.record_page(staff.app, tx, staff.principal, patient_id, source=source, only=only)
    values = {
        "page": page,
        "tab": "record",
        "problem": "",
        "primary": None,
        "source": source,
        "only": only,
        "most": _MOST if only else _ROWS,
        "born": born_words,
    }
    return staff.page("patient_record.html", "/patients", values, about=patient_id)


@get("/patients/{patient_id:str}/facts/{kind:str}/{fact_id:str}", sync_to_thread=True)
def patient_fact(
    staff: SignedInStaff, patient_id: FromPath[str], kind: FromPath[str], fact_id: FromPath[str]
) -> Response[str]:
    """Who told one fact, in which versions."""
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = record.fact_page(staff.app, tx, staff.principal, patient_id, kind, fact_id)
    return staff.page("fact.html", "/patients", {"page": page}, about=patient_id)


@post("/patients/{patient_id:str}/part", sync_to_thread=True)
def patient_part(staff: SignedInStaff, patient_id: FromPath[str], data: Form) -> Response[str]:
    """A join is taken back: two people again."""
    why = checked_form(staff, data).get("why", "")
    require(staff.principal, "update", "Patient")
    try:
        said = staff.app.database.run(
            staff.tenant.id,
            lambda tx: identifying.part(staff.app, tx, staff.principal, patient_id, why),
            actor=staff.principal.reference,
        )
    except (Rejected, Conflict) as error:
        return page_of(staff, patient_id, problem=error.message, status=409 if isinstance(error, Conflict) else 422)
    return staff.back(f"/patients/{patient_id}", said=said)


def page_of(
    staff: Staff,
    patient_id: str,
    *,
    kind: str | None = None,
    most: int = 30,
    problem: str = "",
    box: Box | None = None,
    status: int = 200,
) -> Response[str]:
    """The patient page, with what was typed into its box."""
    chosen = kind if kind in flow.KINDS else None
    shown = min(max(most, 1), _MOST)
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        page = flow.page(staff.app, tx, staff.principal, patient_id, kind=chosen, most=shown)
        brief.note_look(staff.app, tx, staff.principal, patient_id)
        cards = episode_cards.of_patient(staff.app, tx, staff.principal, patient_id)
        differing = medicine_overview.differing(staff.app, tx, patient_id, page.open_loops)
    values = {
        "page": page,
        "tab": "overview",
        "profile": _PROFILE,
        "differing": differing,
        "results": _results(page),
        "lines": lines_of(page.trends),
        "quiet": _QUIET,
        "most_lines": 8,
        "days": _by_day(staff, page.events),
        "titles": {thread.number: thread.title for thread in page.threads},
        "kinds": flow.KINDS,
        "kind": chosen,
        "most": shown,
        "episodes": [card for card in cards if card.is_current and card.kind != "matter"],
        "born": born_words,
        "primary": page.open_loops[0].loop_id if page.open_loops else None,
        "problem": problem,
        "box": box or empty_box(staff),
        "can_write": may_act(staff.principal, Action.LOOP_WORK),
    }
    return staff.page("patient.html", "/patients", values, about=patient_id, status=status)


def _results(page: PatientPage) -> list[tuple[FactRow, list[Trend]]]:
    """The newest result of each test with its series: what is out of range first, then the newest."""
    of_fact: dict[str, list[Trend]] = {}
    for trend in page.trends:
        of_fact.setdefault(trend.series.newest.fact.id, []).append(trend)
    rows = next(section.rows for section in page.sections if section.key == "results")
    found = [(row, of_fact.get(row.id, [])) for row in rows]
    found.sort(key=lambda one: one[0].order, reverse=True)
    return sorted(found, key=lambda one: not any(trend.series.newest.is_out for trend in one[1]))


def _by_day(staff: Staff, events: Sequence[Event]) -> list[tuple[str, list[Event]]]:
    zone, today = staff.words.zone, staff.now.astimezone(staff.words.zone).date()

    def day(event: Event) -> Any:
        return event.at.astimezone(zone).date()

    return [(_heading(key, today), list(group)) for key, group in groupby(events, key=day)]


def _heading(day: Any, today: Any) -> str:
    name = day_name(day, today)
    return f"Today, {datetime.combine(day, datetime.min.time()):%a %-d %b}" if day == today else name
