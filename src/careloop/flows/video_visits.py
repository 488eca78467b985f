"""Video visits: a room that nobody can guess, at the service of the practice, and a way into it for all who take part.

The room is in the Appointment as the `virtualService` extension of R5; each participant's way is an address of ours
that opens from fifteen minutes before until one hour after, and leads on to the room. Nothing of the service is loaded
into our pages.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, system_principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import writing
from careloop.flows.app import App
from careloop.record import Stored, Write
from careloop.scheduling import store
from careloop.scheduling.model import OVER
from careloop.scheduling.rules.taking import window_of

VIRTUAL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
JOIN = "urn:careloop:join-link"
PARTIES: Mapping[str, str] = {
    "patient": "Patient",
    "staff": "Care team",
    "interpreter": "Interpreter",
    "family": "Family",
    "specialist": "Specialist",
}
"""Who may take part, as the room calls them: never a name."""
BEFORE, AFTER = timedelta(minutes=15), timedelta(hours=1)
_LOCAL = frozenset({"localhost", "127.0.0.1"})
_MOST_EXTRA = 8


def service_address(tx: Transaction) -> str:
    """Where the practice holds video visits, without a slash at its end; empty where it has no such service."""
    base = writing.settings_for(tx).video_base_url.rstrip("/")
    if not base:
        return ""
    parts = urlsplit(base)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise Rejected(at="settings.video_base_url", expected="an address that begins with https://")
    return base


def with_room(app: App, tx: Transaction, appointment: Mapping[str, Any]) -> dict[str, Any]:
    """The Appointment with a room and a way into it for each who takes part; as it is where the practice has no video
    service. Ways of before lead nowhere any more."""
    base = service_address(tx)
    if not base:
        return dict(appointment)
    room = _room_of(appointment) or f"{base}/careloop-{secrets.token_urlsafe(24)}"
    names = [_party(part, place) for place, part in enumerate(appointment.get("participant", ()))]
    links = store.new_link_secrets(tx, names)
    store.set_links(tx, str(appointment["id"]), links, app.clock.now())
    parts = [
        _with_link(part, f"{_own_address(app)}/join/{links[name]}")
        for part, name in zip(appointment.get("participant", ()), names, strict=True)
    ]
    others = [one for one in appointment.get("extension", ()) if one.get("url") != VIRTUAL]
    return {**appointment, "extension": [*others, _virtual(room)], "participant": parts}


def add_party(app: App, tx: Transaction, principal: Principal, appointment_id: str, party: str, name: str) -> None:
    """An interpreter, somebody of the family or a specialist takes part, with a way of their own."""
    require(principal, "update", "Appointment")
    if party not in PARTIES or party in ("patient", "staff"):
        raise Rejected(at="party", expected="interpreter, family or specialist")
    if not name.strip():
        raise Rejected(at="name", expected="who it is")
    found = _stored(app, tx, appointment_id)
    if found.resource.get("status") not in ("booked", "pending", "waitlist", "arrived"):
        raise Conflict("This visit is over.")
    parts = list(found.resource.get("participant", ()))
    if len(parts) >= _MOST_EXTRA:
        raise Rejected(at="party", expected=f"at most {_MOST_EXTRA} people in one visit")
    parts.append(
        {
            "type": [{"coding": [{"system": "urn:careloop:party", "code": party}], "text": PARTIES[party]}],
            "actor": {"display": name.strip()},
            "required": "optional",
            "status": "accepted",
        }
    )
    resource = {**found.resource, "participant": parts}
    if _room_of(resource):
        resource = _with_one_more(app, tx, resource)
    write = Write(
        method="update", resource_type="Appointment", id=appointment_id, resource=resource, if_match=found.version
    )
    writing.write(app, tx, principal, [write])


def _with_one_more(app: App, tx: Transaction, appointment: Mapping[str, Any]) -> dict[str, Any]:
    """The last who takes part gets a way; those of the others stay."""
    parts = list(appointment["participant"])
    known = {_party(part, place): link_of(part) for place, part in enumerate(parts[:-1])}
    name = _party(parts[-1], len(parts) - 1)
    fresh = store.new_link_secrets(tx, [name])[name]
    links = {party: address.rpartition("/")[2] for party, address in known.items() if address} | {name: fresh}
    store.set_links(tx, str(appointment["id"]), links, app.clock.now())
    parts[-1] = _with_link(parts[-1], f"{_own_address(app)}/join/{fresh}")
    return {**appointment, "participant": parts}


@dataclass(frozen=True, kw_only=True)
class Door:
    """What somebody with a link sees: when the visit is, and the room once it may be entered."""

    practice: str
    zone: str
    starts: datetime
    ends: datetime
    party: str
    room: str
    state: str


def door(app: App, secret: str) -> Door:
    """The way that this secret opens. `NotFound` for a secret that leads nowhere."""
    tenant_id = store.tenant_of_secret(secret, "clj")
    known = {one.id: one for one in app.tenants()}
    if tenant_id not in known:
        raise NotFound("this link does not lead anywhere")
    tenant, now = known[tenant_id], app.clock.now()

    def work(tx: Transaction) -> Door:
        link = store.open_link(tx, secret, now)
        found = app.record.fetch(tx, [f"Appointment/{link.appointment_id}"]) if link else {}
        stored = next(iter(found.values()), None)
        window = window_of(stored.resource.get("start"), stored.resource.get("end"), 30) if stored else None
        if link is None or stored is None or window is None:
            raise NotFound("this link does not lead anywhere")
        _note_join(tx, stored, link.party)
        party = link.party.partition(":")[0]
        state = _state(stored, window.start, window.end, now)
        room = f"{_room_of(stored.resource)}#userInfo.displayName={quote(chr(34) + PARTIES[party] + chr(34))}"
        return Door(
            practice=tenant.name,
            zone=tenant.zone,
            starts=window.start,
            ends=window.end,
            party=PARTIES[party],
            room=room if state == "open" else "",
            state=state,
        )

    return app.database.run(tenant.id, work, actor="video")


def _state(stored: Stored, starts: datetime, ends: datetime, now: datetime) -> str:
    if stored.resource.get("status") in OVER | {"entered-in-error"}:
        return "cancelled"
    if now < starts - BEFORE:
        return "early"
    return "over" if now > ends + AFTER else "open"


def _note_join(tx: Transaction, stored: Stored, party: str) -> None:
    record_audit(
        tx,
        AuditEntry(
            principal=system_principal(tx.tenant_id, "video"),
            action="R",
            subtype="join-link",
            resource_type="Appointment",
            resource_ids=[stored.id],
            patient_ids=[stored.patient_id] if stored.patient_id else [],
            detail=f"opened by {party.partition(':')[0]}",
        ),
    )


def links_shown(appointment: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    """For each who takes part: as what, the name where there is one, the link."""
    return [
        (PARTIES[_kind(part)], str((part.get("actor") or {}).get("display", "")), link_of(part))
        for part in appointment.get("participant", ())
        if link_of(part)
    ]


def link_of(part: Mapping[str, Any]) -> str:
    """The way of one who takes part; empty where there is none."""
    return next((str(one.get("valueUrl", "")) for one in part.get("extension", ()) if one.get("url") == JOIN), "")


def _with_link(part: Mapping[str, Any], address: str) -> dict[str, Any]:
    others = [one for one in part.get("extension", ()) if one.get("url") != JOIN]
    return {**part, "extension": [*others, {"url": JOIN, "valueUrl": address}]}


def _party(part: Mapping[str, Any], place: int) -> str:
    return f"{_kind(part)}:{place}"


def _kind(part: Mapping[str, Any]) -> str:
    reference = str((part.get("actor") or {}).get("reference", ""))
    codes = [one.get("code") for concept in part.get("type", ()) for one in concept.get("coding", ())]
    said = next((str(code) for code in codes if code in PARTIES), "")
    if said:
        return said
    if reference.startswith("RelatedPerson/"):
        return "family"
    return "patient" if reference.startswith("Patient/") else "staff"


def _room_of(appointment: Mapping[str, Any]) -> str:
    for extension in appointment.get("extension", ()):
        if extension.get("url") == VIRTUAL:
            parts = {one.get("url"): one for one in extension.get("extension", ())}
            return str(parts.get("addressUrl", {}).get("valueUrl", ""))
    return ""


def has_room(appointment: Mapping[str, Any]) -> bool:
    """True where a video room belongs to the visit."""
    return bool(_room_of(appointment))


def _virtual(room: str) -> dict[str, Any]:
    return {"url": VIRTUAL, "extension": [{"url": "addressUrl", "valueUrl": room}]}


def _own_address(app: App) -> str:
    return (app.settings.public_url or "").rstrip("/")


def _stored(app: App, tx: Transaction, appointment_id: str) -> Stored:
    found = app.record.fetch(tx, [f"Appointment/{appointment_id}"]).get(f"Appointment/{appointment_id}")
    if found is None:
        raise NotFound("there is no such visit")
    return found
