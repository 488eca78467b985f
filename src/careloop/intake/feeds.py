"""Feeds: how busy each is, whether one has fallen silent, and the versions of its settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from careloop.db import Row, Transaction, UniqueViolation, load_queries
from careloop.errors import Conflict, NotFound
from careloop.fhir.jsons import encode
from careloop.intake.model import Feed
from careloop.intake.store import feed_of, get_feed

SQL = load_queries("careloop.intake", "feeds.sql")

FEWEST_WHEN_SPEAKING = 4
"""A feed is missed only where at least so many messages came in each of the same spans before."""
_WEEKS = (7, 14, 21, 28)
_DAYS = (1, 2, 3, 4, 5, 6, 7)
_LONGEST_SPAN = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Habit:
    """What usually comes in the span since the last message. `counts` came in the same span on earlier days, `days`
    ago; `usual` is how long it usually takes until the next message, None where too little is known."""

    counts: tuple[int, ...]
    days: tuple[int, ...]
    usual: timedelta | None
    is_missed: bool


@dataclass(frozen=True, kw_only=True)
class FeedStatus:
    """What came through one feed since an instant. `waiting` and `dead` count whatever still stands, however old."""

    received: int
    waiting: int
    dead: int
    last_received: datetime | None
    last_hour: int = 0
    last_type: str = ""
    habit: Habit | None = None

    @property
    def is_quiet(self) -> bool:
        """True where a feed that usually speaks at this time does not."""
        return self.habit is not None and self.habit.is_missed


@dataclass(frozen=True, kw_only=True)
class FeedVersion:
    """The settings of a feed as somebody left them."""

    version: int
    at: datetime
    by: str
    by_name: str
    what: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FeedMessage:
    """A message that came through a feed, with the bytes that are read."""

    id: int
    raw: bytes
    received: datetime
    status: str
    sender: str


def feed_status(tx: Transaction, now: datetime, since: datetime) -> dict[int, FeedStatus]:
    """Each feed's status by the feed's id."""
    rows = tx.rows(SQL["feed_status"], {"since": since, "hour": now - timedelta(hours=1)})
    habits = _habits(tx, now, {int(row["id"]): row["last_received"] for row in rows if row["last_received"]})
    return {
        int(row["id"]): FeedStatus(
            received=int(row["received"]),
            waiting=int(row["waiting"]),
            dead=int(row["dead"]),
            last_received=row["last_received"],
            last_hour=int(row["last_hour"]),
            last_type=_type_of(bytes(row["last_head"] or b"")),
            habit=habits.get(int(row["id"])),
        )
        for row in rows
    }


def habit(span: timedelta, came: Mapping[int, tuple[int, bool]]) -> Habit:
    """What is usual. `came` says for a number of days ago how many messages came in the same span of time, and whether
    the feed spoke before that at all. Weeks count where two of them are known, else three or more of the last days."""
    weeks = [day for day in _WEEKS if day in came and came[day][1]]
    days = [day for day in _DAYS if day in came and came[day][1]]
    chosen = weeks if len(weeks) >= 2 else days if len(days) >= 3 else []
    counts = tuple(came[day][0] for day in chosen)
    usual = span * len(counts) / sum(counts) if sum(counts) else None
    missed = bool(counts) and min(counts) >= FEWEST_WHEN_SPEAKING
    return Habit(counts=counts, days=tuple(chosen), usual=usual, is_missed=missed)


def _habits(tx: Transaction, now: datetime, last: Mapping[int, datetime]) -> dict[int, Habit]:
    feeds = sorted(last)
    until = {feed: min(now, last[feed] + _LONGEST_SPAN) for feed in feeds}
    values = {"feeds": feeds, "last": [last[feed] for feed in feeds], "until": [until[feed] for feed in feeds]}
    came: dict[int, dict[int, tuple[int, bool]]] = {feed: {} for feed in feeds}
    for row in tx.rows(SQL["feed_habits"], values) if feeds else ():
        came[row["feed_id"]][row["days"]] = (int(row["came"]), bool(row["began"]))
    return {feed: habit(until[feed] - last[feed], came[feed]) for feed in feeds}


def _type_of(head: bytes) -> str:
    """MSH-9 of a message by its first bytes, as `ADT^A03`; empty where they are no message."""
    start = head.find(b"MSH")
    if start < 0 or len(head) < start + 8:
        return ""
    text = head[start:].decode("ascii", errors="replace")
    fields = text.replace("\n", "\r").split("\r", 1)[0].split(text[3])
    parts = fields[8].split(text[4])[:2] if len(fields) > 9 else []
    return "^".join(part for part in parts if part.isalnum() and part.isascii() and len(part) <= 3)


def settings_of(feed: Feed) -> dict[str, Any]:
    """What a version keeps of a feed."""
    return {
        "name": feed.name,
        "zone": feed.zone,
        "enabled": feed.enabled,
        "senders": sorted(feed.senders),
        "authorities": dict(feed.authorities),
        "classes": dict(feed.classes),
        "patient_types": dict(feed.patient_types),
        "dispositions": dict(feed.dispositions),
        "codes": {name: dict(codes) for name, codes in feed.codes.items()},
        "quirks": sorted(feed.quirks),
        "places": dict(feed.places),
    }


def with_settings(feed: Feed, settings: Mapping[str, Any]) -> Feed:
    """The feed with these settings; its door stays where it is. Versions from before places had names name none."""
    senders, quirks = frozenset(settings["senders"]), frozenset(settings.get("quirks", ()))
    return replace(feed, **{"places": {}, **settings, "senders": senders, "quirks": quirks})


def change_feed(
    tx: Transaction, now: datetime, feed: Feed, *, base: int, by: str, by_name: str, what: str
) -> Feed:  # fmt: skip
    """The settings of the feed are these from the next message on, and a version tells who made them so. `Conflict`
    where somebody changed them since version `base`, or where another feed has the port of one that is to open."""
    assert feed.id is not None
    current = tx.value(SQL["lock_feed"], {"id": feed.id})
    if current is None:
        raise NotFound("there is no such feed")
    if int(current) != base:
        raise Conflict("somebody changed this feed while you were at it; look at it again")
    keep_version(tx, now, feed.id, by="", by_name="", what="As it was before the first change")
    settings = settings_of(feed)
    maps = {key: value for key, value in settings.items() if key not in ("name", "zone", "enabled", "senders")}
    values = {
        "id": feed.id, "name": feed.name, "zone": feed.zone, "maps": encode(maps).decode(),
        "senders": settings["senders"], "enabled": feed.enabled, "version": base + 1,
    }  # fmt: skip
    try:
        tx.execute(SQL["change_feed"], values)
    except UniqueViolation:
        raise Conflict("another feed listens on that port now") from None
    _keep(tx, now, feed.id, base + 1, settings, by=by, by_name=by_name, what=what)
    return replace(feed, version=base + 1)


def keep_version(tx: Transaction, now: datetime, feed_id: int, *, by: str, by_name: str, what: str) -> None:
    """The settings as they stand in the table are a version, if they are not one already."""
    feed = get_feed(tx, feed_id, any_sender=False)
    _keep(tx, now, feed_id, feed.version, settings_of(feed), by=by, by_name=by_name, what=what)


def _keep(
    tx: Transaction, now: datetime, feed_id: int, version: int, settings: Mapping[str, Any], *, by: str, by_name: str,
    what: str,
) -> None:  # fmt: skip
    values = {
        "feed_id": feed_id, "version": version, "at": now, "by_whom": by, "by_name": by_name, "what": what,
        "settings": encode(settings).decode(),
    }  # fmt: skip
    tx.execute(SQL["add_version"], values)


def versions(tx: Transaction, feed_id: int, *, limit: int = 20) -> list[FeedVersion]:
    """The versions of a feed's settings, newest first."""
    return [_version(row) for row in tx.rows(SQL["versions"], {"feed_id": feed_id, "limit": limit})]


def get_version(tx: Transaction, feed_id: int, version: int) -> FeedVersion:
    """One version; `NotFound` when there is none."""
    row = tx.one(SQL["get_version"], {"feed_id": feed_id, "version": version})
    if row is None:
        raise NotFound("there is no such version of this feed")
    return _version(row)


def _version(row: Row) -> FeedVersion:
    return FeedVersion(
        version=row["version"], at=row["at"], by=row["by_whom"], by_name=row["by_name"], what=row["what"],
        settings=row["settings"],
    )  # fmt: skip


def last_messages(tx: Transaction, feed_id: int, *, limit: int, sender: str | None = None) -> list[FeedMessage]:
    """The last messages of a feed, or of one sender through it, newest first."""
    rows = tx.rows(SQL["last_messages"], {"feed_id": feed_id, "limit": limit, "sender": sender})
    return [
        FeedMessage(
            id=row["id"], raw=bytes(row["raw"]), received=row["received"], status=row["status"],
            sender=f"{row['sending_application']}|{row['sending_facility']}",
        )
        for row in rows
    ]  # fmt: skip


def senders(tx: Transaction, feed_id: int, *, limit: int) -> list[tuple[str, int]]:
    """Who spoke through the feed among its last messages, and how often; most first."""
    rows = tx.rows(SQL["senders_of_feed"], {"feed_id": feed_id, "limit": limit})
    return [(row["sender"], int(row["messages"])) for row in rows]


def dead_letters(tx: Transaction, feed_id: int, *, limit: int) -> list[FeedMessage]:
    """What came through the feed and could not be used, oldest first."""
    rows = tx.rows(SQL["dead_of_feed"], {"feed_id": feed_id, "limit": limit})
    return [
        FeedMessage(id=row["id"], raw=bytes(row["raw"]), received=row["received"], status="dead", sender="")
        for row in rows
    ]


def all_feeds(tx: Transaction, *, any_sender: bool) -> Sequence[Feed]:
    """Every feed, the closed ones too."""
    return [feed_of(row, any_sender=any_sender) for row in tx.rows(SQL["all_feeds"])]
