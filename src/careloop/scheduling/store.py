"""The tables of the diary: what is taken of whom, offers, calendar feeds, ways into video visits."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from careloop.db import ExclusionViolation, Row, Transaction, load_queries
from careloop.scheduling.model import Offer, Taken, Window

SQL = load_queries("careloop.scheduling")

_LONGEST_SECRET = 200


@dataclass(frozen=True, kw_only=True)
class Change:
    """What came of taking time: what clashes with somebody else's, what was let go, which holds gave way."""

    clashing: tuple[Taken, ...] = ()
    released: tuple[Taken, ...] = ()
    withdrawn: tuple[str, ...] = ()


def replace(tx: Transaction, holders: Sequence[str], wanted: Sequence[Taken], *, yields: bool) -> Change:
    """These holders take just this from now on. What cannot be taken is kept beside as a clash (`clashing`); with
    `yields`, holds give way first. Whoever clashed with what was let go is looked at again."""
    lock(tx, {one.actor for one in wanted})
    released = [_taken(row) for row in tx.rows(SQL["release"], {"holders": list(holders)})] if holders else []
    gave_way = _give_way(tx, wanted) if yields else []
    clashing = _take(tx, wanted)
    if clashing:
        tx.execute(SQL["keep_beside"], {"items": _items(tx, clashing)})
    _settle(tx, [*released, *gave_way])
    withdrawn = dict.fromkeys(one.holder for one in gave_way)
    return Change(clashing=tuple(clashing), released=tuple(released), withdrawn=tuple(withdrawn))


def lock(tx: Transaction, actors: Iterable[str]) -> None:
    """Nobody else changes these diaries until the transaction ends."""
    tx.lock(*(f"diary:{actor}" for actor in actors))


def _give_way(tx: Transaction, wanted: Sequence[Taken]) -> list[Taken]:
    found: list[Taken] = []
    for one in wanted:
        values = {"actor": one.actor, "starts": one.window.start, "ends": one.window.end}
        found += [_taken(row) for row in tx.rows(SQL["withdraw_holds"], values)]
    return found


def _take(tx: Transaction, wanted: Sequence[Taken]) -> list[Taken]:
    """Each is taken, but for those that come back: somebody has that time."""
    if not wanted:
        return []
    rows = tx.rows(SQL["take"], {"items": _items(tx, wanted)})
    taken = {(row["holder"], row["actor"]) for row in rows}
    return [one for one in wanted if (one.holder, one.actor) not in taken]


def _items(tx: Transaction, wanted: Sequence[Taken]) -> str:
    actors = sorted({one.actor for one in wanted})
    numbers = {row["actor"]: row["number"] for row in tx.rows(SQL["open_diaries"], {"actors": actors})}
    return json.dumps(
        [
            {
                "holder": one.holder,
                "actor": one.actor,
                "number": numbers[one.actor],
                "kind": one.kind,
                "status": one.status,
                "starts": one.window.start.isoformat(),
                "ends": one.window.end.isoformat(),
            }
            for one in wanted
        ]
    )


def _settle(tx: Transaction, released: Sequence[Taken]) -> None:
    """Those who clashed only with what was let go clash no more."""
    for one in released:
        values = {"actor": one.actor, "starts": one.window.start, "ends": one.window.end}
        for row in tx.rows(SQL["clashes_around"], values):
            try:
                with tx.savepoint():
                    tx.execute(SQL["settle"], {"holder": row["holder"], "actor": row["actor"]})
            except ExclusionViolation:
                continue


def taken_of(tx: Transaction, actors: Sequence[str], window: Window) -> list[Taken]:
    """What is taken of these actors in the window, in order of time."""
    if not actors:
        return []
    values = {"actors": list(actors), "starts": window.start, "ends": window.end}
    return [_taken(row) for row in tx.rows(SQL["taken_of"], values)]


def taken_by(tx: Transaction, holders: Sequence[str]) -> list[Taken]:
    """What these holders take."""
    return [_taken(row) for row in tx.rows(SQL["taken_by"], {"holders": list(holders)})] if holders else []


def clashes(tx: Transaction, since: datetime, limit: int = 50) -> list[Taken]:
    """What clashes from then on."""
    return [_taken(row) for row in tx.rows(SQL["clashes"], {"since": since, "limit": limit})]


def doubled(tx: Transaction) -> list[tuple[str, str, str]]:
    """Bookings of one actor that overlap though none is a clash; there never are any."""
    return [(row["actor"], row["holder"], row["beside"]) for row in tx.rows(SQL["in_order"])]


def some_visits(tx: Transaction, after: str, limit: int) -> list[Taken]:
    """Time taken by visits, by id of the Appointment, from those that come after one; whole Appointments."""
    return [_taken(row) for row in tx.rows(SQL["some_visits"], {"after": after, "limit": limit})]


def release(tx: Transaction, holders: Sequence[str]) -> None:
    """What they took is free."""
    tx.execute(SQL["release"], {"holders": list(holders)})


def add_offer(tx: Transaction, offer: Offer) -> bool:
    """The offer stands. False where the time or the person has one already."""
    values = {name: value for name, value in asdict(offer).items() if name != "window"}
    return tx.execute(SQL["add_offer"], {**values, "starts": offer.window.start, "ends": offer.window.end}) == 1


def open_offers(tx: Transaction) -> list[Offer]:
    """Those that wait for an answer, the first to expire first."""
    return [_offer(row) for row in tx.rows(SQL["offers_open"])]


def find_offer(tx: Transaction, offer_id: str) -> Offer | None:
    """One offer, locked until the transaction ends."""
    row = tx.one(SQL["offer"], {"id": offer_id})
    return _offer(row) if row else None


def offers_over(tx: Transaction, now: datetime) -> list[str]:
    """Ids of open offers whose time is over."""
    return [row["id"] for row in tx.rows(SQL["offers_over"], {"now": now})]


def end_offer(tx: Transaction, offer_id: str, state: str, by: str, now: datetime) -> bool:
    """The offer is answered; False where it was already."""
    return tx.execute(SQL["end_offer"], {"id": offer_id, "state": state, "by": by, "now": now}) == 1


def asked(tx: Transaction, offer_for: Window, actor: str, freed_by: str) -> set[str]:
    """Who was asked about this freed time, and who has another offer open."""
    values = {"actor": actor, "starts": offer_for.start, "freed_by": freed_by}
    before = {row["waiting_id"] for row in tx.rows(SQL["asked_about"], values)}
    return before | {row["waiting_id"] for row in tx.rows(SQL["asked_now"])}


def offers_of(tx: Transaction, waiting: Sequence[str]) -> list[str]:
    """Ids of the open offers of these waiting persons."""
    return [row["id"] for row in tx.rows(SQL["offers_of"], {"waiting": list(waiting)})] if waiting else []


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A calendar feed of one practitioner."""

    id: str
    practitioner: str
    made: datetime
    last_read: datetime | None


def make_feed(tx: Transaction, feed_id: str, practitioner: str, by: str, now: datetime) -> str:
    """The secret of a new feed; those of before lead nowhere any more. It is told once and kept nowhere."""
    secret = f"clf_{tx.tenant_id}.{secrets.token_urlsafe(32)}"
    revoke_feeds(tx, practitioner, now)
    tx.execute(
        SQL["make_feed"],
        {"id": feed_id, "practitioner": practitioner, "hash": _hash(secret), "made": now, "by": by},
    )
    return secret


def revoke_feeds(tx: Transaction, practitioner: str, now: datetime) -> bool:
    """No feed of this practitioner can be read any more. True where there was one."""
    return tx.execute(SQL["revoke_feeds"], {"practitioner": practitioner, "now": now}) > 0


def feed_of(tx: Transaction, practitioner: str) -> Feed | None:
    """The feed that can be read, if there is one."""
    row = tx.one(SQL["feed_of"], {"practitioner": practitioner})
    return Feed(**row) if row else None


def feed_by_secret(tx: Transaction, secret: str) -> Feed | None:
    """The feed whose secret this is."""
    row = tx.one(SQL["feed_by_secret"], {"hash": _hash(secret)})
    return Feed(**row) if row else None


def note_read(tx: Transaction, feed_id: str, now: datetime) -> None:
    """The feed was read."""
    tx.execute(SQL["note_read"], {"id": feed_id, "now": now})


def tenant_of_secret(secret: str, mark: str) -> int | None:
    """The tenant that a secret names; None for a text that cannot be one. `mark` is `clf` or `clj`."""
    number, dot, rest = secret.removeprefix(f"{mark}_").partition(".")
    right = secret.startswith(f"{mark}_") and dot and rest and number.isascii() and number.isdecimal()
    return int(number) if right and len(number) < 10 and len(secret) < _LONGEST_SECRET else None


def new_link_secrets(tx: Transaction, parties: Sequence[str]) -> dict[str, str]:
    """A fresh secret for each of those who take part."""
    return {party: f"clj_{tx.tenant_id}.{secrets.token_urlsafe(24)}" for party in parties}


def set_links(tx: Transaction, appointment_id: str, found: Mapping[str, str], now: datetime) -> None:
    """Just these ways lead into the visit: party to secret. None: no way does."""
    tx.execute(SQL["drop_links"], {"appointment_id": appointment_id})
    items = [
        {"hash": _hash(secret).hex(), "appointment_id": appointment_id, "party": party}
        for party, secret in found.items()
    ]
    if items:
        tx.execute(SQL["add_links"], {"items": json.dumps(items), "now": now})


@dataclass(frozen=True, kw_only=True)
class Link:
    """The way of one party into a visit."""

    appointment_id: str
    party: str
    opened: datetime | None


def open_link(tx: Transaction, secret: str, now: datetime) -> Link | None:
    """Whose way this is; it is noted when they came first."""
    row = tx.one(SQL["link"], {"hash": _hash(secret)})
    if row is None:
        return None
    tx.execute(SQL["note_opened"], {"hash": _hash(secret), "now": now})
    return Link(**row)


def links_of(tx: Transaction, appointment_id: str) -> dict[str, datetime | None]:
    """Who has a way into the visit, and when they came first."""
    rows = tx.rows(SQL["links_of"], {"appointment_id": appointment_id})
    return {row["party"]: row["opened"] for row in rows}


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _taken(row: Row) -> Taken:
    return Taken(
        holder=row["holder"],
        actor=row["actor"],
        kind=row["kind"],
        status=row["status"],
        window=Window(row["starts"], row["ends"]),
        clash=row["clash"],
    )


def _offer(row: Row) -> Offer:
    rest = {name: value for name, value in row.items() if name not in ("starts", "ends")}
    return Offer(**rest, window=Window(row["starts"], row["ends"]))
