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


def _read_and_write(
    app: App, tx: Transaction, principal: Principal, items: Sequence[Wanted | Write]
) -> Sequence[Outcome]:
    """Reads leave with the first thing that the writes ask, before anything is written; what is not there is each
    read's own outcome. Writes are one set; each resource is audited, and its loops are reviewed, for itself."""
    reads = [(one.resource_type, one.id) for one in items if isinstance(one, Wanted)]
    writes = [one for one in items if isinstance(one, Write)]
    seen = app.record.read_many_later(tx, principal, reads) if reads else list
    written = iter(writing.write(app, tx, principal, writes, each=True) if writes else ())
    read = iter(seen())
    return [next(read) if isinstance(one, Wanted) else next(written) for one in items]


def _name(one: Wanted | Write) -> tuple[str, str] | None:
    return (one.resource_type, one.id) if isinstance(one, Write) and one.id is not None else None


def _always(_: Sequence[object]) -> bool:
    return True


def _only_reads(items: Sequence[Wanted | Write]) -> bool:
    return all(isinstance(one, Wanted) for one in items)


LOOK = Lane(work=_look, repeatable=_always)
"""Items are `Look`; outcomes are what they give."""

SEARCH = Lane(work=_search, repeatable=_always)
"""Items are `Search`; outcomes are what they give."""

RECORD = Lane(work=_read_and_write, name_of=_name, repeatable=_only_reads, in_turn=True)
"""Items are `Wanted` that the asker may read, with outcomes `Stored`, and plain `Write`s that the asker may do, without
conditions that need a search, with outcomes `Written`."""
