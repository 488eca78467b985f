"""Conditional forms: the one resource that a query names, found so that two askers at once never both make it."""

from urllib.parse import parse_qsl

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import PreconditionFailed, Rejected
from careloop.flows.app import App
from careloop.flows.terminology import terminology_of
from careloop.record import Stored


def find_one(app: App, tx: Transaction, principal: Principal, resource_type: str, query: str) -> Stored | None:
    """The one resource that satisfies `query` (`identifier=system|value`), None where none does.

    `PreconditionFailed` where several do. Until the transaction ends nobody else gets an answer to the same query, so
    whoever then makes the resource is alone in doing so.
    """
    require(principal, "search", resource_type)
    criteria = sorted(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
    if not criteria or any(name.startswith("_") and name not in ("_id", "_tag", "_profile") for name, _ in criteria):
        raise Rejected(at="search", expected="search parameters that name one resource", code="value")
    tx.lock(f"conditional {resource_type}?{criteria}")
    wanted = [*criteria, ("_count", "2"), ("_total", "none")]
    found = app.record.search(
        tx, principal, resource_type, wanted, app.clock.now(), terminology=lambda: terminology_of(app, tx)
    ).entries
    if len(found) > 1:
        raise PreconditionFailed(f"the condition on {resource_type} is met by more than one resource")
    return found[0] if found else None
