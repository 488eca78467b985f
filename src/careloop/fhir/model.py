"""Values that search is described with."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from careloop.fhir.paths import Walk


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchParameter:
    """One parameter of one resource type. `kinds` are the FHIR types of the elements it looks at."""

    name: str
    type: str
    targets: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    definition: str = ""
    walks: tuple[Walk, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Extracted:
    """Everything a resource can be found by.

    Dates are half-open UTC intervals; strings are normalised; a quantity's unit is `system|code` (or `|unit`, or
    empty for a plain number); references are `Type/id`.
    """

    tokens: list[int]
    dates: list[tuple[str, datetime, datetime]]
    strings: list[tuple[str, str]]
    quantities: list[tuple[str, Decimal, str]]
    references: list[str]
    patient_id: str | None
