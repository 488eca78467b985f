"""A tree becomes closures: each takes the items before it and the evaluation, and gives the items after it."""

from collections.abc import Callable

from careloop.fhir.fhirpath import arithmetic
from careloop.fhir.fhirpath.equality import distinct, equal, equivalent, is_among, order
from careloop.fhir.fhirpath.errors import wrong
from careloop.fhir.fhirpath.factory import made
from careloop.fhir.fhirpath.functions import FUNCTIONS
from careloop.fhir.fhirpath.functions.fhir import casting, testing
from careloop.fhir.fhirpath.navigation import field
from careloop.fhir.fhirpath.runtime import (
    FALSE,
    NONE,
    TRUE,
    Closure,
    Environment,
    Items,
    boolean,
    integer_of,
    truth,
)
from careloop.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Empty,
    Field,
    Indexer,
    Invoke,
    Literal,
    Node,
    Special,
    TypeTest,
    Unary,
    Variable,
    calls,
)
from careloop.fhir.fhirpath.variables import variable


def compiled(node: Node, *, is_first: bool = True) -> Closure:
    """The closure of a tree. `is_first` tells that nothing stands before it in its path."""
    match node:
        case Literal(value=value):
            constant = [value]
            return lambda focus, environment: constant
        case Empty():
            return lambda focus, environment: NONE
        case Special():
            return _special(node.name)
        case Variable():
            return variable(node.name, node.position)
        case Field():
            return field(node.name, node.position, is_first=is_first)
        case Call():
            return _call(node)
        case Invoke(target=Variable(name="factory"), member=Call() as call):
            return made(call, [] if call.name == "create" else [_scoped(one) for one in call.arguments])
        case Invoke():
            return _then(compiled(node.target, is_first=is_first), compiled(node.member, is_first=False))
        case Indexer():
            return _indexer(compiled(node.target, is_first=is_first), compiled(node.index))
        case Unary():
            return _unary(node)
        case TypeTest():
            return _type_test(node)
        case Binary():
            return _binary(node)


def _then(target: Closure, member: Closure) -> Closure:
    return lambda focus, environment: member(target(focus, environment), environment)


def _special(name: str) -> Closure:
    if name == "$this":
        return lambda focus, environment: environment.this
    if name == "$total":
        return lambda focus, environment: environment.total
    return lambda focus, environment: NONE if environment.index is None else [environment.index]


def _call(node: Call) -> Closure:
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise wrong("a function of FHIRPath", node.position)
    if not function.least <= len(node.arguments) <= function.most:
        raise wrong(f"{function.least} to {function.most} arguments of {node.name}()", node.position)
    if function.takes_type:
        return function.make([], node)
    arguments = [_scoped(_key(node.name, argument)) for argument in node.arguments]
    return function.make(arguments, node)


def _key(function: str, argument: Node) -> Node:
    """A sort key without the sign that says downwards."""
    if function == "sort" and isinstance(argument, Unary) and argument.operator == "-":
        return argument.operand
    return argument


def _scoped(node: Node) -> Closure:
    """A closure after which variables that were defined inside are gone again."""
    body = compiled(node)
    if not calls(node, "defineVariable"):
        return body

    def closure(focus: Items, environment: Environment) -> Items:
        defined = environment.defined
        found = body(focus, environment)
        environment.defined = defined
        return found

    return closure


def _indexer(target: Closure, index: Closure) -> Closure:
    def closure(focus: Items, environment: Environment) -> Items:
        items = target(focus, environment)
        place = integer_of(index(environment.this, environment))
        return [items[place]] if place is not None and 0 <= place < len(items) else NONE

    return closure


def _unary(node: Unary) -> Closure:
    operand = _scoped(node.operand)
    if node.operator == "-":
        return lambda focus, environment: arithmetic.negated(operand(focus, environment))
    return lambda focus, environment: operand(focus, environment)


def _type_test(node: TypeTest) -> Closure:
    operand = _scoped(node.operand)
    make = testing if node.operator == "is" else casting
    return _then(operand, make(node.type_name, node.position))


Join = Callable[[Items, Items], Items]


def _binary(node: Binary) -> Closure:
    left, right = _scoped(node.left), _scoped(node.right)
    if node.operator in _LOGIC:
        return _LOGIC[node.operator](left, right)
    if node.operator == "=" and isinstance(node.right, Literal) and isinstance(node.right.value, str):
        return _equals_text(left, node.right.value)
    join = _JOINS.get(node.operator) or _arithmetic(node.operator)
    if node.operator == "|":
        return lambda focus, environment: _union(left(focus, environment), right(focus, environment), environment)
    return lambda focus, environment: join(left(focus, environment), right(focus, environment))


def _arithmetic(operator: str) -> Join:
    return lambda left, right: arithmetic.calculate(operator, left, right)


def _equals_text(left: Closure, text: str) -> Closure:
    """`path = 'text'`, the commonest comparison of all."""
    constant = [text]

    def closure(focus: Items, environment: Environment) -> Items:
        items = left(focus, environment)
        if len(items) == 1:
            item = items[0]
            value = item[0] if type(item) is tuple else item
            if type(value) is str:
                return TRUE if value == text else FALSE
        return boolean(equal(items, constant))

    return closure


def _union(left: Items, right: Items, environment: Environment) -> Items:
    environment.spend(len(left) + len(right))
    return distinct([*left, *right])


def _negated(answer: bool | None) -> Items:
    return NONE if answer is None else boolean(not answer)


def _membership(one: Items, many: Items) -> Items:
    if not one:
        return NONE
    if len(one) > 1:
        raise wrong("a single value to look for")
    return boolean(is_among(one[0], many))


def _ordered(test: Callable[[int], bool]) -> Join:
    def join(left: Items, right: Items) -> Items:
        found = order(left, right)
        return NONE if found is None else boolean(test(found))

    return join


_JOINS: dict[str, Join] = {
    "=": lambda left, right: boolean(equal(left, right)),
    "!=": lambda left, right: _negated(equal(left, right)),
    "~": lambda left, right: boolean(equivalent(left, right)),
    "!~": lambda left, right: boolean(not equivalent(left, right)),
    "<": _ordered(lambda found: found < 0),
    "<=": _ordered(lambda found: found <= 0),
    ">": _ordered(lambda found: found > 0),
    ">=": _ordered(lambda found: found >= 0),
    "in": _membership,
    "contains": lambda left, right: _membership(right, left),
}


def _and(left: Closure, right: Closure) -> Closure:
    def closure(focus: Items, environment: Environment) -> Items:
        one = truth(left(focus, environment))
        if one is False:
            return FALSE
        two = truth(right(focus, environment))
        return FALSE if two is False else TRUE if one and two else NONE

    return closure


def _or(left: Closure, right: Closure) -> Closure:
    def closure(focus: Items, environment: Environment) -> Items:
        one = truth(left(focus, environment))
        if one:
            return TRUE
        two = truth(right(focus, environment))
        return TRUE if two else FALSE if one is False and two is False else NONE

    return closure


def _xor(left: Closure, right: Closure) -> Closure:
    def closure(focus: Items, environment: Environment) -> Items:
        one, two = truth(left(focus, environment)), truth(right(focus, environment))
        return NONE if one is None or two is None else boolean(one is not two)

    return closure


def _implies(left: Closure, right: Closure) -> Closure:
    def closure(focus: Items, environment: Environment) -> Items:
        one = truth(left(focus, environment))
        if one is False:
            return TRUE
        two = truth(right(focus, environment))
        if two:
            return TRUE
        return FALSE if one and two is False else NONE

    return closure


_LOGIC: dict[str, Callable[[Closure, Closure], Closure]] = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}
