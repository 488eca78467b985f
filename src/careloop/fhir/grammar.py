"""From the pairs of a search request to typed clauses (R4 search, section 3.1.1).

Whatever is not understood is `Rejected` and named: a search never quietly answers another question than was asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar

from careloop.errors import Rejected
from careloop.fhir import resultwishes, searchvalues
from careloop.fhir.clauses import (
    AnyClause,
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
    StringClause,
    TerminologyClause,
)
from careloop.fhir.dates import BEGINNING
from careloop.fhir.model import SearchParameter, Together
from careloop.fhir.resultwishes import shown
from careloop.fhir.searchparameters import SearchDefinitions
from careloop.fhir.searchvalues import Reading
from careloop.fhir.tokens import EXACT, IDENTIFIER, OF_TYPE

MAX_CLAUSES = 60
MAX_DEPTH = 4
"""Chains and `_has` inside each other."""

MAX_BRANCHES = 400
"""Types that the chains of one request may fan out to."""

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
    lenient: bool = False,
) -> SearchRequest:
    """The request that `parameters` state. `Rejected` names the first parameter that is unknown or ill formed.

    Dates without an offset are read in `zone`; `now` is what `ap` is near to; references that begin with `base` (our
    own FHIR address) are local. A `lenient` reading leaves what is not supported aside and names it in `ignored`.
    """
    if not definitions.of(resource_type):
        raise Rejected(at="search", expected="an R4 resource type", code="not-supported")
    parser = _Parser(definitions, Reading(zone=zone, now=now, base=base))
    wishes: dict[str, Any] = {"includes": []}
    clauses: list[Clause] = []
    ignored: list[str] = []
    for name, value in parameters:
        if name in NO_MATTER:
            continue
        try:
            read = resultwishes.READ.get(name.partition(":")[0])
            if read is not None:
                read(parser, resource_type, name, value, wishes)
            else:
                clauses.append(parser.clause(resource_type, name, value))
        except Rejected as error:
            if not lenient or error.issue_code != "not-supported":
                raise
            ignored.append(shown(name))
    _refuse_too_many(clauses, wishes["includes"])
    wishes["includes"] = tuple(wishes["includes"])
    return SearchRequest(resource_type=resource_type, clauses=tuple(clauses), ignored=tuple(ignored), **wishes)


def _refuse_too_many(clauses: Sequence[Clause], includes: Sequence[Include]) -> None:
    if len(clauses) > MAX_CLAUSES or len(includes) > MAX_INCLUDES:
        expected = f"at most {MAX_CLAUSES} conditions and {MAX_INCLUDES} includes"
        raise Rejected(at="search", expected=expected, code="too-costly")


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
        if name == "_list":
            return self.listed(value)
        head, dot, rest = name.partition(".")
        code, colon, modifier = head.partition(":")
        parameter = self.parameter(resource_type, code, name)
        if dot:
            return self.chain(parameter, modifier, rest, value, depth)
        if modifier == "missing" and parameter.type != "composite":
            return MissingClause(parameter=parameter, missing=_boolean(shown(name), value))
        if colon and not modifier:
            raise _unknown_modifier(name, parameter)
        return self.typed(parameter, name, modifier, value)

    def known(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type."""
        return self.definitions.of(resource_type)

    def parameter(self, resource_type: str, code: str, name: str) -> SearchParameter:
        """The parameter `code` of a type."""
        found = self.definitions.of(resource_type).get(code)
        if found is None:
            expected = f"a search parameter that this server knows for {resource_type}"
            raise Rejected(at=shown(name), expected=expected, code="not-supported")
        return found

    def chain(self, parameter: SearchParameter, named: str, rest: str, value: str, depth: int) -> Clause:
        """`subject:Patient.name`: the inner condition on every type that may be meant and knows its parameter."""
        if parameter.type != "reference":
            raise Rejected(at=parameter.name, expected="a reference parameter before the dot", code="not-supported")
        branches = self.branches_of((named,) if named else parameter.targets, rest, value, depth)
        if not branches:
            at = shown(f"{parameter.name}.{rest}")
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
            raise Rejected(at=shown(name), expected="_has:Type:reference parameter:parameter", code="value")
        parameter = self.parameter(parts[1], parts[2], name)
        if parameter.type != "reference" or not _may_refer(parameter, resource_type):
            expected = f"a parameter of {parts[1]} that refers to {resource_type}"
            raise Rejected(at=shown(name), expected=expected, code="value")
        inner = self.clause(parts[1], parts[3], value, depth + 1)
        return HasClause(resource_type=parts[1], parameter=parameter, clause=inner)

    def listed(self, value: str) -> Clause:
        """`_list=42`: what the List of that id names."""
        ids = tuple(map(searchvalues.plain, searchvalues.values("_list", value)))
        item = self.parameter("List", "item", "_list")
        return HasClause(resource_type="List", parameter=item, clause=IdClause(any_of=ids))

    def typed(self, parameter: SearchParameter, name: str, modifier: str, value: str) -> Clause:
        """The condition in the way of the parameter's type."""
        at = shown(name)
        if parameter.name == "_id" and not modifier:
            return IdClause(any_of=tuple(map(searchvalues.plain, searchvalues.values(at, value))))
        return _BY_TYPE[parameter.type](self, parameter, at, modifier, searchvalues.values(at, value))

    def token(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """token: `:not`, `:of-type`, and what terminology must answer."""
        if modifier == "of-type" and "Identifier" in parameter.kinds:
            texts = _each(values, lambda one: searchvalues.of_type_texts(at, one))
            return KeyClause(parameter=parameter, name=parameter.name + OF_TYPE, any_of=texts)
        if modifier in ("in", "not-in", "above", "below", "text"):
            return _terminology(parameter, modifier, map(searchvalues.plain, values))
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
        reading = self.reading
        if modifier in ("above", "below"):
            texts = _each(values, lambda one: searchvalues.reference_texts(one, parameter, None, reading))
            return _terminology(parameter, modifier, texts)
        if modifier and not _may_refer(parameter, modifier):
            raise _unknown_modifier(at, parameter)
        texts = _each(values, lambda one: searchvalues.reference_texts(one, parameter, modifier or None, reading))
        return KeyClause(parameter=parameter, name=parameter.name, any_of=texts)

    def uri(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """uri: exact, or `:above` and `:below`."""
        if modifier in ("above", "below"):
            return _terminology(parameter, modifier, map(searchvalues.plain, values))
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

    def composite(self, parameter: SearchParameter, at: str, modifier: str, values: list[str]) -> Clause:
        """composite: its parts with `$` between them, met together."""
        if modifier:
            raise _unknown_modifier(at, parameter)
        found = [
            alternative
            for value in values
            for together in parameter.together
            for alternative in self.together(together, at, searchvalues.split(value, "$"))
        ]
        return AnyClause(alternatives=tuple(found))

    def together(self, together: Together, at: str, texts: list[str]) -> list[tuple[Clause, ...]]:
        """The ways in which the parts of one value are met."""
        if len(texts) != len(together.parts) or not all(texts):
            names = "$".join(one.name for one in together.parts)
            raise Rejected(at=at, expected=f"a value for each of {names}", code="value")
        if together.key is None:
            pairs = zip(together.parts, texts, strict=True)
            return [tuple(_BY_TYPE[part.type](self, part, at, "", [text]) for part, text in pairs)]
        first, second = together.parts
        keys = searchvalues.token_texts(at, texts[0], first)
        if any(key.endswith("|") for key in keys):
            raise Rejected(at=at, expected="a code in the first part", code="value")
        hidden = [replace(second, name=f"{together.key}${key}") for key in keys]
        return [(_BY_TYPE[second.type](self, one, at, "", [texts[1]]),) for one in hidden]


def _each(values: Sequence[str], read: Callable[[str], tuple[Item, ...]]) -> tuple[Item, ...]:
    """What `read` makes of every value, in one tuple without repetitions."""
    return tuple(dict.fromkeys(item for value in values for item in read(value)))


def _terminology(parameter: SearchParameter, modifier: Any, values: Iterable[str]) -> Clause:
    return TerminologyClause(parameter=parameter, modifier=modifier, any_of=tuple(values))


def _may_refer(parameter: SearchParameter, resource_type: str) -> bool:
    """True where the parameter names the type as a target, or names none."""
    return not parameter.targets or resource_type in parameter.targets


def _boolean(at: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise Rejected(at=at, expected="true or false", code="value")
    return value == "true"


def _unknown_modifier(name: str, parameter: SearchParameter) -> Rejected:
    expected = f"a modifier that {parameter.type} parameters have"
    return Rejected(at=shown(name), expected=expected, code="not-supported")


_BY_TYPE: Mapping[str, Callable[[_Parser, SearchParameter, str, str, list[str]], Clause]] = {
    "token": _Parser.token,
    "reference": _Parser.reference,
    "uri": _Parser.uri,
    "string": _Parser.string,
    "date": _Parser.date,
    "number": _Parser.number,
    "quantity": _Parser.quantity,
    "composite": _Parser.composite,
}
