"""One act on many loops: offered to somebody, or put off. Each loop on its own; what cannot be done is named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloop.access import accounts
from careloop.access.model import Principal
from careloop.db import Transaction
from careloop.errors import Conflict, NotFound, Rejected
from careloop.flows import acting, handing_over, routing
from careloop.flows.app import App
from careloop.flows.people import QUEUE_NAME

MOST = 100
ASKED = "asked to take it over"
_LATER = timedelta(hours=20)


@dataclass(frozen=True, kw_only=True)
class BulkReceipt:
    """What came of it. `left`: loops that could not be done, with the reason."""

    done: int
    left: tuple[tuple[str, str], ...]

    def says(self, what: str) -> str:
        """A sentence for the live region."""
        some = f"{what}: {self.done}."
        reasons = sorted({reason for _, reason in self.left})
        return some if not self.left else f"{some} Not done: {len(self.left)} ({'; '.join(reasons)})."


def hand_over(
    app: App, tx: Transaction, principal: Principal, *, loops: Sequence[str], to: str, why: str = ""
) -> BulkReceipt:
    """Each loop is on offer to `to`; the asker stays the owner until it is accepted."""
    handing_over.require_owner(tx, to)
    return _each(
        tx,
        loops,
        lambda loop: handing_over.hand_over(app, tx, principal, loop_id=loop, to=to, why=why or ASKED),
    )


def snooze(
    app: App, tx: Transaction, principal: Principal, *, loops: Sequence[str], until: datetime | None = None
) -> BulkReceipt:
    """Each loop is off the list until then (tomorrow at this hour where nothing is said), or until its own deadline
    where that comes first."""

    def one(loop_id: str) -> acting.ActReceipt:
        wanted = until or app.clock.now() + _LATER
        return acting.snooze(app, tx, principal, loop_id=loop_id, until=min(wanted, latest_snooze(tx, loop_id)))

    return _each(tx, loops, one)


def latest_snooze(tx: Transaction, loop_id: str) -> datetime:
    """The first deadline of the loop."""
    loop = acting.find_loop(tx, loop_id)
    return min([loop.state.deadline, *(step.due for step in loop.state.steps if step.status.is_open)])


def owner_named(tx: Transaction, text: str) -> str:
    """The reference of whoever is meant: a reference, a whole name, or the beginning of one word of a single name."""
    wanted = text.strip().casefold()
    queue = routing.queue_reference(tx.tenant_id)
    people = {one.reference: one.name for one in accounts.staff(tx) if one.active} | {queue: QUEUE_NAME}
    if text in people:
        return text
    exact = [reference for reference, name in people.items() if name.casefold() == wanted]
    near = [
        reference
        for reference, name in people.items()
        if wanted and any(part.casefold().startswith(wanted) for part in (name, *name.split()))
    ]
    found = exact or near
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(people[reference] for reference in found)[:5])
    raise Rejected(at="to", expected=f"one of {names}" if found else "the name of somebody here, or Queue")


def _each(tx: Transaction, loops: Sequence[str], work: Callable[[str], object]) -> BulkReceipt:
    chosen = list(dict.fromkeys(loops))
    if not 0 < len(chosen) <= MOST:
        raise Rejected(at="loop", expected=f"1 to {MOST} loops")
    left: list[tuple[str, str]] = []
    for loop in chosen:
        try:
            with tx.savepoint():
                work(loop)
        except (Rejected, Conflict, NotFound) as error:
            left.append((loop, error.message))
    return BulkReceipt(done=len(chosen) - len(left), left=tuple(left))
