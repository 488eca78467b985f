"""What terminology or a hierarchy must answer: `:in`, `:not-in`, `:above`, `:below` become plain tokens."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from careloop.db import Row, Transaction
from careloop.errors import Rejected
from careloop.fhir.clauses import AnyClause, ChainClause, Clause, HasClause, KeyClause, TerminologyClause
from careloop.fhir.searchvalues import SYSTEMLESS, string_text
from careloop.fhir.tokens import exact, field_hash, local_reference, value_hash
from careloop.record import store

MOST_CODES = 20_000
MOST_PLACES = 5_000
MOST_LEVELS = 30

PART_OF: Mapping[str, str] = {
    "Location": "partof",
    "Organization": "partof",
    "Encounter": "part-of",
    "Procedure": "part-of",
    "Task": "part-of",
}
"""The parameter by which resources of a type stand below one another, for `:above` and `:below` on references."""


class CodeSystems(Protocol):
    """What terminology answers (`careloop.terminology.Terminology`)."""

    def members(self, value_set_url: str) -> frozenset[tuple[str, str]] | None:
        """The system and code of every member; None for a value set that is not known or cannot be listed."""

    def below(self, system: str, code: str) -> frozenset[str]:
        """The code and all that it subsumes."""

    def above(self, system: str, code: str) -> frozenset[str]:
        """The code and all that subsume it."""


Asked = Callable[[], CodeSystems]
"""Gives the tenant's terminology when a clause needs it."""


@dataclass(frozen=True, slots=True)
class Words:
    """Answers for the tenant of one transaction."""

    tx: Transaction
    terminology: Asked | None

    def resolve(self, clauses: Iterable[Clause]) -> list[Clause]:
        """The clauses with everything answered that is not a matter of the index. `Rejected` names what cannot be."""
        return [self._one(clause) for clause in clauses]

    def _one(self, clause: Clause) -> Clause:
        match clause:
            case TerminologyClause():
                return self._answered(clause)
            case ChainClause():
                return replace(clause, branches=tuple((kind, self._one(inner)) for kind, inner in clause.branches))
            case HasClause():
                return replace(clause, clause=self._one(clause.clause))
            case AnyClause():
                return AnyClause(alternatives=tuple(tuple(self.resolve(one)) for one in clause.alternatives))
        return clause

    def _answered(self, clause: TerminologyClause) -> Clause:
        kind, modifier = clause.parameter.type, clause.modifier
        if kind == "token" and modifier in ("in", "not-in"):
            return self._members(clause)
        if kind == "token" and modifier in ("above", "below"):
            return self._subsumed(clause)
        if kind == "uri" and modifier == "above":
            return _key(clause, [text for one in clause.any_of for text in addresses_above(one)])
        if kind == "reference":
            return _key(clause, self._places(clause))
        if modifier == "text":
            return replace(clause, any_of=tuple(_folded(clause)))
        return clause

    def _members(self, clause: TerminologyClause) -> Clause:
        texts = [text for url in clause.any_of for text in _coded(clause, self._value_set(clause, url))]
        return _key(clause, texts, negated=clause.modifier == "not-in")

    def _value_set(self, clause: TerminologyClause, url: str) -> frozenset[tuple[str, str]]:
        """The members of the value set of that address, or of `ValueSet/id`."""
        members = self._known(clause).members(self._address(url))
        if members is None:
            raise Rejected(at=_name(clause), expected="a value set that this server knows and can list", code="value")
        return members

    def _address(self, url: str) -> str:
        local = local_reference(url)
        if local is None or not local.startswith("ValueSet/"):
            return url
        found = store.fetch(self.tx, [("ValueSet", local.partition("/")[2])])
        return str(found[0].resource.get("url", url)) if found else url

    def _subsumed(self, clause: TerminologyClause) -> Clause:
        known = self._known(clause)
        texts: list[str] = []
        for value in clause.any_of:
            system, bar, code = value.partition("|")
            if not bar or not system or not code:
                raise Rejected(at=_name(clause), expected="system|code", code="value")
            codes = known.below(system, code) if clause.modifier == "below" else known.above(system, code)
            texts += _coded(clause, ((system, one) for one in codes | {code}))
        return _key(clause, texts)

    def _known(self, clause: TerminologyClause) -> CodeSystems:
        if self.terminology is None:
            raise Rejected(at=_name(clause), expected="a server with terminology", code="not-supported")
        return self.terminology()

    def _places(self, clause: TerminologyClause) -> list[str]:
        """The references asked for and all above or below them."""
        found = dict.fromkeys(clause.any_of)
        level = list(found)
        for _ in range(MOST_LEVELS):
            step = self._parents(level) if clause.modifier == "above" else self._children(level)
            level = [one for one in step if one not in found]
            if not level:
                return list(found)
            found.update(dict.fromkeys(level))
            if len(found) > MOST_PLACES:
                break
        raise Rejected(at=_name(clause), expected=f"at most {MOST_PLACES} resources in {MOST_LEVELS} levels",
                       code="too-costly")  # fmt: skip

    def _children(self, references: Sequence[str]) -> list[str]:
        tokens = [self._part_of(kind) ^ value_hash(one) for kind, one in _typed(references)]
        rows: list[Row] = self.tx.rows(store.SQL["named_by_tokens"], {"tokens": store.array(tokens)}) if tokens else []
        return [f"{row['type']}/{row['id']}" for row in rows]

    def _parents(self, references: Sequence[str]) -> list[str]:
        pairs = [(kind, one.partition("/")[2]) for kind, one in _typed(references)]
        found = []
        for stored in store.fetch(self.tx, pairs):
            parts = stored.resource.get("partOf", [])
            for part in parts if isinstance(parts, list) else [parts]:
                local = local_reference(part.get("reference", ""))
                if local is not None:
                    found.append(local)
        return found

    def _part_of(self, resource_type: str) -> int:
        return field_hash(self.tx.tenant_id, resource_type, PART_OF[resource_type])


def addresses_above(address: str) -> list[str]:
    """The address and every address that it lies below by whole segments of its path."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    parts = rest.rstrip("/").split("/")
    every = [scheme + separator + "/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return list(dict.fromkeys([address, *every, *(one + "/" for one in every)]))


def _typed(references: Sequence[str]) -> list[tuple[str, str]]:
    """Type and reference of those that can stand in a hierarchy."""
    pairs = [(one.partition("/")[0], one) for one in references if "/" in one]
    return [pair for pair in pairs if pair[0] in PART_OF]


def _coded(clause: TerminologyClause, codes: Iterable[tuple[str, str]]) -> list[str]:
    """The hash texts of codes for this parameter: elements without a system keep the code alone."""
    kinds = clause.parameter.kinds
    bare, whole = bool(kinds & SYSTEMLESS), bool(kinds - SYSTEMLESS)
    texts = []
    for system, code in codes:
        texts += [f"{system}|{exact(code)}"] * whole + [exact(code)] * bare
    return texts


def _folded(clause: TerminologyClause) -> list[str]:
    return [string_text(_name(clause), one) for one in clause.any_of]


def _key(clause: TerminologyClause, texts: Sequence[str], *, negated: bool = False) -> KeyClause:
    if len(texts) > MOST_CODES:
        raise Rejected(at=_name(clause), expected=f"at most {MOST_CODES} codes", code="too-costly")
    name = clause.parameter.name
    return KeyClause(parameter=clause.parameter, name=name, any_of=tuple(dict.fromkeys(texts)), negated=negated)


def _name(clause: TerminologyClause) -> str:
    return f"{clause.parameter.name}:{clause.modifier}"
