"""From the raw text of one document of a load to the writes it asks for. Pure: nothing is stored here.

History files are read so that loading them again changes nothing: an entry keeps the uuid or id that it came with, and
one that has neither gets an id that follows from its content.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.errors import Fault, Rejected
from careloop.fhir.ids import derived_id
from careloop.fhir.jsons import decode, encode
from careloop.fhir.references import rewrite
from careloop.flows.bulk_links import settled
from careloop.flows.writing import is_loop_task
from careloop.record import Prepared, Write

_URN = "urn:uuid:"
_CONDITION = re.compile(rb'"reference"\s*:\s*"[A-Za-z]{2,40}\?')
"""A link such as `Practitioner?identifier=...`; looked for in the text, which is ten times quicker than in the tree."""

Judge = Callable[[Any], Sequence[Fault]]
"""What is wrong with a resource, for the tenant that takes it."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One text to be loaded: a bundle or a resource as JSON. `label` says where it came from: a file, a line."""

    label: str
    text: bytes


@dataclass(frozen=True, kw_only=True)
class Remark:
    """Something about a document or one of its entries: where, and what was expected there."""

    label: str
    entry: int | None
    at: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A document's writes. `bundle` is given where it must go through `bundles.execute`, because it asks the record
    (conditions) or is about loops; `rejects` are entries that are not written; `ahead` is what was made of the writes
    ahead of their transaction."""

    document: Document
    writes: Sequence[Write] = ()
    ahead: Sequence[Prepared] | None = None
    bundle: Mapping[str, Any] | None = None
    rejects: tuple[Remark, ...] = ()


def parse(document: Document, tenant_id: int, judge: Judge, *, settle: bool = True) -> Parsed:
    """What the document asks for, without what `judge` finds an error in. With `settle` False bundles
    go through the door of every client, which asks the record about each reference."""
    text = settled(document.text) if settle else None
    try:
        content = decode(text or document.text)
    except Rejected as error:
        return Parsed(document=document, rejects=(_remark(document, None, error.faults),))
    if content.get("resourceType") != "Bundle":
        return _single(document, content, tenant_id, judge)
    entries = content.get("entry") or []
    conditional = _CONDITION.search(document.text) is not None
    if content.get("type") in ("transaction", "batch") and (not settle or conditional or _asks_the_record(entries)):
        return Parsed(document=document, bundle=content if text is None else decode(document.text))
    return _bundle(document, content, entries, tenant_id, judge, linked=text is not None)


def _single(document: Document, resource: dict[str, Any], tenant_id: int, judge: Judge) -> Parsed:
    if not resource.get("id"):
        resource["id"] = derived_id(tenant_id, "load", encode(resource).hex())
    write = Write(
        method="update", resource_type=str(resource.get("resourceType")), id=resource["id"], resource=resource
    )
    if is_loop_task(write):
        return Parsed(document=document, bundle=_as_batch(write))
    faults = _errors(judge, resource)
    if faults:
        return Parsed(document=document, rejects=(_remark(document, None, faults),))
    return Parsed(document=document, writes=(write,))


def _bundle(
    document: Document,
    bundle: Mapping[str, Any],
    entries: Any,
    tenant_id: int,
    judge: Judge,
    *,
    linked: bool,
) -> Parsed:
    """All entries with their links settled, unless they are `linked` already. Of a transaction all or none is written,
    of others what is valid."""
    mapping: dict[str, str] = {}
    writes: list[tuple[int, Write]] = []
    rejects: list[Remark] = []
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        write = _write_of(entry, tenant_id, mapping)
        if write is None:
            fault = Fault(at=f"Bundle.entry[{index}]", expected="a resource, or the deletion of one")
            rejects.append(_remark(document, index, [fault]))
        else:
            writes.append((index, write))
    for index, write in writes:
        if write.resource is not None:
            if not linked:
                rewrite(write.resource, mapping)
            if faults := _errors(judge, write.resource):
                rejects.append(_remark(document, index, [_located(fault, index, write) for fault in faults]))
    if rejects and bundle.get("type") == "transaction":
        return Parsed(document=document, rejects=tuple(rejects))
    refused = {remark.entry for remark in rejects}
    kept = [write for index, write in writes if index not in refused]
    return Parsed(document=document, writes=kept, rejects=tuple(rejects))


def _write_of(entry: Any, tenant_id: int, mapping: dict[str, str]) -> Write | None:
    if not isinstance(entry, dict):
        return None
    request = entry.get("request") or {}
    if request.get("method") == "DELETE":
        kind, _, identity = str(request.get("url", "")).partition("/")
        return Write(method="delete", resource_type=kind, id=identity) if identity else None
    resource, full_url = entry.get("resource"), entry.get("fullUrl")
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return None
    kind, identity = resource["resourceType"], _identity(request, resource, full_url, tenant_id)
    resource["id"] = identity
    if isinstance(full_url, str):
        mapping[full_url] = f"{kind}/{identity}"
    return Write(method="update", resource_type=kind, id=identity, resource=resource)


def _identity(request: Mapping[str, Any], resource: Mapping[str, Any], full_url: Any, tenant_id: int) -> str:
    """The id under which an entry is kept: of its PUT address, its uuid, its own id, else one from its content."""
    if request.get("method") == "PUT":
        return str(request.get("url", "")).rstrip("/").rpartition("/")[2]
    if isinstance(full_url, str) and full_url.startswith(_URN):
        return full_url[len(_URN) :].lower()
    given = resource.get("id")
    return given if isinstance(given, str) and given else derived_id(tenant_id, "load", encode(resource).hex())


def _asks_the_record(entries: Any) -> bool:
    """True where an entry has a condition, is a patch or a read, or is about a loop."""
    return isinstance(entries, list) and any(_asks(entry) for entry in entries if isinstance(entry, dict))


def _asks(entry: Mapping[str, Any]) -> bool:
    request, resource = entry.get("request"), entry.get("resource")
    if not isinstance(request, dict):
        return False
    if request.get("ifNoneExist") or request.get("ifMatch") or "?" in str(request.get("url", "")):
        return True
    if request.get("method") not in ("POST", "PUT", "DELETE"):
        return True
    if not isinstance(resource, dict) or resource.get("resourceType") != "Task":
        return False
    return is_loop_task(Write(method="update", resource_type="Task", resource=resource))


def _as_batch(write: Write) -> dict[str, Any]:
    request = {"method": "PUT", "url": f"{write.resource_type}/{write.id}"}
    return {"resourceType": "Bundle", "type": "batch", "entry": [{"request": request, "resource": write.resource}]}


def _errors(judge: Judge, resource: Mapping[str, Any]) -> list[Fault]:
    return [fault for fault in judge(resource) if fault.severity in ("error", "fatal")]


def _located(fault: Fault, index: int, write: Write) -> Fault:
    rest = fault.at.removeprefix(write.resource_type)
    return Fault(at=f"Bundle.entry[{index}].resource{rest}", expected=fault.expected, code=fault.code)


def _remark(document: Document, entry: int | None, faults: Sequence[Fault]) -> Remark:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    reason = f"expected {faults[0].expected}{more}"
    return Remark(label=document.label, entry=entry, at=faults[0].at, reason=reason)
