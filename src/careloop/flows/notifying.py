"""What a subscriber is told, made when it is sent: its rights of now decide what it sees, and the trail says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access import clients
from careloop.access.audit import AuditEntry, record_audit
from careloop.access.model import Principal, PrincipalKind
from careloop.access.policy import may
from careloop.access.scopes import granted
from careloop.db import Transaction
from careloop.fhir.jsons import decode
from careloop.flows import subscribing
from careloop.flows.app import App
from careloop.record.changes import texts_of
from careloop.subscriptions import Event, Served, Wanted
from careloop.subscriptions.notifications import About, Told

Resource = dict[str, Any]
_MOST_CONTEXT = 20


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A Subscription and what is to be told of it."""

    about: About
    wanted: Wanted
    told: Sequence[Told]


def base_of(app: App) -> str:
    """Our FHIR address, where nobody asks from outside."""
    settings = app.settings
    return (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/") + "/fhir"


def subscriber(tx: Transaction, served: Served) -> Principal | None:
    """The client as it may act now, never with more than it had when it asked; None where it was revoked."""
    client = clients.find_client(tx, served.owner)
    if client is None:
        return None
    return Principal(
        tenant_id=tx.tenant_id,
        kind=PrincipalKind.CLIENT,
        id=client.id,
        name=client.name,
        scopes=granted(client.scopes, " ".join(served.scopes)),
    )


def notice(
    app: App, tx: Transaction, principal: Principal, served: Served, wanted: Wanted, events: Sequence[Event]
) -> Notice:
    """What of these events this principal is told; each resource named or shown is in the audit trail."""
    told = _told(app, tx, principal, wanted, events)
    content = wanted.content or ("full-resource" if wanted.mime else "empty")
    if content != "empty":
        _audit(tx, principal, served, told)
    about = About(
        base=base_of(app),
        id=served.id,
        status=served.status,
        topic=wanted.topic,
        events=served.events,
        content=content,
        error=served.reason,
    )
    return Notice(about=about, wanted=wanted, told=told)


def _told(app: App, tx: Transaction, principal: Principal, wanted: Wanted, events: Sequence[Event]) -> list[Told]:
    """Each event with what may be shown of it; the versions and their context are read in sets."""
    open_types = {one.resource_type for one in events if may(principal, "read", one.resource_type)}
    shown = [one for one in events if one.resource_type in open_types and one.change != "deleted"]
    rows = {} if wanted.content == "empty" else texts_of(tx, [_key(one) for one in shown])
    resources = {key: decode(row["body"]) for key, row in rows.items() if row["body"] is not None}
    names = {key: _context_of(app, principal, wanted, one) for key, one in resources.items()}
    context = app.record.fetch(tx, sorted({one for found in names.values() for one in found}))
    return [
        Told(
            event=one,
            resource=resources.get(_key(one)),
            included=[context[name].resource for name in names.get(_key(one), ()) if name in context],
            is_hidden=one.resource_type not in open_types,
            patient_id=rows[_key(one)]["patient_id"] if _key(one) in rows else None,
        )
        for one in events
    ]


def _key(event: Event) -> tuple[str, str, int]:
    return (event.resource_type, event.id, event.version)


def _context_of(app: App, principal: Principal, wanted: Wanted, resource: Resource) -> list[str]:
    """What the topic's shape lets come along, as far as it may be read."""
    topic = subscribing.topics_of(app).get(wanted.topic or "")
    names = topic.shape.get(resource["resourceType"], ()) if topic else ()
    definitions = app.record.definitions
    found = [one for name in names for one in definitions.targets(resource, name.partition(":")[2])]
    return [one for one in dict.fromkeys(found) if may(principal, "read", one.partition("/")[0])][:_MOST_CONTEXT]


def _audit(tx: Transaction, principal: Principal, served: Served, told: Sequence[Told]) -> None:
    shown = [resource for one in told if not one.is_hidden for resource in (one.resource, *one.included) if resource]
    ids = [one.event.reference for one in told if not one.is_hidden]
    if not ids:
        return
    others = [f"{one['resourceType']}/{one['id']}" for one in shown]
    record_audit(
        tx,
        AuditEntry(
            principal=principal,
            action="R",
            subtype="notification",
            resource_ids=list(dict.fromkeys([*ids, *others])),
            patient_ids=sorted({one.patient_id for one in told if one.patient_id}),
            detail=f"Subscription {served.id}",
        ),
    )
