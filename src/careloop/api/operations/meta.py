"""`$meta`, `$meta-add` and `$meta-delete` of a resource (FHIR R4 Resource-meta and its kin)."""

from typing import Any

from careloop.api.operations.model import Operation, OperationCall
from careloop.errors import Rejected
from careloop.flows import metas

_ROOT = "http://hl7.org/fhir/OperationDefinition/Resource-meta"


def read(call: OperationCall) -> dict[str, Any]:
    """The meta of the resource."""
    call.given.only()
    kind, identity = _place(call)
    return _answer(call.fhir.run(lambda door: metas.meta_of(door, kind, identity)))


def add(call: OperationCall) -> dict[str, Any]:
    """The meta with what was added."""
    kind, identity = _place(call)
    meta = _meta(call)
    return _answer(call.fhir.run(lambda door: metas.add(door, kind, identity, meta)))


def delete(call: OperationCall) -> dict[str, Any]:
    """The meta without what was taken away."""
    kind, identity = _place(call)
    meta = _meta(call)
    return _answer(call.fhir.run(lambda door: metas.take_away(door, kind, identity, meta)))


def _place(call: OperationCall) -> tuple[str, str]:
    return str(call.resource_type), str(call.resource_id)


def _meta(call: OperationCall) -> dict[str, Any]:
    meta = call.given.only("meta").resource("meta")
    if meta is None:
        raise Rejected(at="meta", expected="a Meta", code="required")
    return meta


def _answer(meta: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "return", "valueMeta": meta}]}


READ = Operation(name="meta", definition=_ROOT, levels=frozenset({"instance"}), types=("*",), run=read)
ADD = Operation(
    name="meta-add", definition=f"{_ROOT}-add", levels=frozenset({"instance"}), types=("*",), changes=True, run=add
)
DELETE = Operation(
    name="meta-delete", definition=f"{_ROOT}-delete", levels=frozenset({"instance"}), types=("*",), changes=True,
    run=delete,
)  # fmt: skip
