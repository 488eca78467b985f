"""What the pages behind a link have in common: they leave no trace elsewhere, ask for the birth date, and close."""

from collections.abc import Mapping
from typing import Any

from litestar import Response

from careloop.community import Purpose
from careloop.flows.partner_links import Door
from careloop.web.rendering import PAGE_HEADERS, render

HEADERS = {**PAGE_HEADERS, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
WRONG_DATE = "This is not the birth date that we have for the patient."
_OWN = frozenset({Purpose.MEDICINES, Purpose.EDUCATION, Purpose.ASSESSMENT})
"""Links of a patient, or of who cares for them: made out to the patient's name, which is not shown to whoever finds the
link."""


def draw(template: str, values: Mapping[str, Any], *, status: int = 200) -> Response[str]:
    """A page of a link."""
    return render(template, values, status=status, headers=HEADERS)


def birth_date(door: Door, code: str, *, problem: str = "", status: int = 200) -> Response[str]:
    """The birth date is asked for. Nothing of the patient is on the page, also not the name (ui.md §9)."""
    values = {
        "code": code,
        "site": door.tenant.name,
        "phone": door.phone,
        "partner": "" if door.link.purpose in _OWN else door.link.partner,
        "problem": problem,
    }
    return draw("partner_birth_date.html", values, status=status)


def ask_birth_date(door: Door, code: str, problem: str = WRONG_DATE) -> Response[str]:
    """The birth date is asked for again."""
    return birth_date(door, code, problem=problem, status=422)


def closed() -> Response[str]:
    """The link leads to nothing any more."""
    return draw("partner_closed.html", {}, status=404)
