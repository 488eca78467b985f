"""Medicines on the overview of a patient: what the lists differ about, how much of them is the same (ui.md §7.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.db import Transaction
from careloop.flows.app import App
from careloop.flows.medicine_compare import PATHWAY, compared
from careloop.flows.patient_values import LoopCard
from careloop.medications.rules.reconciling.values import Entry, Row, Side

_SIDES = {Side.HOSPITAL: "hospital", Side.CLINIC: "our list", Side.HOME: "home"}
_RESTING = {"stopped": "stopped", "not-taken": "not taken", "on-hold": "on hold"}


@dataclass(frozen=True, kw_only=True)
class Differing:
    """Each medicine to settle with what each list says of it, and the count of those that match."""

    lines: tuple[tuple[str, str], ...]
    matching: int


def differing(app: App, tx: Transaction, patient_id: str, open_loops: Sequence[LoopCard]) -> Differing | None:
    """What the lists differ about now; None while nobody was asked to compare them, so that other patients cost
    nothing. The page that shows it has audited its read of the patient's medicines."""
    if not any(one.pathway == PATHWAY for one in open_loops):
        return None
    comparison = compared(app, tx, patient_id, None).comparison
    if len(comparison.sides) < 2 or not comparison.differing:
        return None
    lines = tuple((row.name, _says(row, comparison.sides)) for row in comparison.differing)
    return Differing(lines=lines, matching=len(comparison.rows) - len(lines))


def _says(row: Row, sides: Sequence[Side]) -> str:
    told = {side: _told(row.of(side)) for side in sides if row.of(side)}
    if len(set(told.values())) < len(told) and row.warnings:
        return row.warnings[0].says  # both lists say the same: what is not safe about it is what must be settled
    return "; ".join(f"{_SIDES[side]} {text}" for side, text in told.items())


def _told(entries: Sequence[Entry]) -> str:
    said = [_RESTING.get(one.state.value) or one.said or one.strength or "directions not told" for one in entries]
    return " and ".join(dict.fromkeys(said))
