"""Something to read for a patient, and one question about it: by a link, on a phone, without script or account."""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from careloop.errors import Rejected
from careloop.flows import educating as flow
from careloop.flows.app import App
from careloop.flows.partner_links import Door
from careloop.web.partners.drawing import ask_birth_date, closed, draw


def first(app: App, door: Door, code: str, birth_date: str) -> Response[str]:
    """The text and its question, for the right birth date."""
    found = flow.open_lesson(app, door, birth_date)
    if found is None:
        return ask_birth_date(door, code)
    return _lesson(door, code, found)


def saved(app: App, door: Door, code: str, data: Mapping[str, Any]) -> Response[str]:
    """The answer is kept, and the patient reads what is right."""
    try:
        told = flow.say_back(app, door, str(data.get("proof", "")), str(data.get("choice", "")))
    except Rejected:
        return _lesson(door, code, flow.again(app, door), problem="Please choose an answer.")
    if told is None:
        return closed()
    return draw("partner_education_done.html", {"site": door.tenant.name, "phone": door.phone, "told": told})


def _lesson(door: Door, code: str, found: flow.Lesson, *, problem: str = "") -> Response[str]:
    values = {"code": code, "site": door.tenant.name, "phone": door.phone, "found": found, "problem": problem}
    return draw("partner_education.html", values, status=422 if problem else 200)
