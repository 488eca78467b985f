"""Readers of the change feed, each with a name and its own place in it. No change is ever passed over, none read twice.

Numbers of the feed are given out before a commit, so a higher number may be visible before a lower one. A cursor
therefore moves in two steps: first the newest number is noted with the id of the transaction that notes it; the window
up to that number is read once every transaction older than that one has ended (decisions 0141, 0252).
"""

from dataclasses import dataclass
from enum import StrEnum

from careloop.db import Row, Transaction, load_queries

_SQL = load_queries("careloop.record", "cursors.sql")


class Reader(StrEnum):
    """Who reads the feed on their own."""

    SUBSCRIPTIONS = "subscriptions"
    CONTRADICTIONS = "contradictions"
    MEDICINES = "medicines"
    MONITORING = "monitoring"
    TRAITS = "traits"


@dataclass(frozen=True, kw_only=True)
class Window:
    """Numbers after `after` up to `through`, all of them settled. `newest`: the end of the feed when it was opened."""

    reader: Reader
    after: int
    through: int
    newest: int


def open_window(tx: Transaction, reader: Reader, *, begin: int = 0) -> Window | None:
    """What the reader can read now, held until the transaction ends; None where there is nothing or another worker has
    it. Must come first in its transaction: the end of the feed is to be older than the transaction's id. A reader who
    has never read begins after `begin`.
    """
    seen = _look(tx, reader)
    if seen["through"] is None:
        tx.execute(_SQL["begin"], {"reader": reader, "through": begin, "next_through": max(seen["newest"], begin)})
        return None
    newest = max(seen["newest"], seen["next_through"])
    if seen["through"] == newest:
        return None
    row = tx.one(_SQL["lock"], {"reader": reader})
    if row is None:
        return None
    if row["through"] == row["next_through"]:
        _move(tx, reader, row["through"], max(newest, row["through"]))
        return None
    if not row["is_settled"]:
        return None
    return Window(reader=reader, after=row["through"], through=row["next_through"], newest=newest)


def move_on(tx: Transaction, window: Window, last: int | None) -> bool:
    """The window was read up to `last` and with it, or whole (None). True where more of it can be read at once."""
    if last is None:
        _move(tx, window.reader, window.through, max(window.newest, window.through))
        return False
    tx.execute(_SQL["reach"], {"reader": window.reader, "through": last})
    return True


def is_behind(tx: Transaction, reader: Reader) -> bool:
    """True while changes that can be seen have not been read."""
    seen = _look(tx, reader)
    return int(seen["newest"]) > (seen["through"] or 0)


def forget(tx: Transaction, reader: Reader) -> None:
    """The reader has never read."""
    tx.execute(_SQL["forget"], {"reader": reader})


def _look(tx: Transaction, reader: Reader) -> Row:
    row = tx.one(_SQL["look"], {"reader": reader})
    assert row is not None
    return row


def _move(tx: Transaction, reader: Reader, through: int, next_through: int) -> None:
    tx.execute(_SQL["move"], {"reader": reader, "through": through, "next_through": next_through})
