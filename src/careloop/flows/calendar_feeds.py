"""A person's diary in their own calendar program, by a secret address: the least that a diary needs, revocable."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, Role, Tenant, system_principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound, NotPermitted
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import diary_pages, writing
from careloop.flows.app import App
from careloop.record import Stored
from careloop.scheduling import store
from careloop.scheduling.content import visits_of
from careloop.scheduling.model import Taken, Window
from careloop.scheduling.rules.calendar_text import Entry, feed_of
from careloop.scheduling.rules.taking import actors_of
from careloop.scheduling.rules.waiting import kind_of

BACK, AHEAD = timedelta(days=7), timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class FeedAnswer:
    """The feed as it stands. `text` is empty where the reader has it already."""

    etag: str
    text: bytes


def open_feed(app: App, tx: Transaction, principal: Principal, actor: str) -> str:
    """The secret address of a person's diary, from its first slash on; the one of before leads nowhere any more. Told
    once."""
    _may_open(tx, principal, actor)
    secret = store.make_feed(tx, new_id(), actor, principal.reference, app.clock.now())
    _note(tx, principal, actor, "calendar-feed-opened")
    return f"/calendar/{secret}"


def close_feed(app: App, tx: Transaction, principal: Principal, actor: str) -> bool:
    """Nobody reads the diary by an address any more. True where somebody could."""
    _may_open(tx, principal, actor)
    closed = store.revoke_feeds(tx, actor, app.clock.now())
    _note(tx, principal, actor, "calendar-feed-closed")
    return closed


def _may_open(tx: Transaction, principal: Principal, actor: str) -> None:
    """One's own, and a manager anybody's."""
    require(principal, "search", "Appointment")
    diary_pages.require_staff(tx, actor)
    if principal.reference != actor and Role.MANAGER not in principal.roles:
        raise NotPermitted("only the person, or a manager, opens or closes this calendar")


def read_feed(app: App, secret: str, known_etag: str) -> FeedAnswer:
    """The feed that this secret opens. `NotFound` for one that was revoked or never was: both look alike."""
    tenant_id = store.tenant_of_secret(secret, "clf")
    tenants = {one.id: one for one in app.tenants()}
    if tenant_id not in tenants:
        raise NotFound("there is no such calendar")
    return app.database.run(tenant_id, lambda tx: _read(app, tx, tenants[tenant_id], secret, known_etag), actor="feed")


def _read(app: App, tx: Transaction, tenant: Tenant, secret: str, known_etag: str) -> FeedAnswer:
    feed, now = store.feed_by_secret(tx, secret), app.clock.now()
    if feed is None:
        raise NotFound("there is no such calendar")
    taken = store.taken_of(tx, [feed.practitioner], Window(now - BACK, now + AHEAD))
    held = app.record.fetch(tx, [f"Appointment/{one.holder}" for one in taken if one.kind == "visit"])
    place = writing.settings_for(tx).calendar_place
    patients = app.record.fetch(tx, sorted({one for stored in held.values() for one in _patients(stored)}))
    entries = [
        _entry(app, tx, one, held.get(f"Appointment/{one.holder}"), patients, place, feed.made)
        for one in taken
        if one.kind != "hold"
    ]
    text = feed_of([entry for entry in entries if entry is not None], f"{tenant.name}: visits")
    etag = f'"{hashlib.sha256(text).hexdigest()[:32]}"'
    store.note_read(tx, feed.id, now)
    if known_etag and etag in [part.strip().removeprefix("W/") for part in known_etag.split(",")]:
        return FeedAnswer(etag=etag, text=b"")
    _audit(tx, feed, list(held.values()))
    return FeedAnswer(etag=etag, text=text)


def _entry(
    app: App,
    tx: Transaction,
    one: Taken,
    stored: Stored | None,
    patients: Mapping[str, Stored],
    place: str,
    made: datetime,
) -> Entry | None:
    uid = f"{derived_id(tx.tenant_id, 'calendar', one.holder)}@careloop"
    if one.kind == "away":
        return Entry(uid=uid, words="Away", place="", window=one.window, confirmed=True, changed=made)
    if stored is None:
        return None
    patient = next((patients[name].resource for name in _patients(stored) if name in patients), {})
    kind = visits_of(app.catalog).kinds.get(kind_of(stored.resource))
    return Entry(
        uid=uid,
        words=", ".join(part for part in (initials_of(patient), kind.words if kind else "Visit") if part),
        place=place_words(patient, place) if kind and kind.where == "home" else "",
        window=one.window,
        confirmed=one.status != "pending",
        changed=stored.last_updated,
    )


def _patients(stored: Stored) -> list[str]:
    return list(actors_of(stored.resource, "Patient"))


def initials_of(patient: Mapping[str, Any]) -> str:
    """`M. R.`; nothing more of a name goes out."""
    names = [one for one in patient.get("name", ()) if one.get("use") != "old"]
    if not names:
        return ""
    words = [*names[0].get("given", ())[:1], names[0].get("family", "")]
    return " ".join(f"{word[0].upper()}." for word in words if word)


def place_words(patient: Mapping[str, Any], setting: str) -> str:
    """As much of the place as the practice has chosen: none, the town, or the address."""
    if setting == "address":
        return diary_pages.address_words(patient)
    return str(diary_pages.home_address(patient).get("city", "")) if setting == "town" else ""


def _note(tx: Transaction, principal: Principal, actor: str, what: str) -> None:
    entry = AuditEntry(
        principal=principal,
        action="E",
        subtype=what,
        resource_type="Practitioner",
        resource_ids=[actor.partition("/")[2]],
    )
    record_audit(tx, entry)


def _audit(tx: Transaction, feed: store.Feed, shown: list[Stored]) -> None:
    record_audit(
        tx,
        AuditEntry(
            principal=system_principal(tx.tenant_id, "calendar-feed"),
            action="R",
            subtype="calendar-feed",
            resource_type="Appointment",
            resource_ids=[one.id for one in shown],
            patient_ids=sorted({one.patient_id for one in shown if one.patient_id}),
            detail="initials, kind and place only",
        ),
    )
