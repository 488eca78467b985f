"""What a FHIR operation is here, and one call of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from careloop.access.model import Principal
from careloop.access.policy import require_whole
from careloop.api.fhir_answers import Answer
from careloop.api.fhir_requests import FhirRequest
from careloop.errors import Rejected

FOR_NARROWED = frozenset(
    {
        "docref", "document", "everything", "expand", "lastn", "lookup", "subsumes", "translate", "validate",
        "validate-code",
    }
)  # fmt: skip
"""Operations whose every look at the record is the record's own search or read, filtered by the sight of who asks. All
others are refused for a narrowed principal."""

Level = Literal["system", "type", "instance"]
Resource = dict[str, Any]


@dataclass(frozen=True)
class Parameters:
    """The parameters of a call, from the address and from a `Parameters` resource, in the order given.

    Values from the address are text; those of a resource are whatever `value[x]`, `resource` or `part` holds.
    """

    pairs: Sequence[tuple[str, Any]] = ()

    def all(self, name: str) -> list[Any]:
        """Every value of a parameter."""
        return [value for key, value in self.pairs if key == name]

    def one(self, name: str) -> Any:
        """The only value of a parameter, None where it is missing; `Rejected` where it is given twice."""
        found = self.all(name)
        if len(found) > 1:
            raise Rejected(at=name, expected="this parameter at most once", code="invariant")
        return found[0] if found else None

    def text(self, name: str) -> str | None:
        """A parameter that is text or a code."""
        found = self.one(name)
        if found is not None and not isinstance(found, str):
            raise Rejected(at=name, expected="text", code="value")
        return found

    def texts(self, name: str) -> list[str]:
        """The texts of a parameter that may be repeated, or given once with commas."""
        return [part for value in self.all(name) for part in str(value).split(",") if part]

    def flag(self, name: str) -> bool | None:
        """A boolean parameter."""
        found = self.one(name)
        if found is None or isinstance(found, bool):
            return found
        if found not in ("true", "false"):
            raise Rejected(at=name, expected="true or false", code="value")
        return bool(found == "true")

    def number(self, name: str, *, least: int = 0, most: int = 10_000) -> int | None:
        """A whole number between the two."""
        found = self.one(name)
        if found is None:
            return None
        text = str(found)
        if isinstance(found, bool) or not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise Rejected(at=name, expected="a whole number", code="value")
        if not least <= int(text) <= most:
            raise Rejected(at=name, expected=f"a number from {least} to {most}", code="value")
        return int(text)

    def resource(self, name: str) -> Resource | None:
        """A parameter that is a resource, or another JSON object such as a Coding."""
        found = self.one(name)
        if found is not None and not isinstance(found, dict):
            raise Rejected(at=name, expected="a resource or an object", code="structure")
        return found

    def only(self, *names: str) -> "Parameters":
        """The same parameters; `Rejected` names one that the operation does not have."""
        for key, _ in self.pairs:
            if key not in names:
                raise Rejected(at=key, expected="one of " + ", ".join(names), code="not-supported")
        return self


@dataclass(frozen=True)
class OperationCall:
    """One call: by whom and where (`fhir`), on what, with which parameters. `body` is a bare resource that was sent."""

    fhir: FhirRequest
    resource_type: str | None
    resource_id: str | None
    given: Parameters
    body: Resource | None = None


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation. `types` empty: offered for no type; `*`: for each. One that `changes` anything is POST only.

    `run` answers with a resource, or with an `Answer` where status or headers matter. It asks `policy.require` for all
    it reads and writes. `definition` is the canonical address of its OperationDefinition; `definitions` names another
    one for some types.
    """

    name: str
    definition: str
    levels: frozenset[Level]
    types: tuple[str, ...] = ()
    changes: bool = False
    run: Callable[[OperationCall], Resource | Answer]
    definitions: Mapping[str, str] = field(default_factory=dict, hash=False)

    def definition_for(self, resource_type: str | None) -> str:
        """The canonical address of the OperationDefinition for a type, or for the whole system."""
        return self.definitions.get(resource_type or "", self.definition)

    def refuse_narrowed(self, principal: Principal) -> None:
        """Nothing happens where the operation is for this principal; else `NotPermitted`."""
        if self.name not in FOR_NARROWED or self.changes:
            require_whole(principal)

    def serves(self, resource_type: str | None) -> bool:
        """True where the operation is offered for the type, or for the whole system."""
        if resource_type is None:
            return "system" in self.levels
        return "*" in self.types or resource_type in self.types


def read_parameters(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parameters of a `Parameters` resource; parts come as a nested `Parameters`."""
    for place, one in enumerate(resource.get("parameter") or ()):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise Rejected(at=f"Parameters.parameter[{place}].name", expected="a name", code="required")
        yield one["name"], _value(one, place)


def _value(one: Mapping[str, Any], place: int) -> Any:
    if "resource" in one:
        return one["resource"]
    if "part" in one:
        return Parameters(tuple(read_parameters({"parameter": one["part"]})))
    values = [value for key, value in one.items() if key.startswith("value")]
    if len(values) != 1:
        raise Rejected(at=f"Parameters.parameter[{place}]", expected="one value, resource or part", code="structure")
    return values[0]
