"""What a FHIRPath expression is made of, as the parser reads it (FHIRPath N1 grammar, with the names of STU 3)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: boolean, string, number, date, time or quantity."""

    value: Any


@dataclass(frozen=True, slots=True)
class Empty:
    """`{}`."""


@dataclass(frozen=True, slots=True)
class Special:
    """`$this`, `$index` or `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Field:
    """A name: an element of whatever stands before it; at the start of a path also the type of the context."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments."""

    name: str
    arguments: tuple["Node", ...]
    position: int


@dataclass(frozen=True, slots=True)
class Invoke:
    """`target.member`."""

    target: "Node"
    member: "Field | Call | Special"


@dataclass(frozen=True, slots=True)
class Indexer:
    """`target[index]`."""

    target: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Unary:
    """`+` or `-` before an operand."""

    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what stands between them."""

    operator: str
    left: "Node"
    right: "Node"
    position: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`operand is Name` or `operand as Name`."""

    operator: str
    operand: "Node"
    type_name: str
    position: int


Node = Literal | Empty | Special | Variable | Field | Call | Invoke | Indexer | Unary | Binary | TypeTest


def children(node: Node) -> Iterator[Node]:
    """The parts of which a node is made."""
    match node:
        case Call():
            yield from node.arguments
        case Invoke():
            yield node.target
            yield node.member
        case Indexer():
            yield node.target
            yield node.index
        case Unary() | TypeTest():
            yield node.operand
        case Binary():
            yield node.left
            yield node.right


def calls(node: Node, name: str) -> bool:
    """True where the function `name` is called anywhere in the node."""
    if isinstance(node, Call) and node.name == name:
        return True
    return any(calls(child, name) for child in children(node))


def variable_names(node: Node) -> frozenset[str]:
    """The names that stand with `%` anywhere in the node."""
    own = {node.name} if isinstance(node, Variable) else set()
    return frozenset(own.union(*(variable_names(child) for child in children(node))))


def type_name(node: Node) -> str | None:
    """The type that an argument such as `FHIR.Patient` names, None where it is no name."""
    match node:
        case Field():
            return node.name
        case Invoke(target=Field() as namespace, member=Field() as name):
            return f"{namespace.name}.{name.name}"
    return None
