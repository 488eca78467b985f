"""Search clauses answered by the index entries of one version of a resource. Pure; its SQL twin is `record.search`."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from careloop.errors import Rejected
from careloop.fhir.clauses import (
    AnyClause,
    Clause,
    CompartmentClause,
    DateClause,
    IdClause,
    KeyClause,
    MissingClause,
    QuantityClause,
    QuantityValue,
    StringClause,
)
from careloop.fhir.dates import parse_instant
from careloop.fhir.prefixes import Alternatives, matches
from careloop.fhir.tokens import MAX_STRING, field_hash, measured_hash, present_hash, token_hash, value_hash
from careloop.record.indexing import Indexer, IndexRows, QuantityRow
from careloop.record.search.conditions import bound

_CARRY_OUT = {"<": lt, "<=": le, ">": gt, ">=": ge}
_MILLISECOND = timedelta(milliseconds=1)
_BY_COLUMN = ("_id", "_lastUpdated")


class Entries:
    """One version of one resource, as far as searches see it."""

    def __init__(self, indexer: Indexer, tenant_id: int, zone: tzinfo, resource: Mapping[str, Any]) -> None:
        self._tenant_id = tenant_id
        self._resource = resource
        self._type: str = resource["resourceType"]
        self._rows: IndexRows = indexer.rows(tenant_id, zone, dict(resource))
        self._tokens = frozenset(self._rows.tokens)
        self._present = frozenset(self._rows.present)

    def satisfy(self, clauses: Iterable[Clause]) -> bool:
        """True where every clause holds."""
        return all(self._holds(one) for one in clauses)

    def _holds(self, clause: Clause) -> bool:
        match clause:
            case KeyClause():
                return self._has_key(clause) is not clause.negated
            case MissingClause():
                return self._is_missing(clause.parameter.name) is clause.missing
            case IdClause():
                return self._resource["id"] in clause.any_of
            case StringClause():
                return self._has_text(clause)
            case DateClause():
                return self._has_date(clause.parameter.name, clause.alternatives)
            case QuantityClause():
                return self._has_quantity(clause)
            case CompartmentClause():
                return self._is_inside(clause)
            case AnyClause():
                return any(self.satisfy(alternative) for alternative in clause.alternatives)
        raise Rejected(at="criteria", expected="criteria on the resource itself", code="not-supported")

    def _has_key(self, clause: KeyClause) -> bool:
        field = field_hash(self._tenant_id, self._type, clause.name)
        return any(field ^ value_hash(text) in self._tokens for text in clause.any_of)

    def _is_missing(self, name: str) -> bool:
        return name not in _BY_COLUMN and present_hash(self._tenant_id, self._type, name) not in self._present

    def _has_text(self, clause: StringClause) -> bool:
        field = field_hash(self._tenant_id, self._type, clause.parameter.name)
        texts = [value for of, value in self._rows.strings if of == field]
        if clause.mode == "contains":
            return any(one in text for text in texts for one in clause.any_of)
        return any(text.startswith(one[:MAX_STRING]) for text in texts for one in clause.any_of)

    def _has_date(self, name: str, alternatives: Alternatives[datetime]) -> bool:
        if name == "_lastUpdated":
            updated = parse_instant(self._resource["meta"]["lastUpdated"], UTC)
            return matches(alternatives, updated, updated + _MILLISECOND)
        field = field_hash(self._tenant_id, self._type, name)
        return any(matches(alternatives, one.low, one.high) for one in self._rows.dates if one.field == field)

    def _has_quantity(self, clause: QuantityClause) -> bool:
        field = field_hash(self._tenant_id, self._type, clause.parameter.name)
        rows = [row for row in self._rows.quantities if row.field == field]
        return any(_measures(field, row, wanted) for row in rows for wanted in clause.any_of)

    def _is_inside(self, clause: CompartmentClause) -> bool:
        if not clause.names:
            return f"{self._type}/{self._resource['id']}" == clause.reference
        hashes = (token_hash(self._tenant_id, self._type, name, clause.reference) for name in clause.names)
        return any(one in self._tokens for one in hashes)


def _measures(field: int, row: QuantityRow, wanted: QuantityValue) -> bool:
    if wanted.base is not None:
        if row.dimension != measured_hash(field, wanted.base) or row.base is None:
            return False
        return _compares(wanted.alternatives, row.base)
    if wanted.unit is not None and row.unit != wanted.unit:
        return False
    if wanted.code is not None and row.unit.partition("|")[2] != wanted.code:
        return False
    return _compares(wanted.alternatives, row.value)


def _compares(alternatives: Alternatives[Decimal], value: float) -> bool:
    """The same comparisons as the index: the value is a double there."""
    return any(
        all(_CARRY_OUT[one.operator](value, bound(one, ranged=len(alternative) > 1)) for one in alternative)
        for alternative in alternatives
    )
