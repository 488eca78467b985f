"""Response entries and searchset bundles. Stored texts are put in as they are, never decoded for it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from careloop.errors import CareloopError, Fault
from careloop.events import ChangeKind
from careloop.fhir.ids import is_random
from careloop.fhir.jsons import encode
from careloop.flows.outcomes import outcome, outcome_of, status_line, status_of
from careloop.record import HistoryPage, SearchPage, Stored, Written
from careloop.record.content import instant

Resource = dict[str, Any]

_STATUS = {ChangeKind.CREATED: 201, ChangeKind.DELETED: 204}
_LATER = {ChangeKind.CREATED: "PUT", ChangeKind.UPDATED: "PUT", ChangeKind.DELETED: "DELETE"}
_METHODS = {**_LATER, ChangeKind.CREATED: "POST"}


def answer_of(written: Written | None, *, prefers: str | None = None, warnings: Sequence[Fault] = ()) -> Resource:
    """The response entry of a write; None is a delete that found nothing."""
    if written is None:
        return {"response": {"status": status_line(204)}}
    response: Resource = {"status": status_line(_STATUS.get(written.change, 200))}
    if written.version:
        response |= {
            "location": written.versioned_reference,
            "etag": etag_of(written.version),
            "lastModified": instant(written.last_updated),
        }
    told = (*warnings, *written.warnings)
    if told or prefers == "OperationOutcome":
        response["outcome"] = outcome(told)
    if prefers == "representation" and (content := content_of(written)) is not None:
        return {"resource": msgspec.Raw(content), "response": response}
    return {"response": response}


def content_of(written: Written) -> bytes | None:
    """The text of what was written, None after a deletion."""
    if written.text is not None:
        return written.text.encode()
    return encode(written.resource) if written.resource is not None else None


def answer_of_read(stored: Stored) -> Resource:
    """The response entry of a read."""
    said = {"status": status_line(200), "location": stored.versioned_reference, "etag": etag_of(stored.version)}
    return {
        "resource": msgspec.Raw(stored.text.encode()),
        "response": {**said, "lastModified": instant(stored.last_updated)},
    }


def not_modified(stored: Stored) -> Resource:
    """The response entry of a read whose version the client has already."""
    return {"response": {"status": status_line(304), "etag": etag_of(stored.version)}}


def refused(error: CareloopError) -> Resource:
    """The response entry of a request that could not be carried out."""
    status = status_of(error, writing=True)
    return {"response": {"status": status_line(status), "outcome": outcome_of(error)}}


def etag_of(version: int) -> str:
    """The weak ETag of a version."""
    return f'W/"{version}"'


def page_bundle(
    page: SearchPage, base: str | None, links: Sequence[tuple[str, str]] = (), texts: dict[str, bytes] | None = None
) -> Resource:
    """A page of a search. `texts` replaces the stored text of a resource by its reference (`_elements`, `_summary`)."""
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        bundle["total"] = page.total
    if links:
        bundle["link"] = [{"relation": relation, "url": url} for relation, url in links]
    entries = [_entry(one, base, "match", texts) for one in page.entries]
    entries += [_entry(one, base, "include", texts) for one in page.included]
    if page.warnings:
        entries.append({"resource": outcome(page.warnings), "search": {"mode": "outcome"}})
    if entries:
        bundle["entry"] = entries
    return bundle


def page_text(
    page: SearchPage, base: str, links: Sequence[tuple[str, str]], texts: dict[str, bytes] | None = None
) -> bytes:
    """`page_bundle` as the text of its JSON: the entries are put together as they leave."""
    bundle = page_bundle(SearchPage(entries=(), total=page.total, warnings=()), base, links)
    start = encode(f"{base or ''}/".lstrip("/"))[1:-1].decode()
    entries = [_entry_text(one, start, "match", texts) for one in page.entries]
    entries += [_entry_text(one, start, "include", texts) for one in page.included]
    if page.warnings:
        entries.append(encode({"resource": outcome(page.warnings), "search": {"mode": "outcome"}}).decode())
    if not entries:
        return encode(bundle)
    return encode(bundle)[:-1] + (',"entry":[' + ",".join(entries) + "]}").encode()


def _entry_text(stored: Stored, start: str, mode: str, texts: dict[str, bytes] | None) -> str:
    part = texts.get(stored.reference) if texts else None
    text = stored.text if part is None else part.decode()
    url = f"{start}{stored.resource_type}/{stored.id}"
    return f'{{"fullUrl":"{url}","resource":{text},"search":{{"mode":"{mode}"}}}}'


def _entry(stored: Stored, base: str | None, mode: str, texts: dict[str, bytes] | None) -> Resource:
    text = texts.get(stored.reference) if texts else None
    return {
        "fullUrl": f"{base or ''}/{stored.reference}".lstrip("/"),
        "resource": msgspec.Raw(text or stored.text.encode()),
        "search": {"mode": mode},
    }


def history_bundle(page: HistoryPage, base: str, links: Sequence[tuple[str, str]]) -> Resource:
    """A history, newest first. A deletion has no resource."""
    entries = []
    for one in page.entries:
        stored = one.stored
        entry: Resource = {"fullUrl": f"{base}/{stored.reference}".lstrip("/")}
        if not stored.deleted:
            entry["resource"] = msgspec.Raw(stored.text.encode())
        method = _METHODS[one.change] if stored.version == 1 and is_random(stored.id) else _LATER[one.change]
        url = stored.resource_type if method == "POST" else f"{stored.resource_type}/{quote(stored.id)}"
        entry["request"] = {"method": method, "url": url}
        entry["response"] = {
            "status": status_line(_STATUS.get(one.change, 200)),
            "etag": etag_of(stored.version),
            "lastModified": instant(stored.last_updated),
        }
        entries.append(entry)
    bundle: Resource = {"resourceType": "Bundle", "type": "history"}
    if page.total is not None:
        bundle["total"] = page.total
    if links:
        bundle["link"] = [{"relation": relation, "url": url} for relation, url in links]
    return bundle | ({"entry": entries} if entries else {})
