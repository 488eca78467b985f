"""From the pairs of a search request to typed clauses (R4 search, section 3.1.1).

Whatever is not understood is `Rejected` and named: a search never quietly answers another question than was asked.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar, get_args

from careloop.errors import Rejected
from careloop.fhir import searchvalues
from careloop.fhir.clauses import (
    ChainClause,
    Clause,
    DateClause,
    HasClause,
    IdClause,
    Include,
    KeyClause,
    MissingClause,
    QuantityClause,
    SearchRequest,
    SortKey,
    StringClause,
    TerminologyClause,
)
from careloop.fhir.dates import BEGINNING
from careloop.fhir.model import SearchParameter
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.searchvalues import Reading
from careloop.fhir.tokens import EXACT, IDENTIFIER, OF_TYPE

MAX_CLAUSES = 60
MAX_DEPTH = 4
"""Chains and `_has` inside each other."""

MAX_BRANCHES = 400
"""Types that the chains of one request may fan out to."""

MAX_COUNT = 1000
MAX_INCLUDES = 20

NO_MATTER = frozenset(("_format", "_pretty"))
"""Read by the HTTP edge; they ask nothing of the record."""


Item = TypeVar("Item")


def parse_search(
    resource_type: str,
    parameters: Sequence[tuple[str, str]],
    definitions: SearchDefinitions,
    *,
    zone: tzinfo = UTC,
    now: datetime = BEGINNING,
    base: str | None = None,
) -> SearchRequest:
    """The request that `parameters` state. `Rejected` names the first parameter that is unknown or ill formed.

    Dates without an offset are read in `zone`; `now` is what `ap` is near to; references that begin with `base` (our
    own FHIR address) are local.
    """
    if not definitions.of(resource_type):
        raise Rejected(at="search", expected="an R4 resource type", code="not-supported")
    parser = _Parser(definitions, Reading(zone=zone, now=now, base=base))
    results: dict[str, Any] = {"includes": []}
    clauses: list[Clause] = []
    for name, value in parameters:
        if name in NO_MATTER:
            continue
        read = _RESULTS.get(name.partition(":")[0])
        if read is not None:
            read(parser, resource_type, name, value, results)
        else:
            clauses.append(parser.clause(resource_type, name, value))
    _refuse_too_many(clauses, results["includes"])
    results["includes"] = tuple(results["includes"])
    return SearchRequest(resource_type=resource_type, clauses=tuple(clauses), **results)


def _refuse_too_many(clauses: Sequence[Clause], includes: Sequence[Include]) -> None:
    if len(clauses) > MAX_CLAUSES or len(includes) > MAX_INCLUDES:
        expected = f"at most {MAX_CLAUSES} conditions and {MAX_INCLUDES} includes"
        raise Rejected(at="search", expected=expected, code="too-costly")


def _shown(name: str) -> str:
    """A parameter name as it may be repeated: short and without anything that is no name."""
    return name if len(name) <= 80 and all(one.isalnum() or one in "_-.:" for one in name) else "(unreadable name)"


class _Parser:
    """Reads single conditions; knows the parameters and how dates are read."""

    def __init__(self, definitions: SearchDefinitions, reading: Reading) -> None:
        self.definitions = definitions
        self.reading = reading
        self.fanned_out = 0

    def clause(self, resource_type: str, name: str, value: str, depth: int = 0) -> Clause:
        """The condition `name=value` on resources of `resource_type`."""
        if depth > MAX_DEPTH:
            raise Rejected(at="search", expected=f"chains of at most {MAX_DEPTH} steps", code="too-costly")
        if name.startswith("_has:"):
            return self.has(resource_type, name, value, depth)
        head, dot, rest = name.partition(".")
        code, colon, modifier = head.partition(":")
        parameter = self.parameter(resource_type, code, name)
        if dot:
            return self.chain(parameter, modifier, rest, value, depth)
        if modifier == "missing":
            return MissingClause(parameter=parameter, missing=_boolean(_shown(name), value))
        if colon and not modifier:
            raise _unknown_modifier(name, parameter)
        return self.typed(parameter, name, modifier, value)

    def parameter(self, resource_type: str, code: str, name: str) -> SearchParameter:
        """The parameter `code` of a type."""
        found = self.definitions.of(resource_type).get(code)
        if found is None:
            expected = f"a search parameter that this server knows for {resource_type}"
            raise Rejected(at=_shown(name), expected=expected, code="not-supported")
        return found

    def chain(self, parameter: SearchParameter, named: str, rest: str, value: str, depth: int) -> Clause:
        """`subject:Patient.name`: the inner condition on every type that may be meant and knows its parameter."""
        if parameter.type != "reference":
            raise Rejected(at=parameter.name, expected="a reference parameter before the dot", code="not-supported")
        branches = self.branches_of((named,) if named else parameter.targets, rest, value, depth)
        if not branches:
            at = _shown(f"{parameter.name}.{rest}")
            raise Rejected(at=at, expected="a parameter of a type that it refers to", code="not-supported")
        return ChainClause(parameter=parameter, branches=branches)

    def branches_of(self, targets: Sequence[str], rest: str, value: str, depth: int) -> tuple[tuple[str, Clause], ...]:
        """The rest of a chain for each target type that can answer it."""
        found = []
        for target in targets:
            if not self.knows(target, rest):
                continue
            self.fanned_out += 1
            if self.fanned_out > MAX_BRANCHES:
                raise Rejected(at="search", expected="a narrower chain, by naming the type", code="too-costly")
            try:
                found.append((target, self.clause(target, rest, value, depth + 1)))
            except Rejected as error:
                if error.issue_code != "not-supported":
                    raise
        return tuple(found)

    def knows(self, resource_type: str, rest: str) -> bool:
        """True where `rest` of a chain can go on at `resource_type`."""
        head, dot, _ = rest.partition(".")
        found = self.definitions.of(resource_type).get(head.partition(":")[0])
        return rest.startswith("_has:") or (found is not None and (not dot or found.type == "reference"))

    def has(self, resource_type: str, name: str, value: str, depth: int) -> Clause:
        """`_has:Observation:patient:code`."""
        parts = name.split(":", 3)
        if len(parts) != 4 or not self.definitions.of(parts[1]):
            raise Rejected(at=_shown(name), expected="_has:Type:reference parameter:parameter", code="value")
        parameter = self.parameter(parts[1], parts[2], name)
        if parameter.type != "reference" or not _may_refer(parameter, resource_type):
            expected = f"a parameter of {parts[1]} that refers to {resource_type}"
            raise Rejected(at=_shown(name), expected=expected, code="value")
        inner = self.clause(parts[1], parts[3], value, depth + 1)
        return HasClause(resource_type=parts[1], parameter=parameter, clause=inner)

    def typed(self, parameter: SearchParameter, name: str, modifier: str, value: str) -> Clause:
        """The condition in the way of the parameter's type."""
        at = _shown(name)
        if parameter.name == "_id" and not modifier:
            return IdClause(any_of=tuple(map(searchvalues.plain, searchvalues.values(at, value))))
        return _BY_TYPE[parameter.type](self, parameter, at, modifier, searchvalues.values(at, value))

    def token(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """token: `:not`, `:of-type`, and what terminology must answer."""
        if modifier == "of-type" and "Identifier" in parameter.kinds:
            texts = _each(values, lambda one: searchvalues.of_type_texts(at, one))
            return KeyClause(parameter=parameter, name=parameter.name + OF_TYPE, any_of=texts)
        if modifier in ("in", "not-in", "above", "below", "text"):
            return _terminology(parameter, modifier, values)
        if modifier not in ("", "not"):
            raise _unknown_modifier(at, parameter)
        texts = _each(values, lambda one: searchvalues.token_texts(at, one, parameter))
        return KeyClause(parameter=parameter, name=parameter.name, any_of=texts, negated=modifier == "not")

    def reference(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """reference: `:identifier`, `:Type`."""
        if modifier == "identifier":
            by_identifier = SearchParameter(name=parameter.name, type="token", kinds=frozenset(("Identifier",)))
            texts = _each(values, lambda one: searchvalues.token_texts(at, one, by_identifier))
            return KeyClause(parameter=parameter, name=parameter.name + IDENTIFIER, any_of=texts)
        if modifier and not _may_refer(parameter, modifier):
            raise _unknown_modifier(at, parameter)
        reading = self.reading
        texts = _each(values, lambda one: searchvalues.reference_texts(one, parameter, modifier or None, reading))
        return KeyClause(parameter=parameter, name=parameter.name, any_of=texts)

    def uri(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """uri: exact, or `:above` and `:below`."""
        if modifier in ("above", "below"):
            return _terminology(parameter, modifier, values)
        if modifier not in ("", "not"):
            raise _unknown_modifier(at, parameter)
        texts = tuple(map(searchvalues.plain, values))
        return KeyClause(parameter=parameter, name=parameter.name, any_of=texts, negated=modifier == "not")

    def string(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """string: from its beginning, `:contains`, `:exact`."""
        if modifier == "exact":
            texts = tuple(map(searchvalues.plain, values))
            return KeyClause(parameter=parameter, name=parameter.name + EXACT, any_of=texts)
        if modifier not in ("", "contains"):
            raise _unknown_modifier(at, parameter)
        folded = tuple(searchvalues.string_text(at, one) for one in values)
        return StringClause(parameter=parameter, any_of=folded, mode="contains" if modifier else "starts")

    def date(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """date: prefixes, any precision."""
        if modifier:
            raise _unknown_modifier(at, parameter)
        alternatives = _each(values, lambda one: searchvalues.date_alternatives(at, one, self.reading))
        return DateClause(parameter=parameter, alternatives=alternatives)

    def number(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """number: prefixes, implied precision."""
        if modifier:
            raise _unknown_modifier(at, parameter)
        found = tuple(searchvalues.number_value(at, one) for one in values)
        return QuantityClause(parameter=parameter, any_of=found)

    def quantity(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """quantity: a number with or without its unit."""
        if modifier:
            raise _unknown_modifier(at, parameter)
        found = tuple(searchvalues.quantity_value(at, one) for one in values)
        return QuantityClause(parameter=parameter, any_of=found)

    def include(self, resource_type: str, name: str, value: str, results: dict[str, Any]) -> None:
        """`_include=Encounter:subject:Patient`, `_revinclude:iterate=Task:patient`."""
        kind, _, modifier = name.partition(":")
        source, parameter, target = (*value.split(":"), "", "")[:3]
        known = self.definitions.of(source)
        if modifier not in ("", "iterate", "recurse") or value.count(":") > 2 or not known or not parameter:
            raise Rejected(at=_shown(name), expected="Type:parameter or Type:parameter:Type", code="value")
        if parameter != "*" and self.parameter(source, parameter, f"{kind}.{parameter}").type != "reference":
            raise Rejected(at=_shown(name), expected="a reference parameter", code="value")
        if target and not self.definitions.of(target):
            raise Rejected(at=_shown(name), expected="an R4 resource type as target", code="value")
        results["includes"].append(
            Include(source=source, parameter=parameter, target=target or None,
                    reverse=kind == "_revinclude", iterate=bool(modifier))
        )  # fmt: skip

    def sort(self, resource_type: str, name: str, value: str, results: dict[str, Any]) -> None:
        """`_sort=-date,_id`."""
        keys = [(one.removeprefix("-"), one.startswith("-")) for one in value.split(",")]
        results["sort"] = tuple(
            SortKey(parameter=self.parameter(resource_type, code, "_sort"), descending=descending)
            for code, descending in keys
        )

    def count(self, resource_type: str, name: str, value: str, results: dict[str, Any]) -> None:
        """`_count`: at most `MAX_COUNT`."""
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise Rejected(at="_count", expected="a whole number from 0", code="value")
        results["count"] = min(int(value), MAX_COUNT)

    def elements(self, resource_type: str, name: str, value: str, results: dict[str, Any]) -> None:
        """`_elements`: names of top-level elements."""
        names = tuple(one.strip() for one in value.split(","))
        if not all(one.isidentifier() and one.isascii() for one in names):
            raise Rejected(at="_elements", expected="names of elements", code="value")
        results["elements"] = names


def _choice(key: str) -> Callable[..., None]:
    """A result parameter that takes one of the words its field in `SearchRequest` allows."""
    field = SearchRequest.__dataclass_fields__[key].type
    allowed = [word for part in get_args(field) for word in get_args(part)]

    def read(parser: _Parser, resource_type: str, name: str, value: str, results: dict[str, Any]) -> None:
        if value not in allowed:
            raise Rejected(at=f"_{key}", expected="one of " + ", ".join(allowed), code="value")
        results[key] = value

    return read


def _each(values: Sequence[str], read: Callable[[str], tuple[Item, ...]]) -> tuple[Item, ...]:
    """What `read` makes of every value, in one tuple without repetitions."""
    return tuple(dict.fromkeys(item for value in values for item in read(value)))


def _terminology(parameter: SearchParameter, modifier: Any, values: Sequence[str]) -> Clause:
    return TerminologyClause(parameter=parameter, modifier=modifier, any_of=tuple(map(searchvalues.plain, values)))


def _may_refer(parameter: SearchParameter, resource_type: str) -> bool:
    """True where the parameter names the type as a target, or names none."""
    return not parameter.targets or resource_type in parameter.targets


def _boolean(at: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise Rejected(at=at, expected="true or false", code="value")
    return value == "true"


def _unknown_modifier(name: str, parameter: SearchParameter) -> Rejected:
    expected = f"a modifier that {parameter.type} parameters have"
    return Rejected(at=_shown(name), expected=expected, code="not-supported")


_BY_TYPE: Mapping[str, Callable[[_Parser, SearchParameter, str, str, list[str]], Clause]] = {
    "token": _Parser.token,
    "reference": _Parser.reference,
    "uri": _Parser.uri,
    "string": _Parser.string,
    "date": _Parser.date,
    "number": _Parser.number,
    "quantity": _Parser.quantity,
}

_RESULTS: Mapping[str, Callable[[_Parser, str, str, str, dict[str, Any]], None]] = {
    "_include": _Parser.include,
    "_revinclude": _Parser.include,
    "_sort": _Parser.sort,
    "_count": _Parser.count,
    "_elements": _Parser.elements,
    "_summary": _choice("summary"),
    "_total": _choice("total"),
}
