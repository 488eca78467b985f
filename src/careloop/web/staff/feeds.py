"""Feeds: what comes through each door now, its settings and their history, what other settings would make of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from zoneinfo import available_timezones

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from careloop.access.policy import Action, may_act
from careloop.errors import Conflict, Fault, Rejected
from careloop.flows import feed_settings as flow
from careloop.flows import feeds
from careloop.flows.arrival import mappings_of
from careloop.flows.feed_preview import Preview
from careloop.flows.feed_reports import unknown_codes
from careloop.flows.feed_settings import FeedPage, Mending
from careloop.intake.amending import CodeField
from careloop.intake.counting import UNLIKE_A_CODE
from careloop.intake.feeds import FeedStatus
from careloop.intake.model import Feed
from careloop.web.staff.context import SignedInStaff, Staff, checked_form
from careloop.web.words import span_words

Form = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.URL_ENCODED)]
_HERE = "/feeds"
_BLANK_ROWS = 2
_MOST_UNKNOWN = 12
_UPPER = ("classes", "patient_types")
"""Maps that are asked with codes in upper case."""


@dataclass(frozen=True, kw_only=True)
class FeedLine:
    """One feed as the list shows it, in words."""

    feed: Feed
    status: FeedStatus | None
    last: str
    usual: str
    alarm: str


@dataclass(frozen=True, kw_only=True)
class CodeRow:
    """One line of a code map: the site's code, ours, and how often the site's came where nobody knows it yet."""

    code: str
    ours: str
    came: int = 0


@dataclass(frozen=True, kw_only=True)
class CodeTable:
    """A coded field with its lines."""

    field: CodeField
    rows: Sequence[CodeRow]
    mapped: int
    unknown: int


@get("/feeds", sync_to_thread=True)
def feeds_page(staff: SignedInStaff) -> Response[str]:
    """Every feed with its last message; feeds that have fallen silent first of all."""
    return staff.page("feeds.html", _HERE, _lines(staff))


@get("/feeds/lines", sync_to_thread=True)
def feeds_lines(staff: SignedInStaff) -> Response[str]:
    """The list alone, for the page that keeps itself up to date."""
    return staff.fragment("feed_lines.html", _lines(staff))


@get("/feeds/{feed_id:int}", sync_to_thread=True)
def feed_page(staff: SignedInStaff, feed_id: FromPath[int]) -> Response[str]:
    """The settings of a feed and their history."""
    found = flow.page(staff.app, staff.principal, feed_id)
    return _page(staff, found, found.feed)


@post("/feeds/{feed_id:int}", sync_to_thread=True)
def feed_save(staff: SignedInStaff, feed_id: FromPath[int], data: Form) -> Response[str]:
    """The settings saved, or what they would make of a message shown."""
    form = checked_form(staff, data)
    found = flow.page(staff.app, staff.principal, feed_id)
    base = int(form.get("base", "")) if form.get("base", "").isdigit() else 0
    typed = _feed_of(data, form, found.feed, mappings_of(staff.app).amending.code_fields)
    if form.get("do") == "preview":
        return _preview(staff, found, typed, form, base)
    try:
        done = flow.save(staff.app, staff.principal, typed, base=base)
    except (Rejected, Conflict) as error:
        return _page(staff, found, typed, faults=_faults(error), base=base, form=form)
    return staff.back(f"/feeds/{feed_id}", said=f"Saved. {_mended(done.mending)}")


@post("/feeds/{feed_id:int}/undo", sync_to_thread=True)
def feed_undo(staff: SignedInStaff, feed_id: FromPath[int], data: Form) -> Response[str]:
    """The settings of an earlier version hold again."""
    form = checked_form(staff, data)
    version, base = form.get("version", ""), form.get("base", "")
    if not version.isdigit() or not base.isdigit():
        raise Rejected(at="version", expected="the number of a version", code="value")
    try:
        done = flow.undo(staff.app, staff.principal, feed_id, base=int(base), version=int(version))
    except Conflict as error:
        found = flow.page(staff.app, staff.principal, feed_id)
        return _page(staff, found, found.feed, faults=_faults(error))
    return staff.back(f"/feeds/{feed_id}", said=f"Back to version {version}. {_mended(done.mending)}")


@post("/feeds/{feed_id:int}/retry", sync_to_thread=True)
def feed_retry(staff: SignedInStaff, feed_id: FromPath[int], data: Form) -> Response[str]:
    """Messages that could not be used are tried again with the settings as they are."""
    checked_form(staff, data)
    return staff.back(f"/feeds/{feed_id}", said=_mended(flow.retry(staff.app, staff.principal, feed_id)))


def alarms(staff: Staff) -> list[str]:
    """One sentence for each feed that usually speaks at this time and does not."""
    return [line.alarm for line in _lines(staff)["lines"] if line.alarm]


def _lines(staff: Staff) -> dict[str, Any]:
    lines = [_line(staff, feed, status) for feed, status in feeds.watch(staff.app, staff.principal)]
    return {
        "lines": sorted(lines, key=lambda line: (not line.alarm, not line.feed.enabled)),
        "may_change": may_act(staff.principal, Action.FEED_MANAGE),
    }


def _line(staff: Staff, feed: Feed, status: FeedStatus | None) -> FeedLine:
    last, usual, alarm = "No message yet", "", ""
    if status is not None and status.last_received is not None:
        ago = span_words(staff.now - status.last_received)
        last = f"{status.last_type or 'Message'} {ago} ago ({staff.words.moment(status.last_received)})"
        habit = status.habit
        if habit is not None and habit.usual is not None:
            usual = f"At this time usually one in {span_words(habit.usual)}"
        if habit is not None and status.is_quiet and feed.enabled:
            before = ", ".join(str(count) for count in habit.counts)
            when = "same hours of the last weeks" if min(habit.days) >= 7 else "same hours of the days before"
            alarm = f"{feed.name or feed.port} has been quiet for {ago}. In the {when} came {before} messages."
    return FeedLine(feed=feed, status=status, last=last, usual=usual, alarm=alarm)


def _preview(staff: Staff, found: FeedPage, typed: Feed, form: Mapping[str, str], base: int) -> Response[str]:
    pasted, chosen = form.get("message", ""), form.get("past", "")
    raw = pasted.replace("\r\n", "\r").replace("\n", "\r").encode() if pasted else None
    try:
        flow.check(staff.app, typed)
        shown = flow.try_out(staff.app, staff.principal, typed, raw, int(chosen) if chosen.isdigit() else None)
        mending = flow.mending(staff.app, staff.principal, typed)
    except (Rejected, Conflict) as error:
        return _page(staff, found, typed, faults=_faults(error), base=base, form=form)
    return _page(staff, found, typed, base=base, form=form, shown=shown, mending=mending)


def _page(
    staff: Staff,
    found: FeedPage,
    feed: Feed,
    *,
    faults: Sequence[Fault] = (),
    base: int | None = None,
    form: Mapping[str, str] | None = None,
    shown: Preview | None = None,
    mending: Mending | None = None,
) -> Response[str]:
    amending = mappings_of(staff.app).amending
    unknown = unknown_codes(staff.app, staff.principal, feed)
    values = {
        "feed": feed,
        "found": found,
        "base": found.feed.version if base is None else base,
        "faults": faults,
        "tables": [_table(one, feed, unknown.get(one.id, [])) for one in amending.code_fields.values()],
        "quirks": list(amending.quirks.values()),
        "zones": sorted(zone for zone in available_timezones() if zone.startswith(("America/", "Pacific/", "UTC"))),
        "form": form or {},
        "shown": shown,
        "mending": mending,
        "mended": _would_mend(mending) if mending else "",
    }
    return staff.page("feed.html", _HERE, values, status=422 if faults else 200)


def _table(field: CodeField, feed: Feed, unknown: Sequence[tuple[str, int]]) -> CodeTable:
    mapped = _codes_of(feed, field)
    rows = [CodeRow(code=code, ours=ours) for code, ours in mapped.items()]
    new = [(code, came) for code, came in unknown if code not in mapped and code != UNLIKE_A_CODE]
    news = [CodeRow(code=code, ours="", came=came) for code, came in new[:_MOST_UNKNOWN]]
    blank = [CodeRow(code="", ours="")] * _BLANK_ROWS
    return CodeTable(field=field, rows=[*rows, *news, *blank], mapped=len(rows), unknown=len(news))


def _codes_of(feed: Feed, field: CodeField) -> Mapping[str, str]:
    if field.stored == "codes":
        return feed.codes.get(field.id, {})
    codes: Mapping[str, str] = getattr(feed, field.stored)
    return codes


def _feed_of(
    data: Mapping[str, Any], form: Mapping[str, str], feed: Feed, fields: Mapping[str, CodeField]
) -> Feed:  # fmt: skip
    """The feed as the form describes it, right or wrong."""
    stored: dict[str, dict[str, str]] = {"classes": {}, "patient_types": {}, "dispositions": {}}
    codes: dict[str, dict[str, str]] = {}
    for field in fields.values():
        rows = dict(_pairs(data, f"code-{field.id}", f"ours-{field.id}", both=True))
        if field.stored == "codes":
            codes |= {field.id: rows} if rows else {}
        else:
            upper = field.stored in _UPPER
            stored[field.stored] = {code.upper() if upper else code: ours for code, ours in rows.items()}
    return replace(
        feed,
        name=form.get("name", ""),
        zone=form.get("zone", ""),
        enabled=form.get("enabled") == "yes",
        senders=frozenset(line.strip() for line in form.get("senders", "").splitlines() if line.strip()),
        authorities=dict(_pairs(data, "authority", "system", both=False)),
        codes=codes,
        places=dict(_pairs(data, "facility", "place", both=True)),
        quirks=frozenset(_many(data, "quirk")),
        classes=stored["classes"],
        patient_types=stored["patient_types"],
        dispositions=stored["dispositions"],
    )


def _pairs(data: Mapping[str, Any], left: str, right: str, *, both: bool) -> list[tuple[str, str]]:
    """The rows of a table in a form; with `both` only rows that are filled on both sides."""
    rows = zip(_many(data, left), _many(data, right), strict=False)
    return [(one, other) for one, other in rows if (one and other if both else one or other)]


def _many(data: Mapping[str, Any], name: str) -> list[str]:
    value = data.get(name, [])
    return [str(one).strip() for one in (value if isinstance(value, list) else [value])]


def _faults(error: Rejected | Conflict) -> Sequence[Fault]:
    if isinstance(error, Rejected):
        return error.faults
    return (Fault(at="settings", expected=error.message, code="conflict"),)


def _mended(mending: Mending) -> str:
    if not mending.total:
        return "No message waits for a person."
    return f"{mending.mended} of {mending.total} messages that could not be used are tried again now."


def _would_mend(mending: Mending) -> str:
    if not mending.total:
        return "No message of this feed waits for a person."
    return f"{mending.mended} of {mending.total} messages that could not be used would now be read."
