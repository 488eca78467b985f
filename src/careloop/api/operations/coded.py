"""What the terminology operations share: codes in, `Parameters` out, the tenant's terminology, refusals."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from careloop.access.policy import require
from careloop.api.operations.model import OperationCall, Parameters, Resource
from careloop.errors import NotFound, Rejected
from careloop.flows.interactions import Interaction
from careloop.flows.terminology import terminology_of
from careloop.terminology import Coding, Missing, Terminology

Part = Mapping[str, Any]


def known_to(door: Interaction, *types: str) -> Terminology:
    """The terminology of the principal's tenant; whoever uses it may read those types."""
    for one in types:
        require(door.principal, "read", one)
    return terminology_of(door.app, door.tx)


def codings_of(given: Parameters, *, code: str = "code", coding: str = "coding") -> list[Coding]:
    """The codes asked for: `code` with `system` and `display`, a Coding, or a CodeableConcept. One of them, not two."""
    ways = [name for name in (code, coding, "codeableConcept") if given.one(name) is not None]
    if len(ways) != 1:
        raise Rejected(at=code, expected=f"one of {code}, {coding}, codeableConcept", code="required")
    if ways == [code]:
        return [_plain(given, code)]
    one = given.resource(ways[0]) or {}
    rows = one.get("coding", []) if ways == ["codeableConcept"] else [one]
    found = [read_coding(row, ways[0]) for row in rows]
    if not found:
        raise Rejected(at=ways[0], expected="a coding with a code", code="required")
    return found


def _plain(given: Parameters, name: str) -> Coding:
    return Coding(
        code=given.text(name) or "",
        system=given.text("system"),
        version=given.text("version") or given.text("systemVersion"),
        display=given.text("display"),
    )


def read_coding(coding: Any, at: str) -> Coding:
    """A Coding of the request; `Rejected` where it is none or has no code."""
    facts = coding if isinstance(coding, dict) else {}
    if not all(isinstance(facts.get(name), str | None) for name in ("code", "system", "version", "display")):
        raise Rejected(at=at, expected="a Coding of texts", code="value")
    if not facts.get("code"):
        raise Rejected(at=at, expected="a Coding with a code", code="value")
    return Coding(
        code=facts["code"],
        system=facts.get("system"),
        version=facts.get("version"),
        display=facts.get("display"),
    )


def canonical_of(given: Parameters, name: str, version: str) -> str | None:
    """The canonical address of a parameter, with its version where it is given apart."""
    url, number = given.text(name), given.text(version)
    return f"{url}|{number}" if url and number and "|" not in url else url


def instance_of(door: Interaction, call: OperationCall) -> Resource | None:
    """The resource that an instance operation is called on."""
    if call.resource_type is None or call.resource_id is None:
        return None
    return door.read(call.resource_type, call.resource_id).resource


def given_resource(call: OperationCall, name: str, resource_type: str) -> Resource | None:
    """A resource that came along, as a parameter or as the whole body. `Rejected` with every fault of its structure."""
    found = call.body if call.body is not None else call.given.resource(name)
    if found is None:
        return None
    if found.get("resourceType") != resource_type:
        raise Rejected(at=name, expected=f"a {resource_type}", code="structure")
    faults = call.fhir.app.record.validator.validate(found)
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)
    return found


def cannot_say(missing: Sequence[Missing]) -> Rejected:
    """The refusal where nobody could tell yes from no with what is known here."""
    reasons = "; ".join(one.sentence() for one in missing) or "not enough is known here"
    return Rejected(at="code", expected=f"a code that can be judged here: {reasons}", code="not-found")


def unknown(kind: str, url: str) -> NotFound:
    """The refusal of an address that nobody knows."""
    return NotFound(Missing(kind=kind, url=url, reason="is not known here").sentence())


def parameters(parts: Iterable[Part | None]) -> Resource:
    """A `Parameters` resource of the parts that are there."""
    return {"resourceType": "Parameters", "parameter": [dict(one) for one in parts if one is not None]}


def part(name: str, kind: str, value: Any) -> Part | None:
    """One parameter; None where it has no value."""
    return None if value is None else {"name": name, f"value{kind}": value}


def parts(name: str, inner: Iterable[Part | None]) -> Part:
    """A parameter made of others."""
    return {"name": name, "part": [dict(one) for one in inner if one is not None]}
