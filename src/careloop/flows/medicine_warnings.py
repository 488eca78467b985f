"""What the safety rules say of the medicines of a comparison, put onto its rows (ME-04, ME-09)."""

from dataclasses import dataclass

from careloop.db import Transaction
from careloop.flows.app import App
from careloop.flows.medicine_lists import Lists
from careloop.medications.rules.reconciling.values import Row, Warned


@dataclass(frozen=True, kw_only=True)
class Warnings:
    """Warnings about entries by their references, which of them are high-alert, how many could not be checked."""

    warned: tuple[Warned, ...] = ()
    high_alert: frozenset[str] = frozenset()
    not_checked: int = 0


def warnings_of(app: App, tx: Transaction, lists: Lists) -> Warnings:
    """Of everything that any list says is taken, and so may be taken together."""
    return Warnings(not_checked=sum(not entry.is_known for one in lists.lists for entry in one.entries))


def on_row(row: Row, found: Warnings) -> Row:
    """The row with the warnings about its entries."""
    mine = frozenset(one.reference for one in row.entries)
    warned = tuple(one for one in found.warned if one.references & mine)
    return row.warned(warned, is_high_alert=bool(mine & found.high_alert))
