"""From a resource to the rows that make it findable. Pure: no table is touched here."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from careloop.fhir import ucum
from careloop.fhir.searchparameters import SearchDefinitions, present_hash
from careloop.fhir.tokens import MAX_STRING, UNPRINTABLE, Word, field_hash, measured_hash

LONG = timedelta(days=31)
"""Dates longer than this are kept apart, so that a search for a window need not look further back than this."""

SHORT_ALONE, LONG_ALONE, ONE_OF_SEVERAL = 0, 1, 2


@dataclass(frozen=True, slots=True)
class DateRow:
    """Half-open [low, high) of one date of one field."""

    field: int
    low: datetime
    high: datetime
    shape: int


class QuantityRow(NamedTuple):
    """One number of one field with its unit as it was sent. A UCUM quantity also has its value in base units, under the
    hash of field and base unit: `dimension` and `base`; other numbers have neither."""

    field: int
    value: float
    unit: str
    dimension: int | None = None
    base: float | None = None


@dataclass(frozen=True, slots=True)
class IndexRows:
    """Everything that the index holds for one resource. Tokens are sorted and unique.

    `present` are the tokens that say which parameters have a value. They answer `:missing`, which looks at most of a
    type anyway, so they stand with the resource and not in the table of tokens. `references` say which resources
    to look at when a search goes from here to what this refers to.
    """

    patient_id: str | None
    tokens: tuple[int, ...] = ()
    present: tuple[int, ...] = ()
    dates: tuple[DateRow, ...] = ()
    strings: tuple[tuple[int, str], ...] = ()
    quantities: tuple[QuantityRow, ...] = ()
    references: tuple[str, ...] = ()
    words: tuple[Word, ...] = ()


class Indexer:
    """Makes the index rows of valid resources. Remembers which tokens only say that a parameter has a value."""

    def __init__(self, definitions: SearchDefinitions) -> None:
        self._definitions = definitions
        self._present: dict[tuple[int, str], frozenset[int]] = {}

    def rows(self, tenant_id: int, zone: tzinfo, resource: dict[str, Any]) -> IndexRows:
        """The index rows of `resource`; dates without an offset are read in `zone`."""
        found = self._definitions.extract(_findable(resource), tenant_id, zone)
        resource_type = resource["resourceType"]
        tokens = set(found.tokens)
        present = tokens & self._present_of(tenant_id, resource_type)
        return IndexRows(
            patient_id=found.patient_id,
            tokens=tuple(sorted(tokens - present)),
            present=tuple(sorted(present)),
            dates=_date_rows(tenant_id, resource_type, found.dates),
            strings=_string_rows(tenant_id, resource_type, found.strings),
            quantities=_quantity_rows(tenant_id, resource_type, found.quantities),
            references=tuple(found.references),
            words=tuple(found.words),
        )

    def _present_of(self, tenant_id: int, resource_type: str) -> frozenset[int]:
        known = self._present.get((tenant_id, resource_type))
        if known is None:
            names = self._definitions.of(resource_type)
            known = frozenset(present_hash(tenant_id, resource_type, name) for name in names)
            self._present[tenant_id, resource_type] = known
        return known


def _findable(resource: dict[str, Any]) -> dict[str, Any]:
    """What searches may find the resource by. The identifiers of a Patient that was merged away find the survivor, who
    has them too, and nobody else (interface.md §5)."""
    links = resource.get("link") if resource["resourceType"] == "Patient" else None
    if not links or not any(link.get("type") == "replaced-by" for link in links):
        return resource
    return {name: value for name, value in resource.items() if name != "identifier"}


def _string_rows(tenant_id: int, resource_type: str, strings: list[tuple[str, str]]) -> tuple[tuple[int, str], ...]:
    if not strings:
        return ()
    rows = ((field_hash(tenant_id, resource_type, name), text.translate(UNPRINTABLE)) for name, text in strings)
    return tuple(sorted({(field, text[:MAX_STRING]) for field, text in rows if text}))


def _quantity_rows(
    tenant_id: int, resource_type: str, quantities: list[tuple[str, Decimal, str]]
) -> tuple[QuantityRow, ...]:
    if not quantities:
        return ()
    rows = {_quantity_row(field_hash(tenant_id, resource_type, name), value, unit) for name, value, unit in quantities}
    return tuple(sorted(rows, key=lambda row: row[:3]))


def _quantity_row(field: int, value: Decimal, unit: str) -> QuantityRow:
    number, shown, base_unit, base = _measured(value, unit)
    return QuantityRow(field, number, shown, None if base_unit is None else measured_hash(field, base_unit), base)


@lru_cache(maxsize=4096)
def _measured(value: Decimal, unit: str) -> tuple[float, str, str | None, float | None]:
    """Number and unit as sent, base unit and value in it. A value stands under several parameters; each asks."""
    system, _, code = unit.partition("|")
    found = ucum.canonical(value, code) if system == ucum.SYSTEM else None
    shown = unit.translate(UNPRINTABLE)[:MAX_STRING]
    if found is None or not isfinite(base := float(found[0])):
        return float(value), shown, None, None
    return float(value), shown, found[1], base


def _date_rows(tenant_id: int, resource_type: str, dates: list[tuple[str, datetime, datetime]]) -> tuple[DateRow, ...]:
    if not dates:
        return ()
    several = Counter(name for name, _, _ in dates) if len(dates) > 1 else {}
    return tuple(
        DateRow(field_hash(tenant_id, resource_type, name), low, high, _shape(several.get(name, 1), low, high))
        for name, low, high in sorted(set(dates))
    )


def _shape(count: int, low: datetime, high: datetime) -> int:
    if count > 1:
        return ONE_OF_SEVERAL
    return LONG_ALONE if high - low > LONG else SHORT_ALONE
