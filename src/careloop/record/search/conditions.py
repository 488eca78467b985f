"""Each kind of clause as a condition on the table `resource`.

Chains and `_has` have become key and id clauses before (`chains.resolve`).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from careloop.errors import Rejected
from careloop.fhir.clauses import (
    Clause,
    DateClause,
    IdClause,
    KeyClause,
    MissingClause,
    QuantityClause,
    QuantityValue,
    StringClause,
)
from careloop.fhir.prefixes import Alternatives
from careloop.fhir.searchparameters import present_hash, token_hash
from careloop.fhir.tokens import field_hash
from careloop.record.indexing import MAX_STRING
from careloop.record.search.sql import FALSE, TRUE, Sql, all_of, any_of, chain, negated
from careloop.record.search.windows import date_keys, last_updated

_BY_COLUMN = ("_id", "_lastUpdated")
_HIGHEST = "\U0010ffff"

_STANDS = "resource.type = %s and not resource.deleted"
_ONE = "select token.key from resource_token as token where token.token = %s"
_TOKENS = "select token.key from resource_token as token where token.token = any(%s::bigint[])"
_TEXTS = "select folded.key from resource_string as folded where folded.field = %s and"
_NUMBERS = "select measured.key from resource_quantity as measured where measured.field = %s and"
_MEASURED = {operator: f"measured.value {operator} %s" for operator in ("<", "<=", ">", ">=")}


def condition(tenant_id: int, resource_type: str, clauses: Sequence[Clause]) -> Sql:
    """True for the current resources of the type that satisfy all clauses."""
    dates: dict[str, list[Alternatives[datetime]]] = defaultdict(list)
    parts = [Sql(_STANDS, (resource_type,))]
    for clause in clauses:
        if isinstance(clause, DateClause) and clause.parameter.name != "_lastUpdated":
            dates[clause.parameter.name].append(clause.alternatives)
        else:
            parts.append(_one(tenant_id, resource_type, clause))
    for name, groups in dates.items():
        parts += map(_among, date_keys(field_hash(tenant_id, resource_type, name), groups))
    return all_of(parts)


def token_keys(tenant_id: int, resource_type: str, clause: KeyClause) -> Sql:
    """The keys that carry one of the clause's tokens."""
    hashes = token_hashes(tenant_id, resource_type, clause)
    return Sql(_ONE, (hashes[0],)) if len(hashes) == 1 else Sql(_TOKENS, (hashes,))


def token_hashes(tenant_id: int, resource_type: str, clause: KeyClause) -> list[int]:
    """The tokens that satisfy the clause."""
    return [token_hash(tenant_id, resource_type, clause.name, text) for text in clause.any_of]


def _one(tenant_id: int, resource_type: str, clause: Clause) -> Sql:
    match clause:
        case IdClause():
            return Sql("resource.id = any(%s)", (list(clause.any_of),))
        case DateClause():
            return last_updated(clause.alternatives)
        case KeyClause():
            return _tokens(tenant_id, resource_type, clause)
        case MissingClause():
            return _missing(tenant_id, resource_type, clause)
        case StringClause():
            field = field_hash(tenant_id, resource_type, clause.parameter.name)
            return _among(chain(Sql(_TEXTS, (field,)), "(", any_of(_text(clause, one) for one in clause.any_of), ")"))
        case QuantityClause():
            field = field_hash(tenant_id, resource_type, clause.parameter.name)
            return _among(chain(Sql(_NUMBERS, (field,)), "(", any_of(map(_quantity, clause.any_of)), ")"))
    name = clause.parameter.name
    raise Rejected(at=name, expected="a modifier that this server can answer", code="not-supported")


def _among(keys: Sql) -> Sql:
    return chain("resource.key in (", keys, ")")


def _tokens(tenant_id: int, resource_type: str, clause: KeyClause) -> Sql:
    if not clause.any_of:
        return TRUE if clause.negated else FALSE
    if clause.negated:
        hashes = token_hashes(tenant_id, resource_type, clause)
        return negated(Sql("resource.tokens && %s::bigint[]", (hashes,)))
    return _among(token_keys(tenant_id, resource_type, clause))


def _missing(tenant_id: int, resource_type: str, clause: MissingClause) -> Sql:
    if clause.parameter.name in _BY_COLUMN:
        return FALSE if clause.missing else TRUE
    token = present_hash(tenant_id, resource_type, clause.parameter.name)
    present = Sql("%s::bigint = any(resource.present)", (token,))
    return negated(present) if clause.missing else present


def _text(clause: StringClause, text: str) -> Sql:
    if clause.mode == "contains":
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return Sql("folded.value like %s", (f"%{escaped}%",))
    start = text[:MAX_STRING]
    return Sql("folded.value >= %s and folded.value < %s", (start, start + _HIGHEST))


def _quantity(value: QuantityValue) -> Sql:
    parts = [_number(value.alternatives)]
    if value.unit is not None:
        parts.append(Sql("measured.unit = %s", (value.unit,)))
    if value.code is not None:
        parts.append(Sql("split_part(measured.unit, '|', 2) = %s", (value.code,)))
    return all_of(parts)


def _number(alternatives: Alternatives[Decimal]) -> Sql:
    return any_of(
        all_of(Sql(_MEASURED[one.operator], (float(one.value),)) for one in alternative) for alternative in alternatives
    )
