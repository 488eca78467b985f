"""The entries of a batch or transaction bundle, read and checked before anything is done."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from careloop.errors import Fault, Rejected
from careloop.fhir.dates import parse_instant
from careloop.fhir.jsons import decode_value

MAX_ENTRIES = 20_000

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One request of a bundle. `path` is the address without our base, cut at the slashes; `query` follows the `?`."""

    index: int
    method: str
    path: tuple[str, ...]
    query: str | None
    full_url: str | None
    resource: Mapping[str, Any] | None
    if_match: int | None = None
    if_none_exist: str | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None

    @property
    def at(self) -> str:
        """Where in the bundle this stands."""
        return f"Bundle.entry[{self.index}]"

    @property
    def is_operation(self) -> bool:
        """True where the address calls an operation: `Patient/1/$everything`."""
        return bool(self.path) and self.path[-1].startswith("$")

    @property
    def resource_type(self) -> str:
        """The type that the request is about."""
        return self.path[0] if self.path else ""

    @property
    def resource_id(self) -> str | None:
        """The id in the address, where one is."""
        return self.path[1] if len(self.path) > 1 and not self.path[1].startswith("_") else None


def batch_entries(bundle: Mapping[str, Any]) -> list[Any]:
    """The entries as they stand; `Rejected` where they are no list or too many."""
    entries = bundle.get("entry") or []
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise Rejected(at="Bundle.entry", expected=f"a list of at most {MAX_ENTRIES} entries", code="structure")
    return entries


def read_entries(bundle: Mapping[str, Any], base: str | None = None) -> list[Entry]:
    """The entries of a bundle; `Rejected` with the place of each that is no request."""
    entries = batch_entries(bundle)
    found: list[Entry] = []
    faults: list[Fault] = []
    for index, entry in enumerate(entries):
        try:
            found.append(read_entry(index, entry, base))
        except Rejected as error:
            faults += error.faults
    if faults:
        raise Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)
    return found


def read_entry(index: int, entry: Any, base: str | None = None) -> Entry:
    """One entry; `Rejected` names what is missing."""
    at = f"Bundle.entry[{index}]"
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict):
        raise Rejected(at=f"{at}.request", expected="a request with method and url", code="required")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise Rejected(at=f"{at}.request.method", expected="one of " + ", ".join(METHODS), code="value")
    if not isinstance(url, str) or not url:
        raise Rejected(at=f"{at}.request.url", expected="an address", code="required")
    path, query = _address(url, base)
    if len(path) > 4 or (method in ("POST", "PUT") and not path):
        raise Rejected(at=f"{at}.request.url", expected="Type, Type/id or Type?parameters", code="value")
    resource = entry.get("resource")
    if method in ("POST", "PUT", "PATCH") and not isinstance(resource, dict):
        raise Rejected(at=f"{at}.resource", expected="a resource", code="required")
    return Entry(
        index=index,
        method=method,
        path=path,
        query=query,
        full_url=_text(entry.get("fullUrl")),
        resource=resource,
        if_match=_version(request.get("ifMatch"), f"{at}.request.ifMatch"),
        if_none_exist=_text(request.get("ifNoneExist")),
        if_none_match=_text(request.get("ifNoneMatch")),
        if_modified_since=_instant(request.get("ifModifiedSince"), f"{at}.request.ifModifiedSince"),
    )


def located(error: Rejected, entry: Entry) -> Rejected:
    """The error with its places seen from the bundle: `Patient.birthDate` is `Bundle.entry[3].resource.birthDate`."""
    faults = [replace(fault, at=_inside(fault, entry)) for fault in error.faults]
    return Rejected(at=faults[0].at, expected=faults[0].expected, code=faults[0].code, faults=faults)


def refusal(entry: Entry, place: str, expected: str, code: str = "invalid") -> Rejected:
    """`Rejected` at a place of the entry."""
    return Rejected(at=f"{entry.at}.{place}", expected=expected, code=code)


def refuse_same_names(entries: Sequence[Entry]) -> None:
    """`Rejected` where two entries have one `fullUrl` (R4 bdl-7), or would make the same resource by one condition."""
    seen: set[tuple[str, ...]] = set()
    for entry in entries:
        version = str(((entry.resource or {}).get("meta") or {}).get("versionId", ""))
        names = [("fullUrl", entry.full_url, version)] if entry.full_url is not None else []
        condition = entry.if_none_exist if entry.method == "POST" else entry.query if entry.method == "PUT" else None
        if condition is not None:
            names.append(("condition", entry.resource_type, condition))
        if not seen.isdisjoint(names):
            raise refusal(entry, "fullUrl", "each resource at most once in a transaction", "duplicate")
        seen.update(names)


def patch_of(entry: Entry) -> Any:
    """The JSON Patch that an entry carries as a Binary (FHIR R4 http, section 3.1.0.5.1)."""
    data = (entry.resource or {}).get("data")
    if (entry.resource or {}).get("resourceType") != "Binary" or not isinstance(data, str):
        raise refusal(entry, "resource", "a Binary with a JSON Patch", "structure")
    try:
        return decode_value(base64.b64decode(data, validate=True))
    except (binascii.Error, Rejected) as error:
        raise refusal(entry, "resource.data", "a JSON Patch in base64", "structure") from error


def _inside(fault: Fault, entry: Entry) -> str:
    if fault.at.startswith("Bundle.entry["):
        return fault.at
    kind, dot, rest = fault.at.partition(".")
    if kind == entry.resource_type:
        return f"{entry.at}.resource{dot}{rest}"
    return f"{entry.at}.request ({fault.at})" if fault.at == "search" else f"{entry.at}.resource: {fault.at}"


def _address(url: str, base: str | None) -> tuple[tuple[str, ...], str | None]:
    if base is not None and url.startswith(base):
        url = url[len(base) :]
    path, question, query = url.partition("?")
    parts = tuple(unquote(part) for part in path.strip("/").split("/") if part)
    return parts, query if question else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _version(etag: Any, at: str) -> int | None:
    if etag is None:
        return None
    text = str(etag).removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Rejected(at=at, expected='a version as W/"3"', code="value")
    return int(text)


def _instant(text: Any, at: str) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(str(text), UTC)
    except Rejected as error:
        raise Rejected(at=at, expected="an instant", code="value") from error
