"""The tables of notices. Every write is part of the caller's transaction; people are `Practitioner/..`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from careloop.db import Row, Transaction, load_queries
from careloop.engagement.notices.model import Event, Kind, NewEvent, Notice, OnCall, Person
from careloop.fhir.ids import new_id
from careloop.fhir.jsons import encode

_SQL = load_queries("careloop.engagement.notices")
MOST = 100
"""Notices on one page; events looked at in one go."""


def add_events(tx: Transaction, events: Sequence[NewEvent]) -> int:
    """The changes wait to be told; how many were news."""
    if not events:
        return 0
    items = [{**vars(one), "at": one.at.isoformat(), "place": place} for place, one in enumerate(events)]
    return tx.execute(_SQL["add_events"], {"items": encode(items).decode()})


def new_events(tx: Transaction) -> list[Event]:
    """Changes that nobody looked at yet, in their order; nobody else gets them while this transaction lasts."""
    return [Event(**row) for row in tx.rows(_SQL["new_events"], {"most": MOST})]


def mark_told(tx: Transaction, ids: Sequence[int], now: datetime) -> None:
    """The changes were looked at."""
    tx.execute(_SQL["mark_told"], {"ids": list(ids), "now": now})


def fold(tx: Transaction, event: Event, kind: Kind, *, person: str, cards: Sequence[str], way: str) -> str:
    """The person's notice that stands for this change; its id. `cards`: the card's key, then keys that it had before
    a late message joined things. A turned-down kind joins none that is shown."""
    kinds = [event.kind, *(kind.joins if way != "off" else ())]
    used = tx.one(_SQL["card_in_use"], {"person": person, "kind": event.kind, "kinds": kinds, "cards": list(cards)})
    if used is not None and used["kind"] != event.kind:
        tx.execute(_SQL["refresh"], {"id": used["id"], "at": event.at})
        return _with_change(tx, used["id"], event)
    notice = tx.value(
        _SQL["fold"],
        {
            "id": new_id(),
            "person": person,
            "card": used["card"] if used else cards[0],
            "kind": event.kind,
            "patient_id": event.patient_id,
            "loop_id": event.loop_id,
            "step_id": event.step_id,
            "safety": kind.safety,
            "way": way,
            "at": event.at,
        },
    )
    return _with_change(tx, str(notice), event)


def _with_change(tx: Transaction, notice_id: str, event: Event) -> str:
    tx.execute(_SQL["add_change"], {"notice": notice_id, "event": event.id})
    return notice_id


def notices_of(
    tx: Transaction, person: str, *, since: datetime, opened: bool = False, turned_down: bool = False
) -> list[Notice]:
    """What the person is told, safety first, then the newest; those that they opened only with `opened`."""
    asked = {"person": person, "since": since, "opened": opened, "all": turned_down, "most": MOST}
    return [_notice(row) for row in tx.rows(_SQL["notices_of"], asked)]


def unread(tx: Transaction, person: str) -> tuple[int, int]:
    """How many notices the person has not seen, and how many of those are of safety."""
    row = tx.one(_SQL["unread"], {"person": person})
    return (row["total"], row["safety"]) if row else (0, 0)


def mark_seen(tx: Transaction, person: str, ids: Sequence[str], now: datetime) -> None:
    """They stood on the person's page: what changes from now on is told anew."""
    tx.execute(_SQL["mark_seen"], {"person": person, "ids": list(ids), "now": now})


def mark_opened(tx: Transaction, person: str, ids: Sequence[str], now: datetime) -> int:
    """The person followed them or said "got it"; how many were theirs."""
    return tx.execute(_SQL["mark_opened"], {"person": person, "ids": list(ids), "now": now})


def find(tx: Transaction, person: str, notice_id: str) -> Row | None:
    """id, patient_id and loop_id of the person's own notice."""
    return tx.one(_SQL["find_notice"], {"person": person, "id": notice_id})


def waiting_for_mail(tx: Transaction) -> list[Notice]:
    """Notices that nobody has seen and no e-mail spoke of, by person."""
    return [_notice(row) for row in tx.rows(_SQL["waiting_for_mail"])]


def mark_mailed(tx: Transaction, ids: Sequence[str], now: datetime) -> None:
    """An e-mail speaks of them."""
    tx.execute(_SQL["mark_mailed"], {"ids": list(ids), "now": now})


def choices(tx: Transaction, people: Sequence[str]) -> dict[tuple[str, str], str]:
    """The way by (person, kind), where it was chosen."""
    rows = tx.rows(_SQL["choices_of"], {"people": list(people)}) if people else []
    return {(row["person"], row["kind"]): row["way"] for row in rows}


def choose(tx: Transaction, person: str, kind: str, way: str | None, now: datetime) -> None:
    """From now on the person is told of the kind this way; None: as the content says."""
    if way is None:
        tx.execute(_SQL["unchoose"], {"person": person, "kind": kind})
    else:
        tx.execute(_SQL["choose"], {"person": person, "kind": kind, "way": way, "now": now})


def people(tx: Transaction, references: Sequence[str]) -> dict[str, Person]:
    """Where and when these are written to; the defaults for whoever never chose."""
    rows = tx.rows(_SQL["people"], {"people": list(references)}) if references else []
    known = {row["person"]: Person(**row) for row in rows}
    return {reference: known.get(reference, Person(person=reference)) for reference in references}


def save_person(tx: Transaction, person: Person) -> None:
    """Address and hours stand; a new address has not failed yet."""
    wanted = asdict(person)
    tx.execute(_SQL["save_person"], {name: wanted[name] for name in _CHOSEN})


_CHOSEN = ("person", "address", "digest_at", "quiet_from", "quiet_until")


def note_mail(tx: Transaction, person: str, now: datetime, *, digest: date | None = None) -> None:
    """An e-mail left: of the day `digest`, or at once."""
    tx.execute(_SQL["note_mail"], {"person": person, "now": now, "digest": digest})


def note_failed(tx: Transaction, person: str, address: str, why: str) -> None:
    """Mail to this address came back, if it still is theirs."""
    tx.execute(_SQL["note_failed"], {"person": person, "address": address, "why": why})


def on_call_at(tx: Transaction, now: datetime) -> tuple[str, ...]:
    """Who is on call."""
    return tuple(row["person"] for row in tx.rows(_SQL["on_call_at"], {"now": now}))


def rota(tx: Transaction, now: datetime) -> list[OnCall]:
    """Who is and will be on call, in order."""
    return [OnCall(**row) for row in tx.rows(_SQL["rota"], {"now": now})]


def add_on_call(tx: Transaction, one: OnCall, by: str) -> None:
    """The person is on call then."""
    tx.execute(_SQL["add_on_call"], {**asdict(one), "by": by})


def drop_on_call(tx: Transaction, on_call_id: str) -> bool:
    """They are not; False where there was no such line."""
    return tx.execute(_SQL["drop_on_call"], {"id": on_call_id}) == 1


def ignored(tx: Transaction, person: str, since: datetime, until: datetime) -> list[Row]:
    """Notices of those days that the person never opened: id, kind, patient_id, loop_id, step_id, last, way."""
    return tx.rows(_SQL["ignored"], {"person": person, "since": since, "until": until})


def by_kind(tx: Transaction, since: datetime, until: datetime, person: str = "") -> Mapping[str, Mapping[str, Any]]:
    """sent, ignored, people and turned_down by kind; of one person, or of all."""
    rows = tx.rows(_SQL["by_kind"], {"since": since, "until": until, "person": person})
    return {row["kind"]: row for row in rows}


def _notice(row: Row) -> Notice:
    return Notice(**row)
