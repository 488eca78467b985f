"""The parameters of a search that say what the answer looks like: order, size, parts, what comes along."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, get_args

from careloop.errors import Rejected
from careloop.fhir.clauses import Include, SearchRequest, SortKey
from careloop.fhir.model import SearchParameter

MAX_COUNT = 1000

Wishes = dict[str, Any]
"""Fields of `SearchRequest`; `includes` is a list while it is read."""


class Parameters(Protocol):
    """The parameters of each type, as the grammar knows them."""

    def known(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """The parameters of a type, empty for an unknown one."""
        ...

    def parameter(self, resource_type: str, code: str, name: str) -> SearchParameter:
        """The parameter `code` of a type; `Rejected` names it where there is none."""
        ...


Read = Callable[[Parameters, str, str, str, Wishes], None]
"""Takes the resource type, the name and value of the parameter, and what is known so far."""


def shown(name: str) -> str:
    """A parameter name as it may be repeated: short and without anything that is no name."""
    return name if len(name) <= 80 and all(one.isalnum() or one in "_-.:" for one in name) else "(unreadable name)"


def _include(parameters: Parameters, resource_type: str, name: str, value: str, wishes: Wishes) -> None:
    """`_include=Encounter:subject:Patient`, `_include=*`, `_revinclude:iterate=Task:patient`."""
    kind, _, modifier = name.partition(":")
    if value == "*" and kind == "_include":
        value = f"{resource_type}:*"
    source, parameter, target = (*value.split(":"), "", "")[:3]
    known = parameters.known(source)
    if modifier not in ("", "iterate", "recurse") or value.count(":") > 2 or not known or not parameter:
        raise Rejected(at=shown(name), expected="Type:parameter or Type:parameter:Type", code="value")
    if parameter != "*" and parameters.parameter(source, parameter, f"{kind}.{parameter}").type != "reference":
        raise Rejected(at=shown(name), expected="a reference parameter", code="value")
    if target and not parameters.known(target):
        raise Rejected(at=shown(name), expected="an R4 resource type as target", code="value")
    wishes["includes"].append(
        Include(source=source, parameter=parameter, target=target or None,
                reverse=kind == "_revinclude", iterate=bool(modifier))
    )  # fmt: skip


def _sort(parameters: Parameters, resource_type: str, name: str, value: str, wishes: Wishes) -> None:
    """`_sort=-date,_id`."""
    keys = [(one.removeprefix("-"), one.startswith("-")) for one in value.split(",")]
    wishes["sort"] = tuple(
        SortKey(parameter=parameters.parameter(resource_type, code, "_sort"), descending=descending)
        for code, descending in keys
    )


def _count(parameters: Parameters, resource_type: str, name: str, value: str, wishes: Wishes) -> None:
    """`_count`: at most `MAX_COUNT`."""
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise Rejected(at="_count", expected="a whole number from 0", code="value")
    wishes["count"] = min(int(value), MAX_COUNT)


def _elements(parameters: Parameters, resource_type: str, name: str, value: str, wishes: Wishes) -> None:
    """`_elements`: names of top-level elements."""
    names = tuple(one.strip() for one in value.split(","))
    if not all(one.isidentifier() and one.isascii() for one in names):
        raise Rejected(at="_elements", expected="names of elements", code="value")
    wishes["elements"] = names


def _choice(key: str) -> Read:
    """A result parameter that takes one of the words its field in `SearchRequest` allows."""
    field = SearchRequest.__dataclass_fields__[key].type
    allowed = [word for part in get_args(field) for word in get_args(part)]

    def read(parameters: Parameters, resource_type: str, name: str, value: str, wishes: Wishes) -> None:
        if value not in allowed:
            raise Rejected(at=f"_{key}", expected="one of " + ", ".join(allowed), code="value")
        wishes[key] = value

    return read


READ: Mapping[str, Read] = {
    "_include": _include,
    "_revinclude": _include,
    "_sort": _sort,
    "_count": _count,
    "_elements": _elements,
    "_summary": _choice("summary"),
    "_total": _choice("total"),
}
