"""Each kind of clause as a condition: a set of keys from an index table, or a test on the row of the resource.

Terminology clauses have become key clauses before (`wording`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf, nextafter

from careloop.access.model import Principal
from careloop.errors import Rejected
from careloop.fhir.clauses import (
    AnyClause,
    ChainClause,
    Clause,
    CompartmentClause,
    DateClause,
    HasClause,
    IdClause,
    KeyClause,
    MissingClause,
    QuantityClause,
    QuantityValue,
    StringClause,
    TerminologyClause,
)
from careloop.fhir.model import SearchParameter
from careloop.fhir.prefixes import Alternatives, Comparison
from careloop.fhir.tokens import MAX_STRING, TEXT, field_hash, measured_hash, present_hash, token_hash, value_hash
from careloop.record.search import links
from careloop.record.search.keysets import KeySet, KeyTest, of_selects, of_test, of_tokens
from careloop.record.search.sql import FALSE, TRUE, Sql, all_of, any_of, chain, joined, negated
from careloop.record.search.windows import date_keys, last_updated

_BY_COLUMN = ("_id", "_lastUpdated")
_HIGHEST = "\U0010ffff"
_FEW = 8
"""Up to so many tokens are compared with those of a row one by one."""

_NARROW = ("Patient/", "Encounter/", "EpisodeOfCare/")
_NARROW_WORK = (*_NARROW, "Practitioner/", "PractitionerRole/", "RelatedPerson/")
"""References to what has few resources of each type: those are found first, and the rest is asked of each of them."""

_STANDS = "resource.type = %s and not resource.deleted"
_WORDS = (
    "select token.key from resource_token as token where token.token in"
    " (select word.token from resource_word as word where word.field = %s and ("
)
_MEASURES = "resource_quantity as measured"
_BASE = {operator: f"measured.base {operator} %s" for operator in ("<", "<=", ">", ">=")}
_MEASURED = {operator: f"measured.value {operator} %s" for operator in ("<", "<=", ">", ">=")}
_NONE_OF = "exists (select from unnest(resource.tokens) as one (token) where one.token = any(%s::bigint[]))"


@dataclass(frozen=True, slots=True)
class Found:
    """What must hold for resources of a type (None: the keys say of which types): they are in every set of `keys`, and
    every test of their `rows` holds."""

    resource_type: str | None
    keys: tuple[KeySet, ...] = ()
    rows: tuple[Sql, ...] = ()
    by_id: bool = False
    probing: bool = False
    """Ask every condition of each row on the way: for a walk along an index over what holds for many."""

    @property
    def lone_set(self) -> KeySet | None:
        """The one set of keys that decides, where there is no other condition and it can be asked of one key."""
        return self.keys[0] if len(self.keys) == 1 and self.keys[0].tests and not self.is_narrow else None

    @property
    def is_narrow(self) -> bool:
        """True where there are few matches, whatever the size of the record: what names an id or a person."""
        return self.by_id or any(one.narrow for one in self.keys)

    @property
    def plan(self) -> str:
        """How the statement is planned: once for all values where any plan begins with the few matches, for its own
        values where it matters by a factor of thousands which condition to begin with; `auto` leaves it open."""
        if self.probing:
            return "force_generic_plan"
        if self.is_narrow:
            return "force_generic_plan" if len(self.keys) + len(self.rows) > 1 else "auto"
        return "auto" if not self.keys or (len(self.keys) == 1 and self.keys[0].single) else "force_custom_plan"

    def where(self) -> Sql:
        """True for the current resources of the type, under the name `resource`. With few matches, those are found
        first and the other conditions are asked of each; else the planner chooses."""
        stands = Sql("not resource.deleted") if self.resource_type is None else Sql(_STANDS, (self.resource_type,))
        return all_of([stands, *self.rows, *self._on("resource.key")])

    def _on(self, key: str) -> list[Sql]:
        if not self.is_narrow and not self.probing:
            return [one.within(key) for one in self.keys]
        if self.by_id or self.probing:
            return [one.probe(key) for one in self.keys]
        first = next(one for one in self.keys if one.narrow)
        return [first.leading(key, [one for one in self.keys if one is not first])]

    def beside(self, key: str) -> Sql:
        """The same for a column `key` of an index row of the type, which says that the resource stands."""
        parts = self._on(key)
        if self.rows:
            parts.append(chain(f"exists (select from resource where resource.key = {key} and", all_of(self.rows), ")"))
        return all_of(parts)

    def as_keys(self) -> Sql:
        """The keys of the resources."""
        if len(self.keys) == 1 and not self.rows:
            return self.keys[0].select
        return chain("select resource.key from resource where", self.where())


@dataclass(frozen=True, slots=True)
class Finder:
    """Makes conditions for one tenant and as far as one principal may search."""

    tenant_id: int
    principal: Principal

    def found(self, resource_type: str, clauses: Sequence[Clause]) -> Found:
        """All clauses hold."""
        dates: dict[str, list[DateClause]] = defaultdict(list)
        keys: list[KeySet] = []
        rows: list[Sql] = []
        flat = _flat(clauses)
        few = any(isinstance(one, IdClause) for one in flat)
        for clause in flat:
            if few and isinstance(clause, HasClause):
                rows.append(self._has(resource_type, clause, few=True))
            elif isinstance(clause, DateClause) and clause.parameter.name != "_lastUpdated":
                dates[clause.parameter.name].append(clause)
            elif (test := self._row(resource_type, clause)) is not None:
                rows.append(test)
            else:
                keys.append(self._keys(resource_type, clause))
        for name, asked in dates.items():
            field, groups = field_hash(self.tenant_id, resource_type, name), [one.alternatives for one in asked]
            born = resource_type == "Patient" and name == "birthdate"
            keys.append(date_keys(field, groups, alone=_has_one(asked[0].parameter), of_people=born))
        return Found(resource_type, tuple(keys), tuple(rows), by_id=few)

    def _row(self, resource_type: str, clause: Clause) -> Sql | None:
        """The test on the row, None where an index answers."""
        match clause:
            case IdClause():
                return Sql("resource.id = any(%s)", (list(clause.any_of),))
            case CompartmentClause(names=()):
                return Sql("resource.id = %s", (clause.reference.partition("/")[2],))
            case DateClause():
                return last_updated(clause.alternatives) if clause.parameter.name == "_lastUpdated" else None
            case KeyClause() if clause.negated:
                return _none_of(token_hashes(self.tenant_id, resource_type, clause))
            case KeyClause(any_of=()):
                return FALSE
            case MissingClause():
                return _missing(self.tenant_id, resource_type, clause)
        return None

    def _keys(self, resource_type: str, clause: Clause) -> KeySet:
        """The set of keys in an index that satisfy a clause."""
        tenant_id = self.tenant_id
        match clause:
            case KeyClause():
                narrow = _names_one(resource_type, clause)
                return of_tokens(token_hashes(tenant_id, resource_type, clause), narrow=narrow)
            case CompartmentClause():
                tokens = [token_hash(tenant_id, resource_type, one, clause.reference) for one in clause.names]
                return of_tokens(tokens, narrow=clause.reference.startswith(_NARROW))
            case StringClause():
                begin = Sql("folded.field = %s", (field_hash(tenant_id, resource_type, clause.parameter.name),))
                text = any_of(_text(clause, one) for one in clause.any_of)
                return of_test(KeyTest("resource_string as folded", "folded", all_of([begin, text])))
            case QuantityClause():
                field = field_hash(tenant_id, resource_type, clause.parameter.name)
                return _quantities(field, clause.any_of)
            case ChainClause():
                return KeySet(self._chained(resource_type, clause))
            case HasClause():
                return KeySet(self._has(resource_type, clause))
            case TerminologyClause():
                return KeySet(self._worded(resource_type, clause))
            case AnyClause():
                return of_selects(
                    [chain("(", self.found(resource_type, one).as_keys(), ")") for one in clause.alternatives]
                )
        name = clause.parameter.name if not isinstance(clause, IdClause) else "_id"
        raise Rejected(at=name, expected="a modifier that this server can answer", code="not-supported")

    def _worded(self, resource_type: str, clause: TerminologyClause) -> Sql:
        """Coded values by the beginning of their words, addresses by their beginning."""
        is_text = clause.modifier == "text"
        field = field_hash(self.tenant_id, resource_type, clause.parameter.name + (TEXT if is_text else ""))
        return chain(Sql(_WORDS, (field,)), any_of(map(_word if is_text else _below, clause.any_of)), "))")

    def _chained(self, resource_type: str, clause: ChainClause) -> Sql:
        field = field_hash(self.tenant_id, resource_type, clause.parameter.name)
        permitted = links.permitted(self.principal, [kind for kind, _ in clause.branches])
        found = [
            links.referring(field, self.found(kind, [inner]).where())
            for kind, inner in clause.branches
            if kind in permitted
        ]
        return joined(" union all ", found) if found else links.NOTHING

    def _has(self, resource_type: str, clause: HasClause, *, few: bool = False) -> Sql:
        """The keys; where `few` rows are looked at anyway, a test on each."""
        if clause.resource_type not in links.permitted(self.principal, [clause.resource_type]):
            return FALSE if few else links.NOTHING
        field = field_hash(self.tenant_id, clause.resource_type, clause.parameter.name)
        if few:
            return links.refers_here(field, self.found(clause.resource_type, [clause.clause]).as_keys())
        return links.referred(field, resource_type, self.found(clause.resource_type, [clause.clause]).where())


def in_compartment(tenant_id: int, parameters: Sequence[tuple[str, Sequence[str]]], reference: str) -> Found:
    """Resources of some types, each by any of its parameters, that refer to `reference`."""
    tokens = [token_hash(tenant_id, kind, name, reference) for kind, names in parameters for name in names]
    return Found(None, (of_tokens(tokens, narrow=reference.startswith(_NARROW)),))


def token_hashes(tenant_id: int, resource_type: str, clause: KeyClause) -> list[int]:
    """The tokens that satisfy the clause."""
    field = field_hash(tenant_id, resource_type, clause.name)
    return [field ^ value_hash(text) for text in clause.any_of]


def _names_one(resource_type: str, clause: KeyClause) -> bool:
    """True where the clause names a business identifier, a person or a stay, or whose work a Task is."""
    if "Identifier" in clause.parameter.kinds:
        return True
    named = _NARROW_WORK if resource_type == "Task" else _NARROW
    return all(one.startswith(named) for one in clause.any_of)


def _has_one(parameter: SearchParameter) -> bool:
    """True where no resource has several dates of it: one path, without anything on it that repeats."""
    if len(parameter.walks) != 1:
        return False
    [walk] = parameter.walks
    return walk.leaf != "Timing" and all(step.kind != "each" for step in walk.steps)


def _flat(clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses, with the parts of an alternative without others among them."""
    found: list[Clause] = []
    for clause in clauses:
        if isinstance(clause, AnyClause) and len(clause.alternatives) == 1:
            found += _flat(clause.alternatives[0])
        else:
            found.append(clause)
    return found


def _word(text: str) -> Sql:
    start = text[:MAX_STRING]
    return Sql("word.value >= %s and word.value < %s", (start, start + _HIGHEST))


def _below(address: str) -> Sql:
    """The address itself, and what is below it by whole segments of its path."""
    inside = address.rstrip("/") + "/"
    return Sql(
        "word.value = %s or (word.value >= %s and word.value < %s)",
        (address[:MAX_STRING], inside[:MAX_STRING], inside[:MAX_STRING] + _HIGHEST),
    )


def _none_of(hashes: list[int]) -> Sql:
    if not hashes:
        return TRUE
    return negated(Sql("resource.tokens && %s::bigint[]" if len(hashes) <= _FEW else _NONE_OF, (hashes,)))


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


def _quantities(field: int, values: Sequence[QuantityValue]) -> KeySet:
    """UCUM quantities by their values in base units, others as they were sent."""
    tests = []
    plain = [one for one in values if one.base is None]
    if plain:
        begin = Sql("measured.field = %s", (field,))
        tests.append(KeyTest(_MEASURES, "measured", all_of([begin, any_of(map(_quantity, plain))])))
    for one in values:
        if one.base is not None:
            begin = Sql("measured.dimension = %s", (measured_hash(field, one.base),))
            tests.append(KeyTest(_MEASURES, "measured", all_of([begin, _ways(_BASE, one.alternatives)])))
    return of_test(tests[0]) if len(tests) == 1 else of_selects([test.select() for test in tests])


def _quantity(value: QuantityValue) -> Sql:
    parts = [_ways(_MEASURED, value.alternatives)]
    if value.unit is not None:
        parts.append(Sql("measured.unit = %s", (value.unit,)))
    if value.code is not None:
        parts.append(Sql("split_part(measured.unit, '|', 2) = %s", (value.code,)))
    return all_of(parts)


def _ways(words: Mapping[str, str], alternatives: Alternatives[Decimal]) -> Sql:
    return any_of(
        all_of(Sql(words[one.operator], (bound(one, ranged=len(alternative) > 1),)) for one in alternative)
        for alternative in alternatives
    )


def bound(one: Comparison[Decimal], *, ranged: bool) -> float:
    """The number that the index's double precision is compared with. The ends of a range are rounded outwards, so that
    a value with more digits than a double holds is still found by itself."""
    near = float(one.value)
    if ranged and one.operator in (">=", ">") and Decimal(near) > one.value:
        return nextafter(near, -inf)
    if ranged and one.operator in ("<=", "<") and Decimal(near) < one.value:
        return nextafter(near, inf)
    return near
