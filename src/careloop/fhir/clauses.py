"""What a search asks for, in typed parts. The record turns each kind of clause into SQL.

All clauses of a request must hold. Hash texts (`any_of`) go through `tokens.token_hash` with the clause's `name`.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

from careloop.fhir.model import SearchParameter
from careloop.fhir.prefixes import Alternatives


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyClause:
    """One of the texts is among the tokens of `name`; with `negated`, none is (`:not`).

    Tokens, references, uris and `:exact` strings. `name` is the parameter, or a variant such as `identifier:of-type`.
    """

    parameter: SearchParameter
    name: str
    any_of: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingClause:
    """The parameter has no value (`missing` true) or has one."""

    parameter: SearchParameter
    missing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class IdClause:
    """The logical id is one of these."""

    any_of: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StringClause:
    """One of the folded texts begins a folded value, or is anywhere inside it."""

    parameter: SearchParameter
    any_of: tuple[str, ...]
    mode: Literal["starts", "contains"] = "starts"


@dataclass(frozen=True, kw_only=True, slots=True)
class DateClause:
    """One of the alternatives holds for one interval of the parameter. `_lastUpdated` is a parameter too."""

    parameter: SearchParameter
    alternatives: Alternatives[datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantityValue:
    """Comparisons on the value, and the unit: `unit` is `system|code`; `code` alone may have any system. Where the unit
    is one of UCUM, `base` is the unit it comes down to and the comparisons are on values in that."""

    alternatives: Alternatives[Decimal]
    unit: str | None = None
    code: str | None = None
    base: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantityClause:
    """A number or quantity of the parameter satisfies one of the values."""

    parameter: SearchParameter
    any_of: tuple[QuantityValue, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TerminologyClause:
    """Values asked for through a value set, a hierarchy or their words; needs terminology or the record to be answered.

    `any_of` are codes, addresses of value sets, words or references, as the modifier has it.
    """

    parameter: SearchParameter
    modifier: Literal["in", "not-in", "above", "below", "text"]
    any_of: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompartmentClause:
    """One of the parameters refers to `reference`; without parameters, the resource is `reference` itself."""

    names: tuple[str, ...]
    reference: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AnyClause:
    """All clauses of one of the alternatives hold."""

    alternatives: tuple[tuple["Clause", ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainClause:
    """The parameter refers to a resource of one of the types that satisfies the clause given for that type."""

    parameter: SearchParameter
    branches: tuple[tuple[str, "Clause"], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class HasClause:
    """A resource of `resource_type` refers here by its `parameter` and satisfies `clause` (`_has`)."""

    resource_type: str
    parameter: SearchParameter
    clause: "Clause"


Clause: TypeAlias = (
    KeyClause
    | MissingClause
    | IdClause
    | StringClause
    | DateClause
    | QuantityClause
    | TerminologyClause
    | CompartmentClause
    | AnyClause
    | ChainClause
    | HasClause
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Include:
    """`_include` (`reverse` false: what `source` resources refer to) or `_revinclude` (what refers to the results).

    `parameter` `*` means every reference parameter of `source`; `target` limits the type that is referred to.
    """

    source: str
    parameter: str
    target: str | None
    reverse: bool
    iterate: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SortKey:
    """One key of `_sort`."""

    parameter: SearchParameter
    descending: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRequest:
    """A whole search: what must hold, in which order, how much, and what comes along."""

    resource_type: str
    clauses: tuple[Clause, ...] = ()
    includes: tuple[Include, ...] = ()
    sort: tuple[SortKey, ...] = ()
    count: int | None = None
    summary: Literal["true", "text", "data", "count", "false"] | None = None
    elements: tuple[str, ...] = ()
    total: Literal["none", "estimate", "accurate"] | None = None
    ignored: tuple[str, ...] = ()
    """Parameters left aside because the client asked for `handling=lenient`."""
