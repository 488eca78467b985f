"""The terminology of a tenant: the product's, with the tenant's own CodeSystem, ValueSet and ConceptMap on top.

Kept in the process until one of them changes; whether one did is a single look at the record per question. After a
change only what changed is read.
"""

from careloop.db import Transaction
from careloop.flows.app import App
from careloop.record import kept
from careloop.terminology import Overlay, Packed, Terminology

TYPES = ("CodeSystem", "ValueSet", "ConceptMap")


def terminology_of(app: App, tx: Transaction) -> Terminology:
    """What the tenant of this transaction knows of codes. Terminology is nobody's data: it is not audited."""
    stamp = kept.stamp_of(tx, TYPES)
    if stamp is None:
        return app.terminology
    return app.overlays.get(tx.tenant_id, stamp, lambda before: _composed(app, tx, stamp, before))


def _composed(app: App, tx: Transaction, stamp: kept.Stamp, before: Overlay | None) -> Overlay:
    known = before.resources if before is not None else {}
    standing = kept.versions_of(tx, TYPES)
    changed = [one for one, version in standing.items() if one not in known or known[one][0] != version]
    read = {
        reference: (stored.version, Packed.of(stored.resource, stored.text))
        for reference, stored in app.record.fetch(tx, changed).items()
    }
    found = {one: read.get(one) or known[one] for one in standing if one in read or one in known}
    systems, sets, maps = ([one for _, one in found.values() if one.kind == kind] for kind in TYPES)
    return Overlay(stamp, app.terminology.with_resources(sets, systems, maps), found)
