"""A check-in on a phone: one question a page, by a link, without script or account; saved at each page."""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from careloop.errors import CareloopError, Conflict, NotFound, Rejected
from careloop.flows import checkin_links as flow
from careloop.flows import partner_links as links
from careloop.flows.app import App
from careloop.flows.partner_links import Door
from careloop.web.partners.drawing import ask_birth_date, closed, draw


def first(app: App, door: Door, code: str, birth_date: str) -> Response[str]:
    """The page where the check-in goes on, for the right birth date."""
    found = flow.show(app, door, birth_date=birth_date)
    if found is None:
        return ask_birth_date(door, code)
    return _draw_page(door, code, found, alone=False, is_first=True)


def saved(app: App, door: Door, code: str, data: Mapping[str, Any]) -> Response[str]:
    """One page is saved and the next one comes; what cannot be saved comes back with its words."""
    if not links.is_proof(app, door.link.id, str(data.get("proof", "")), app.clock.now()):
        return ask_birth_date(door, code, "Too much time went by. Please give the birth date again.")
    alone = data.get("alone") == "yes"
    try:
        return _draw_page(door, code, flow.answer(app, door, data), alone=alone)
    except (Rejected, Conflict, NotFound) as error:
        return _again(app, door, code, data, error)


def _again(app: App, door: Door, code: str, data: Mapping[str, Any], error: CareloopError) -> Response[str]:
    alone = data.get("alone") == "yes"
    found = flow.show(app, door, alone=alone, at=str(data.get("link", "")))
    if found is None:
        return closed()
    problem = "Please choose an answer, or skip this one." if isinstance(error, Rejected) else "This is finished."
    return _draw_page(door, code, found, alone=alone, problem=problem)


def _draw_page(
    door: Door, code: str, found: flow.Shown, *, alone: bool, problem: str = "", is_first: bool = False
) -> Response[str]:
    values = {
        "code": code,
        "site": door.tenant.name,
        "phone": door.phone,
        "found": found,
        "page": found.page,
        "texts": found.texts,
        "alone": alone,
        "problem": problem,
        "is_first": is_first,
    }
    return draw("partner_checkin.html", values, status=422 if problem else 200)
