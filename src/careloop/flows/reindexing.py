"""Indexing anew after search parameters changed: by the worker as it goes round, or at once by `careloop reindex`."""

from collections.abc import Callable

from careloop.access.model import Tenant
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.flows.app import App

SET = 200
"""Resources of one transaction: writers of one of these wait for some hundredths of a second."""

SETS_OF_A_ROUND = 10

Progress = Callable[[int], None]


def go_on(app: App, tenant: Tenant) -> int:
    """A few sets of the run that the tenant's index needs; how many resources were indexed. Nothing where it is
    complete."""
    return _sets(app, tenant, SETS_OF_A_ROUND, lambda count: None)


def reindex(app: App, tenant: Tenant, *, everything: bool = False, progress: Progress = lambda count: None) -> int:
    """The index of the tenant holds every parameter of this installation; how many resources were indexed for it.
    `everything` does it although nothing changed."""
    if everything:
        app.database.run(tenant.id, app.record.index.forget)
    return _sets(app, tenant, None, progress)


def offered_to_all(app: App) -> SearchDefinitions:
    """The parameters by which every tenant of the installation can search: what its CapabilityStatement offers."""
    hidden: frozenset[str] = frozenset()
    for tenant in app.tenants():
        with app.database.transaction(tenant.id) as tx:
            hidden |= app.record.index.hidden(tx)
    return app.record.index.without(hidden)


def _sets(app: App, tenant: Tenant, most: int | None, progress: Progress) -> int:
    total = done = 0
    while most is None or done < most:
        step = app.database.run(tenant.id, lambda tx: app.record.index.step(tx, SET))
        total, done = total + step.indexed, done + 1
        if step.complete:
            break
        progress(total)
    return total
