"""A ViewDefinition, checked and compiled: every fault is found before the first row."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from careloop.errors import Rejected
from careloop.fhir import definitions
from careloop.fhir.fhirpath import Expression, compile_expression
from careloop.fhir.fhirpath.runtime import Environment
from careloop.fhir.viewdefinition.model import Column, Row, Select, View
from careloop.fhir.viewdefinition.values import column_value

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
"""Names of views, columns and constants (`sql-name`)."""

MOST_COLUMNS = 500
MOST_DEPTH = 20
MOST_ROWS_OF_ONE = 100_000
"""Rows of one resource; a product of several lists can grow without bound."""

_ITERATIONS = ("forEach", "forEachOrNull", "repeat")
_KNOWN = frozenset(["context", "resource", "rootResource", "ucum", "sct", "loinc", "rowIndex"])


def compile_view(definition: Mapping[str, Any]) -> View:
    """The view that a ViewDefinition describes; `Rejected` names the place that is wrong."""
    resource_type = _text(definition, "resource", "ViewDefinition")
    if resource_type not in definitions.load().resources:
        raise _wrong("ViewDefinition.resource", "a resource type of R4")
    constants = dict(_constants(definition))
    compiler = _Compiler(frozenset(constants))
    selects = _list(definition, "select", "ViewDefinition", least=1)
    part = compiler.joined([compiler.select(one, f"ViewDefinition.select[{n}]", 1) for n, one in enumerate(selects)])
    _check_names(part.columns)
    return View(
        name=_name(definition.get("name") or definition.get("id") or resource_type),
        resource_type=resource_type,
        columns=part.columns,
        filters=tuple(compiler.filters(definition)),
        select=part.rows,
        constants=constants,
    )


def _name(text: Any) -> str:
    """A name that SQL can use: an id's `-` and `.` become `_`."""
    plain = re.sub(r"[-.]", "_", text) if isinstance(text, str) else ""
    if not NAME.fullmatch(plain) or len(plain) > 63:
        raise _wrong("ViewDefinition.name", "a name of letters, digits and `_`, at most 63 of them")
    return plain


def _constants(definition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for number, one in enumerate(_list(definition, "constant", "ViewDefinition")):
        at = f"ViewDefinition.constant[{number}]"
        name = _text(one, "name", at)
        values = [(key, value) for key, value in one.items() if key.startswith("value") and value is not None]
        if not NAME.fullmatch(name) or len(values) != 1:
            raise _wrong(at, "a name and one value")
        key, value = values[0]
        kind = key[5:6].lower() + key[6:] if key[5:] not in definitions.load().nodes else key[5:]
        yield name, (value, kind, None)


def _check_names(columns: Sequence[Column]) -> None:
    names = [column.name for column in columns]
    if len(set(names)) != len(names):
        raise _wrong("ViewDefinition.select.column.name", "names that no other column has")
    if len(names) > MOST_COLUMNS:
        raise _wrong("ViewDefinition.select.column", f"at most {MOST_COLUMNS} columns")


@dataclass(frozen=True, slots=True)
class _Part:
    """One `select`, compiled: its columns and how they get their rows."""

    columns: tuple[Column, ...]
    rows: Select


class _Compiler:
    def __init__(self, constants: frozenset[str]) -> None:
        self._constants = constants

    def path(self, text: Any, at: str) -> Expression:
        """A compiled path; `Rejected` where it cannot be read or names a constant that is not there."""
        if not isinstance(text, str) or not text.strip():
            raise _wrong(at, "a FHIRPath expression")
        try:
            found = compile_expression(text)
        except Rejected as error:
            raise _wrong(at, f"a FHIRPath expression ({error.message})") from error
        unknown = [name for name in found.variables - self._constants - _KNOWN if not name.startswith(("vs-", "ext-"))]
        if unknown and "defineVariable" not in text:
            raise _wrong(at, "constants that the view defines")
        return found

    def filters(self, definition: Mapping[str, Any]) -> Iterator[Callable[[Environment], list[Any]]]:
        """The `where` of a view."""
        for number, one in enumerate(_list(definition, "where", "ViewDefinition")):
            yield self.path(one.get("path"), f"ViewDefinition.where[{number}].path").items

    def select(self, select: Mapping[str, Any], at: str, depth: int) -> _Part:
        """One `select` with all that is in it."""
        if depth > MOST_DEPTH:
            raise _wrong(at, f"at most {MOST_DEPTH} selects within each other")
        parts = [self._columns(_list(select, "column", at), at)] if select.get("column") else []
        for number, inner in enumerate(_list(select, "select", at)):
            parts.append(self.select(inner, f"{at}.select[{number}]", depth + 1))
        if select.get("unionAll") is not None:
            parts.append(self._union(_list(select, "unionAll", at, least=1), f"{at}.unionAll", depth))
        if not parts:
            raise _wrong(at, "a column, select or unionAll")
        return self._iterated(select, self.joined(parts), at)

    def joined(self, parts: Sequence[_Part]) -> _Part:
        """Parts side by side: every row of one with every row of the others."""
        if len(parts) == 1:
            return parts[0]
        makers = [part.rows for part in parts]

        def rows(focus: list[Any], environment: Environment) -> list[Row]:
            sides = []
            count = 1
            for make in makers:
                side = make(focus, environment)
                if not side:
                    return []
                sides.append(side)
                count *= len(side)
            if count > MOST_ROWS_OF_ONE:
                raise _wrong("ViewDefinition", f"a view that makes at most {MOST_ROWS_OF_ONE} rows of a resource")
            if count == 1:
                return [tuple(value for side in sides for value in side[0])]
            return [tuple(value for row in combination for value in row) for combination in product(*sides)]

        return _Part(tuple(column for part in parts for column in part.columns), rows)

    def _columns(self, columns: Sequence[Mapping[str, Any]], at: str) -> _Part:
        found, makers = [], []
        for number, one in enumerate(columns):
            place = f"{at}.column[{number}]"
            column = _column(one, place)
            found.append(column)
            makers.append(_maker(column, self.path(one.get("path"), f"{place}.path"), place))

        def rows(focus: list[Any], environment: Environment) -> list[Row]:
            environment.context = environment.this = focus
            return [tuple([make(environment) for make in makers])]

        return _Part(tuple(found), rows)

    def _union(self, selects: Sequence[Mapping[str, Any]], at: str, depth: int) -> _Part:
        parts = [self.select(one, f"{at}[{number}]", depth + 1) for number, one in enumerate(selects)]
        names = [[(column.name, column.type) for column in part.columns] for part in parts]
        if any(one != names[0] for one in names):
            raise _wrong(at, "the same columns, of the same types and in the same order, in every branch")

        def rows(focus: list[Any], environment: Environment) -> list[Row]:
            return [row for part in parts for row in part.rows(focus, environment)]

        return _Part(parts[0].columns, rows)

    def _iterated(self, select: Mapping[str, Any], part: _Part, at: str) -> _Part:
        given = [name for name in _ITERATIONS if select.get(name) is not None]
        if len(given) > 1:
            raise _wrong(at, "one of forEach, forEachOrNull and repeat")
        if not given:
            return part
        if given[0] == "repeat":
            paths = _texts(select, at)
            items = _repeating([self.path(one, f"{at}.repeat[{number}]") for number, one in enumerate(paths)])
        else:
            items = _each(self.path(select[given[0]], f"{at}.{given[0]}"))
        return _Part(part.columns, _iterating(items, part, or_null=given[0] == "forEachOrNull"))


def _texts(select: Mapping[str, Any], at: str) -> list[Any]:
    paths = select["repeat"]
    if not isinstance(paths, list) or not paths:
        raise _wrong(f"{at}.repeat", "a list of FHIRPath expressions")
    return paths


Items = Callable[[list[Any], Environment], list[Any]]


def _each(path: Expression) -> Items:
    def items(focus: list[Any], environment: Environment) -> list[Any]:
        environment.context = environment.this = focus
        return path.items(environment)

    return items


def _repeating(paths: Sequence[Expression]) -> Items:
    """Everything that the paths reach, and reach again from there; depth first, in the order of the data."""

    def items(focus: list[Any], environment: Environment) -> list[Any]:
        found: list[Any] = []
        waiting = list(reversed(_children(focus, environment)))
        while waiting:
            item = waiting.pop()
            found.append(item)
            environment.spend(1)
            waiting += reversed(_children([item], environment))
        return found

    def _children(focus: list[Any], environment: Environment) -> list[Any]:
        reached = []
        for path in paths:
            environment.context = environment.this = focus
            reached += path.items(environment)
        return reached

    return items


def _iterating(items: Items, part: _Part, *, or_null: bool) -> Select:
    """Rows for each item; with `or_null` a row without values where there is none."""
    nothing = (None,) * len(part.columns)

    def rows(focus: list[Any], environment: Environment) -> list[Row]:
        around = environment.variables
        found: list[Row] = []
        reached = items(focus, environment)
        for place, item in enumerate(reached):
            environment.variables = {**around, "rowIndex": place}
            found += part.rows([item], environment)
        if or_null and not reached:
            environment.variables = {**around, "rowIndex": 0}
            found = _rows_of_nothing(part, environment) or [nothing]
        environment.variables = around
        return found

    return rows


def _rows_of_nothing(part: _Part, environment: Environment) -> list[Row]:
    """The row of no item: paths over nothing are null, `%rowIndex` is 0."""
    found = part.rows([], environment)
    return found if len(found) == 1 else []


def _column(one: Mapping[str, Any], at: str) -> Column:
    name = _text(one, "name", at)
    if not NAME.fullmatch(name) or len(name) > 63:
        raise _wrong(f"{at}.name", "a name of letters, digits and `_`")
    kind = one.get("type")
    is_collection = one.get("collection", False)
    if not isinstance(is_collection, bool) or not (kind is None or isinstance(kind, str)):
        raise _wrong(at, "a type as text, and `collection` as true or false")
    kind = kind.removeprefix("http://hl7.org/fhir/StructureDefinition/") if kind else None
    if kind is not None and kind not in definitions.load().primitives and kind not in definitions.load().nodes:
        raise _wrong(f"{at}.type", "a type of R4")
    return Column(name=name, type=kind, is_collection=is_collection, description=one.get("description"))


def _maker(column: Column, path: Expression, at: str) -> Callable[[Environment], Any]:
    def make(environment: Environment) -> Any:
        return column_value(path.items(environment), column, at)

    return make


def _list(holder: Any, name: str, at: str, *, least: int = 0) -> list[Mapping[str, Any]]:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    found = [] if found is None else found
    if not isinstance(found, list) or len(found) < least or not all(isinstance(one, Mapping) for one in found):
        raise _wrong(f"{at}.{name}", "a list of objects")
    return found


def _text(holder: Mapping[str, Any], name: str, at: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not found:
        raise _wrong(f"{at}.{name}", "a text")
    return found


def _wrong(at: str, expected: str) -> Rejected:
    return Rejected(at=at, expected=expected, code="invalid")
