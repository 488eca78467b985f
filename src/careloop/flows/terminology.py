"""The terminology of a tenant: the product's, with the tenant's own CodeSystem, ValueSet and ConceptMap on top.

Kept in the process until one of them changes; whether one did is a single look at the record per question.
"""

from careloop.db import Transaction
from careloop.flows.app import App
from careloop.record import kept
from careloop.terminology import Terminology

TYPES = ("CodeSystem", "ValueSet", "ConceptMap")


def terminology_of(app: App, tx: Transaction) -> Terminology:
    """What the tenant of this transaction knows of codes. Terminology is nobody's data: it is not audited."""
    stamp = kept.stamp_of(tx, TYPES)
    if stamp is None:
        return app.terminology
    return app.overlays.get(tx.tenant_id, stamp, lambda: _composed(app, tx))


def _composed(app: App, tx: Transaction) -> Terminology:
    found = [one.resource for one in kept.every(tx, TYPES)]
    systems, sets, maps = ([one for one in found if one["resourceType"] == kind] for kind in TYPES)
    return app.terminology.with_resources(sets, systems, maps)
