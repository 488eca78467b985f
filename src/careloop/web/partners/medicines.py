"""The page by which a patient says what they take at home: one card a medicine, big choices, no script."""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from careloop.errors import Rejected
from careloop.flows import medicine_links as flow
from careloop.flows.app import App
from careloop.flows.home_lists import MOST_LINES, Told
from careloop.flows.partner_links import Door
from careloop.web.partners.drawing import ask_birth_date, closed, draw

ANSWERS = (("yes", "I take it as written"), ("other", "I take it another way"), ("no", "I do not take it"))


def first(app: App, door: Door, code: str, birth_date: str) -> Response[str]:
    """The form, for the right birth date."""
    found = flow.open_question(app, door, birth_date)
    if found is None:
        return ask_birth_date(door, code)
    return _form(door, code, found, {})


def saved(app: App, door: Door, code: str, data: Mapping[str, Any]) -> Response[str]:
    """The list is saved; a form that lacks something comes back with all that was typed."""
    form = {name: str(value).strip() for name, value in data.items() if isinstance(value, str)}
    told = Told(
        answers={name[7:]: value for name, value in form.items() if name.startswith("answer-") and value},
        otherwise={name[4:]: value for name, value in form.items() if name.startswith("how-")},
        more=form.get("more", "").splitlines(),
    )
    try:
        done = flow.save(app, door, form.get("proof", ""), told)
    except Rejected as error:
        faults = [(fault.at, f"Please say {fault.expected}.") for fault in error.faults] or [
            (error.at, f"Please say {error.expected}.")
        ]
        return _form(door, code, flow.again(app, door), form, faults)
    if done is None:
        return closed()
    return draw("partner_medicines_done.html", {"site": door.tenant.name, "phone": door.phone})


def _form(door: Door, code: str, found: flow.Question, form: Mapping[str, str], faults: Any = ()) -> Response[str]:
    values = {
        "code": code,
        "site": door.tenant.name,
        "phone": door.phone,
        "found": found,
        "answers": ANSWERS,
        "form": form,
        "faults": faults,
        "most": MOST_LINES,
    }
    return draw("partner_medicines.html", values, status=422 if faults else 200)
