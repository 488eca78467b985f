"""What a narrowed principal (an app for one patient, or for some categories) may write.

Asked in its own narrow transaction, before anything is written: what it does not see is for it as if it were not there,
so that a foreign id and a missing one look the same here too.
"""

import re
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from careloop.access.model import Principal
from careloop.access.policy import LETTER
from careloop.access.sight import may_write
from careloop.db import Transaction
from careloop.errors import NotFound, NotPermitted, Rejected
from careloop.fhir.references import references
from careloop.flows import engine
from careloop.flows.app import App
from careloop.record import Stored, Write

_LOCAL = re.compile(r"([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})(?:/_history/.*)?")


def refuse_beyond_sight(app: App, tx: Transaction, principal: Principal, writes: Sequence[Write]) -> None:
    """Nothing happens where every write changes and makes only what the principal's scopes cover, and names only what
    it sees; else `NotFound`, `NotPermitted` or `Rejected`."""
    zone = ZoneInfo(engine.tenant_of(tx).zone)
    seen = app.record.fetch(tx, [f"{one.resource_type}/{one.id}" for one in writes if one.id])
    made = {f"{one.resource_type}/{one.id}" for one in writes if one.id}
    for one in writes:
        if one.resource_type == "Subscription":
            raise NotPermitted("subscriptions are not for an app that sees a part of the record only")
        stands = seen.get(f"{one.resource_type}/{one.id}")
        if one.method != "create":
            _refuse_unseen(stands)
        letter = LETTER[one.method]
        contents = [stands.resource if stands else None, one.resource]
        for resource in (content for content in contents if content is not None):
            found = app.record.definitions.extract({**resource, "id": one.id or "new"}, tx.tenant_id, zone)
            content = (one.resource_type, found.patient_id, set(found.tokens))
            if not _covered(principal, letter, content):
                raise NotPermitted(f"{one.method} of this {one.resource_type} is not permitted")
            if resource is one.resource:
                links = [link for link in map(_local, references(resource)) if link and link not in made]
                _refuse_unseen_links(app, tx, one, links)


def _covered(principal: Principal, letter: str, content: tuple[str, str | None, set[int]]) -> bool:
    patient_id = principal.sight.patient_id if principal.sight else None
    return may_write(principal.tenant_id, principal.scopes, patient_id, letter, content)


def _local(reference: str) -> str | None:
    """`Type/id` of a reference to a resource here."""
    match = _LOCAL.fullmatch(reference)
    return match[1] if match else None


def _refuse_unseen(stands: Stored | None) -> None:
    if stands is None:
        raise NotFound("there is no such resource")


def _refuse_unseen_links(app: App, tx: Transaction, write: Write, links: Sequence[str]) -> None:
    if app.record.missing(tx, links):
        raise Rejected(
            at=write.resource_type, expected="references to resources that the app may read", code="not-found"
        )
