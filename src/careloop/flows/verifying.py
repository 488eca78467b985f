"""Is everything as it must be? Loops, record, audit trail and diaries of each tenant."""

from dataclasses import dataclass
from datetime import datetime

from careloop.access import accounts
from careloop.access.chain import verify as verify_chain
from careloop.access.keys import open_keyring
from careloop.access.model import Tenant
from careloop.db import Transaction
from careloop.flows import closing, diary, engine
from careloop.flows.app import App
from careloop.flows.routing import queue_reference
from careloop.identity import merges
from careloop.loops.verify import Around, patients_with_loops, verify_loops
from careloop.teams.verify import verify_teams


@dataclass(frozen=True, kw_only=True)
class Found:
    """Something wrong: tenant, part (loops, teams, record, audit, diary), place, and what should be true there."""

    tenant: str
    part: str
    at: str
    expected: str


def verify(app: App) -> list[Found]:
    """All findings of all tenants; an empty list means that every promise holds."""
    return [found for tenant in app.tenants() for found in verify_tenant(app, tenant)]


def verify_tenant(app: App, tenant: Tenant, *, since: datetime | None = None) -> list[Found]:
    """All findings of one tenant, at one instant. With `since` the index is compared and states are derived again only
    of what was written from then on, and the audit trail is left to a whole look; all else is looked at whole."""
    with app.database.snapshot(tenant.id, read_only=True) as tx:
        return [
            *_loops(app, tx, tenant, since),
            *_states(app, tx, tenant, since),
            *_queue(app, tx, tenant),
            *_teams(app, tx, tenant),
            *_record(app, tx, tenant, since),
            *(_audit(app, tx, tenant) if since is None else ()),
            *_diary(app, tx, tenant),
        ]


def _loops(app: App, tx: Transaction, tenant: Tenant, since: datetime | None) -> list[Found]:
    around = Around(
        queue=queue_reference(tenant.id),
        staff=[member.reference for member in accounts.staff(tx) if member.active],
        versions=engine.content_for(app, tx).pathways.versions.keys(),
        priors=merges.merged_away(tx),
    )
    return [
        Found(tenant=tenant.slug, part="loops", at=f"{finding.at} ({finding.rule})", expected=finding.expected)
        for finding in verify_loops(tx, app.record, around, app.clock.now(), since=since)
    ]


def _states(app: App, tx: Transaction, tenant: Tenant, since: datetime | None) -> list[Found]:
    """Invariant 4: the facts and acts as they stand now, folded again, give the loops that stand."""
    return [
        Found(tenant=tenant.slug, part="loops", at=f"loop {loop_id} (not_derived)", expected=_DERIVED)
        for patients in patients_with_loops(tx, since)
        for loop_id in closing.unsettled(app, tx, patients)
    ]


_DERIVED = "4: the state that its facts and acts give, whatever the order in which they came"


def _queue(app: App, tx: Transaction, tenant: Tenant) -> list[Found]:
    """Invariant 1: the queue is led by somebody who is here."""
    reference = queue_reference(tenant.id)
    stored = app.record.fetch(tx, [reference]).get(reference)
    places = stored.resource.get("participant", ()) if stored else ()
    lead = next((str((place.get("member") or {}).get("reference")) for place in places), "")
    if lead in [member.reference for member in accounts.staff(tx) if member.active]:
        return []
    return [Found(tenant=tenant.slug, part="loops", at=f"{reference} (queue_without_lead)", expected=_LED)]


_LED = "1: an active member of the staff who leads the queue"


def _teams(app: App, tx: Transaction, tenant: Tenant) -> list[Found]:
    active = [member.reference for member in accounts.staff(tx) if member.active]
    joined = merges.merged_away(tx)
    found = verify_teams(tx, queue=queue_reference(tenant.id), staff=active, joined=joined, now=app.clock.now())
    return [Found(tenant=tenant.slug, part="teams", at=at, expected=expected) for at, expected in found]


def _record(app: App, tx: Transaction, tenant: Tenant, since: datetime | None) -> list[Found]:
    findings = app.record.verify(tx, since=since)
    return [Found(tenant=tenant.slug, part="record", at=one.at, expected=one.expected) for one in findings]


def _audit(app: App, tx: Transaction, tenant: Tenant) -> list[Found]:
    keys = open_keyring(app.settings.data_dir)
    findings = verify_chain(tx, tenant, keys, app.settings.data_dir)
    return [
        Found(tenant=tenant.slug, part="audit", at=one.at, expected=f"no entry {one.kind}: {one.says}")
        for one in findings
    ]


def _diary(app: App, tx: Transaction, tenant: Tenant) -> list[Found]:
    return [Found(tenant=tenant.slug, part="diary", at=at, expected=expected) for at, expected in diary.verify(app, tx)]
