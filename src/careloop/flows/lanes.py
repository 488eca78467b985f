"""What requests that arrive together do as a set: read, look, write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.db.pool import Contended
from careloop.errors import Unavailable
from careloop.flows import writing
from careloop.flows.app import App
from careloop.flows.gathering import Lane, Outcome, tried
from careloop.flows.interactions import Interaction
from careloop.record import Write
from careloop.record.search import Steps, all_of


@dataclass(frozen=True)
class Wanted:
    """One resource to be read."""

    resource_type: str
    id: str


def _read(app: App, tx: Transaction, principal: Principal, items: Sequence[Wanted]) -> Sequence[Outcome]:
    """All in one query; what is not there is each item's own outcome."""
    return app.record.read_many(tx, principal, [(one.resource_type, one.id) for one in items])


Look = Callable[[Interaction], object]
"""Something that only reads. What it gives must not need the transaction any more."""


def _look(app: App, tx: Transaction, principal: Principal, items: Sequence[Look]) -> Sequence[Outcome]:
    door = Interaction(app=app, tx=tx, principal=principal)
    outcomes = [tried(partial(look, door)) for look in items]
    for outcome in outcomes:
        if isinstance(outcome, Contended | Unavailable):
            raise outcome
    return outcomes


Search = Callable[[Interaction], Steps[object]]
"""The steps of a search. What it gives must not need the transaction any more."""


def _search(app: App, tx: Transaction, principal: Principal, items: Sequence[Search]) -> Sequence[Outcome]:
    """All at the same pace: what they ask for next leaves for the database together."""
    door = Interaction(app=app, tx=tx, principal=principal)
    outcomes = all_of(tx, [partial(item, door) for item in items])
    for outcome in outcomes:
        if isinstance(outcome, Contended | Unavailable):
            raise outcome
    return outcomes


def _write(app: App, tx: Transaction, principal: Principal, items: Sequence[Write]) -> Sequence[Outcome]:
    """As one set; each resource is audited, and its loops are reviewed, for itself."""
    return writing.write(app, tx, principal, items, each=True)


def _name(write: Write) -> tuple[str, str] | None:
    return (write.resource_type, write.id) if write.id is not None else None


READ = Lane(work=_read, repeatable=True)
"""Items are `Wanted`, and the asker may read them; outcomes are `Stored`."""

LOOK = Lane(work=_look, repeatable=True)
"""Items are `Look`; outcomes are what they give."""

SEARCH = Lane(work=_search, repeatable=True)
"""Items are `Search`; outcomes are what they give."""

WRITE = Lane(work=_write, name_of=_name, in_turn=True)
"""Items are plain `Write`s that the asker may do, without conditions that need a search; outcomes are `Written`."""
