"""Incidental lung nodules by Fleischner 2017 (results.md section 3): for whom, which size, when the next CT is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from careloop.loops.rules.calendar import months_after


@dataclass(frozen=True, kw_only=True)
class NoduleRow:
    """One line of Fleischner 2017; months are None where no follow-up is needed."""

    type: str
    count: str
    low: Decimal
    below: Decimal
    risk: str
    says: str
    first: int | None
    last: int | None
    later: str


@dataclass(frozen=True, kw_only=True)
class NoduleTable:
    """Fleischner 2017: for whom, and what."""

    from_years: int
    unless: frozenset[str]
    overdue_after_days: int
    rows: tuple[NoduleRow, ...]


@dataclass(frozen=True, kw_only=True)
class Nodule:
    """What a report says of the most important nodule; axes in millimetres. `excluded`: reasons why the guideline does
    not apply, as `eligible.unless` names them."""

    type: str
    count: str
    long_mm: Decimal
    short_mm: Decimal
    high_risk: bool
    birth_date: date
    scanned: date
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What the table says. `row` is None where it does not apply: a specialist decides, for the reason given. Dates are
    None where no scan is needed."""

    size_mm: int
    row: NoduleRow | None
    because: str
    first: date | None = None
    last: date | None = None
    overdue_from: date | None = None


def size_of(long_mm: Decimal, short_mm: Decimal) -> int:
    """The average of both axes to the nearest millimetre, halves up."""
    return int(((long_mm + short_mm) / 2).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def advise(nodule: Nodule, table: NoduleTable) -> Advice:
    """The recommendation and its dates."""
    size = size_of(nodule.long_mm, nodule.short_mm)
    if reason := _not_for(nodule, table):
        return Advice(size_mm=size, row=None, because=f"Fleischner 2017 does not apply: {reason}; a specialist decides")
    row = _row(nodule, size, table)
    if row is None:
        return Advice(size_mm=size, row=None, because=f"{size} mm is outside the table; a specialist decides")
    if row.first is None or row.last is None:
        return Advice(size_mm=size, row=row, because=row.says)
    last = months_after(nodule.scanned, row.last)
    return Advice(
        size_mm=size,
        row=row,
        because=row.says,
        first=months_after(nodule.scanned, row.first),
        last=last,
        overdue_from=last + timedelta(days=table.overdue_after_days + 1),
    )


def _not_for(nodule: Nodule, table: NoduleTable) -> str:
    years = nodule.scanned.year - nodule.birth_date.year
    years -= (nodule.scanned.month, nodule.scanned.day) < (nodule.birth_date.month, nodule.birth_date.day)
    if years < table.from_years:
        return f"under {table.from_years} years"
    return ", ".join(sorted(reason.replace("-", " ") for reason in nodule.excluded & table.unless))


def _row(nodule: Nodule, size: int, table: NoduleTable) -> NoduleRow | None:
    """Several nodules of ground glass or part-solid type are the subsolid group."""
    kind = nodule.type
    if nodule.count == "multiple" and kind in ("ground_glass", "part_solid"):
        kind = "subsolid"
    risk = "high" if nodule.high_risk else "low"
    return next(
        (
            row
            for row in table.rows
            if row.type == kind and row.count == nodule.count and row.risk in (risk, "any")
            if row.low <= size < row.below
        ),
        None,
    )


def read_nodules(document: Mapping[str, Any]) -> NoduleTable:
    """`content/results/fleischner.yaml` as values."""
    return NoduleTable(
        from_years=document["eligible"]["from_years"],
        unless=frozenset(document["eligible"]["unless"]),
        overdue_after_days=document["overdue_after_days"],
        rows=tuple(_nodule_row(row) for row in document["rows"]),
    )


def _nodule_row(item: Mapping[str, Any]) -> NoduleRow:
    months: Mapping[str, int] = item.get("months", {})
    return NoduleRow(
        type=item["type"],
        count=item["count"],
        low=Decimal(item["from"]),
        below=Decimal(item["below"]),
        risk=item["risk"],
        says=item["says"],
        first=months.get("from"),
        last=months.get("to"),
        later=item.get("later", ""),
    )
