"""Values that search is described with."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from careloop.fhir.paths import Step, Walk
from careloop.fhir.tokens import Word


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """One way in which the parts of a composite parameter are met.

    Without a `key` the parts are met by the resource as a whole: each part is a parameter of its own. With a `key` two
    parts must be met by one and the same element (`base`), and what the element says is indexed under that key; the
    walks of `parts` begin at the element then.
    """

    parts: tuple["SearchParameter", ...]
    key: str | None = None
    base: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchParameter:
    """One parameter of one resource type. `kinds` are the FHIR types of the elements it looks at; `together` says how
    the parts of a composite are met."""

    name: str
    type: str
    targets: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    definition: str = ""
    walks: tuple[Walk, ...] = field(default=(), repr=False)
    together: tuple[Together, ...] = field(default=(), repr=False)


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
    words: list[Word] = field(default_factory=list)
    """Texts that lead to a token."""
