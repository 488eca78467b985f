"""Entries and lists in a line, for tests."""

from datetime import date
from decimal import Decimal
from typing import Any

from careloop.medications.rules.reconciling.values import Dosing, Entry, MedicineList, Period, Source


def dosing(text: str) -> Dosing:
    """`40 mg x2`, `15 mg x1/week`, `400 mg x3 prn`."""
    amount, unit, takes, *more = text.split()
    times, _, per = takes.removeprefix("x").partition("/")
    return Dosing(
        amount=Decimal(amount), unit=unit, takes=Decimal(times), per=Period(per or "day"), as_needed="prn" in more
    )


def entry(source: Source, name: str, dose: str | None = None, **more: Any) -> Entry:
    """One medicine of one list; known by its own name unless told otherwise."""
    more.setdefault("reference", f"MedicationStatement/{source.value}-{name.replace(' ', '-')}")
    more.setdefault("ingredients", frozenset({name}))
    return Entry(source=source, name=name, dosing=dosing(dose) if dose else None, said=dose or "", **more)


def listed(source: Source, *entries: Entry) -> MedicineList:
    """A list of that source."""
    return MedicineList(source=source, who=source.value, told=date(2026, 11, 20), entries=entries)
