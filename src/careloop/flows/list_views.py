"""Lists with a name: kept for the person who made them, opened by a link inside the site when shared."""

from urllib.parse import parse_qsl, urlencode

from careloop.access.model import Principal
from careloop.access.policy import Action, require_action
from careloop.db import Transaction
from careloop.errors import NotFound, Rejected
from careloop.fhir.ids import new_id
from careloop.flows.app import App
from careloop.loops import days
from careloop.loops.days import SavedView
from careloop.loops.store import is_loop_id

__all__ = ["SavedView", "all_of", "opened", "remove", "save"]

FIELDS = ("scope", "kind", "snoozed", "owner", "due", "risk", "language", "programme")
"""What a view remembers; anything else of an address is left out of it."""
_LONGEST = 60


def all_of(tx: Transaction, principal: Principal) -> list[SavedView]:
    """The asker's own, then those that others share."""
    return days.views_of(tx, principal.reference)


def save(app: App, tx: Transaction, principal: Principal, *, name: str, query: str, shared: bool) -> str:
    """The list of this query has this name; a view of the same name is replaced. Its id."""
    require_action(principal, Action.WORKLIST_READ)
    if not 0 < len(name.strip()) <= _LONGEST:
        raise Rejected(at="name", expected=f"a name of 1 to {_LONGEST} letters", code="required")
    kept = urlencode([(key, value) for key, value in parse_qsl(query) if key in FIELDS and value])
    view = SavedView(id=new_id(), person=principal.reference, name=name.strip(), query=kept, shared=shared)
    return days.save_view(tx, view, app.clock.now())


def opened(tx: Transaction, principal: Principal, view_id: str) -> SavedView:
    """The view; `NotFound` when it is not there or not for the asker."""
    require_action(principal, Action.WORKLIST_READ)
    view = days.find_view(tx, view_id, principal.reference) if is_loop_id(view_id) else None
    if view is None:
        raise NotFound("there is no such view")
    return view


def remove(tx: Transaction, principal: Principal, view_id: str) -> None:
    """The asker's own view is gone; the list it showed stays what it is."""
    require_action(principal, Action.WORKLIST_READ)
    if not is_loop_id(view_id) or not days.remove_view(tx, view_id, principal.reference):
        raise NotFound("there is no such view")
