"""Find or do: patients, loops by number, pages, and what can be done with the loop on the screen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body

from careloop.flows import patients as flow
from careloop.flows import worklist
from careloop.web.staff.context import MENU, SignedInStaff, Staff, checked_form, is_htmx
from careloop.web.words import born_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One line of the results. `presses` is the key of an action on the page that is open."""

    name: str
    href: str
    icon: str
    detail: str = ""
    key: str = ""
    presses: str = ""
    first: bool = False


_ACTIONS: Sequence[Hit] = (
    Hit(name="Call", href="#pane", icon="phone", key="C", presses="c"),
    Hit(name="Two-minute brief", href="#main", icon="file-text", key="B", presses="b"),
    Hit(name="Hand over", href="#foot", icon="arrow-right-left", key="A", presses="a"),
    Hit(name="Snooze", href="#foot", icon="clock", key="S", presses="s"),
    Hit(name="Add proof", href="#foot", icon="circle-check", key="E", presses="e"),
)


_OF_EVERYBODY: Sequence[Hit] = (
    Hit(name="Settings and sign out", href="/settings", icon="settings"),
    Hit(name="Help and keys", href="/help", icon="circle-question-mark"),
)


@get("/find", sync_to_thread=True)
def find_page(staff: SignedInStaff) -> Response[str]:
    """The palette as a page of its own, for browsers without script."""
    return staff.page("find.html", "/find", {"text": "", "groups": [("Pages", _pages(staff, ""))]})


@post("/find", sync_to_thread=True, status_code=200)
def find_results(staff: SignedInStaff, data: Form) -> Response[str]:
    """What was found, in groups; the first one is chosen."""
    text = checked_form(staff, data).get("text", "")
    values = {"text": text, "groups": _groups(staff, text)}
    if is_htmx(staff.request):
        return staff.fragment("hits.html", values)
    return staff.page("find.html", "/find", values)


def _groups(staff: Staff, text: str) -> list[tuple[str, list[Hit]]]:
    actions = [hit for hit in _ACTIONS if text.lower() in hit.name.lower()]
    groups = [
        ("Loops", _loops(staff, text)),
        ("Patients", _patients(staff, text)),
        ("Actions", actions),
        ("Pages", _pages(staff, text)),
    ]
    found = [(name, hits) for name, hits in groups if hits]
    if found:
        name, hits = found[0]
        found[0] = (name, [replace(hits[0], first=True), *hits[1:]])
    return found


def _pages(staff: Staff, text: str) -> list[Hit]:
    """Those of the rail, and those that phones have no room for."""
    mine = [Hit(name=item.name, href=item.path, icon=item.icon) for item in MENU if item.roles & staff.principal.roles]
    return [hit for hit in (*mine, *_OF_EVERYBODY) if text.lower() in hit.name.lower()]


def _patients(staff: Staff, text: str) -> list[Hit]:
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        hits = flow.find(staff.app, tx, staff.principal, text)
    return [
        Hit(
            name=hit.name,
            href=f"/patients/{hit.patient_id}",
            icon="user",
            key=hit.record_number,
            detail=f"{hit.sex} · born {born_words(hit.birth_date)}"
            if hit.birth_date
            else f"{hit.sex} · birth date not known",
        )
        for hit in hits
    ]


def _loops(staff: Staff, text: str) -> list[Hit]:
    match = re.fullmatch(r"[Ll]-?(\d{1,9})", text.strip())
    if not match:
        return []
    with staff.app.database.transaction(staff.tenant.id, actor=staff.principal.reference) as tx:
        row = worklist.by_number(staff.app, tx, staff.principal, int(match[1]))
    if row is None:
        return []
    return [
        Hit(
            name=row.title,
            href=f"/worklist?scope=all&loop={row.loop_id}",
            icon="circle-dashed",
            detail=row.patient_name,
            key=row.code,
        )
    ]
