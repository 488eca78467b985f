"""A check-in at `/p/<code>`: one question a page, today's numbers, what happens now; or: not now, less often. No
script, no cookie, no account; each answer is saved."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response

from careloop.errors import NotFound, Rejected
from careloop.flows import home_entering
from careloop.flows import home_links as flow
from careloop.flows import partner_links as links
from careloop.flows.app import App
from careloop.flows.home_links import Today
from careloop.flows.partner_links import Door
from careloop.web.rendering import PAGE_HEADERS, render

HEADERS = {**PAGE_HEADERS, "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}
_WARNING = 3


def door_page(door: Door, code: str, *, problem: str = "") -> Response[str]:
    """The birth date is asked for."""
    values = {
        "step": "birth-date",
        "words": None,
        "code": code,
        "site": door.tenant.name,
        "phone": door.phone,
        "problem": problem,
    }
    return _draw(values, status=422 if problem else 200)


def first(app: App, door: Door, code: str, birth_date: str) -> Response[str]:
    """The page where the check-in goes on, for the right birth date."""
    try:
        found = flow.opened(app, door, birth_date)
    except NotFound:
        return _closed()
    if found is None:
        return door_page(door, code, problem="This is not the birth date that we have for you.")
    return _page(door, code, found, is_first=True)


def saved(app: App, door: Door, code: str, data: Mapping[str, Any]) -> Response[str]:
    """One page is saved and the next one comes; what cannot be saved comes back with its words."""
    form = {name: str(value)[:200].strip() for name, value in data.items()}
    if not links.is_proof(app, door.link.id, form.get("proof", ""), app.clock.now()):
        return door_page(door, code, problem="Too much time went by. Please give the birth date again.")
    try:
        return _done(app, door, code, form)
    except Rejected as error:
        found = flow.again(app, door)
        problem = found.words.choose if error.at in ("answer", "choice") else f"Please give {error.expected}."
        step = "other" if form.get("do") in ("pause", "rhythm") else ""
        return _page(door, code, found, problem=problem, form=form, step=step)
    except NotFound:
        return _closed()


def _done(app: App, door: Door, code: str, form: Mapping[str, str]) -> Response[str]:
    do = form.get("do", "")
    if do == "other":
        return _page(door, code, flow.again(app, door), step="other")
    if do == "pause":
        found = flow.pause(app, door, form.get("choice", ""))
        then = next(one["then"] for one in found.pauses if one["id"] == form.get("choice"))
        return _end(door, found, then)
    if do == "rhythm":
        found = flow.choose_rhythm(app, door, form.get("choice", ""))
        return _page(door, code, found, notice=found.words.changed)
    if do == "send":
        return _sent(app, door, form)
    if do == "back":
        return _page(door, code, flow.back(app, door))
    if do == "answer":
        return _page(door, code, flow.answer(app, door, form.get("place", ""), form.get("answer", "")))
    return _page(door, code, flow.again(app, door))


def _sent(app: App, door: Door, form: Mapping[str, str]) -> Response[str]:
    now = flow.again(app, door)
    given = {name: form.get(name, "") for metric in now.metrics for name in (metric, f"{metric}-unit")}
    some = any(given[metric] for metric in now.metrics)
    zone = ZoneInfo(now.plan.zone)
    typed = home_entering.typed_of(now.content, given, app.clock.now(), zone) if some else []
    found = flow.numbers(app, door, typed)
    is_warning = found.outcome is not None and found.outcome.level >= _WARNING
    return _end(door, found, found.outcome.says if found.outcome else "", is_warning=is_warning)


def _end(door: Door, found: Today, says: str, *, is_warning: bool = False) -> Response[str]:
    said = found.words.say(says)
    values = {"step": "done", "found": found, "words": found.words, "says": said, "is_warning": is_warning}
    return _draw({**values, "site": door.tenant.name, "phone": door.phone})


def _page(
    door: Door,
    code: str,
    found: Today,
    *,
    problem: str = "",
    notice: str = "",
    form: Mapping[str, str] | None = None,
    step: str = "",
    is_first: bool = False,
) -> Response[str]:
    values = {
        "step": step or ("question" if found.asked else "numbers"),
        "code": code,
        "site": door.tenant.name,
        "phone": door.phone,
        "found": found,
        "words": found.words,
        "metrics": [found.content.metrics[one] for one in found.metrics],
        "says": found.words.say(found.outcome.says) if found.outcome else "",
        "is_warning": found.outcome is not None and found.outcome.level >= _WARNING,
        "form": form or {},
        "problem": problem,
        "notice": notice,
        "is_first": is_first,
    }
    return _draw(values, status=422 if problem else 200)


def _closed() -> Response[str]:
    return render("partner_closed.html", {}, status=404, headers=HEADERS)


def _draw(values: Mapping[str, Any], *, status: int = 200) -> Response[str]:
    return render("home_today.html", values, status=status, headers=HEADERS)
