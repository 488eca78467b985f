"""Entries of a bundle that read: GET and HEAD of a resource, a version, a history, a search."""

from urllib.parse import parse_qsl

from careloop.flows.bundle_answers import Resource, answer_of_read, etag_of, history_bundle, not_modified, page_bundle
from careloop.flows.bundle_entries import Entry, refusal
from careloop.flows.histories import read_asked
from careloop.flows.interactions import Interaction
from careloop.record import Stored


def answer_to_get(door: Interaction, entry: Entry, base: str | None) -> Resource:
    """The response entry of one read; the resource is left out for HEAD."""
    answer = _answer(door, entry, base)
    if entry.method == "HEAD":
        answer.pop("resource", None)
    return answer


def _answer(door: Interaction, entry: Entry, base: str | None) -> Resource:
    pairs = parse_qsl(entry.query or "", keep_blank_values=True)
    match entry.path:
        case ("_history",):
            return _ok(history_bundle(door.history(None, None, read_asked(pairs)), base or "", ()))
        case (kind, "_history"):
            return _ok(history_bundle(door.history(kind, None, read_asked(pairs)), base or "", ()))
        case (kind, identity, "_history"):
            return _ok(history_bundle(door.history(kind, identity, read_asked(pairs)), base or "", ()))
        case (kind, identity, "_history", version) if version.isdecimal() and len(version) < 10:
            return _read(entry, door.vread(kind, identity, int(version)))
        case (kind,) if not kind.startswith(("_", "$")):
            return _ok(page_bundle(door.search(kind, pairs, base), base))
        case (kind, identity) if not identity.startswith(("_", "$")):
            return _read(entry, door.read(kind, identity))
    expected = "Type/id, Type/id/_history/version, a history or Type?parameters"
    raise refusal(entry, "request.url", expected, "not-supported")


def _read(entry: Entry, stored: Stored) -> Resource:
    if entry.if_none_match is not None:
        known = [one.strip() for one in entry.if_none_match.split(",")]
        return not_modified(stored) if etag_of(stored.version) in known else answer_of_read(stored)
    since = entry.if_modified_since
    return not_modified(stored) if since is not None and stored.last_updated <= since else answer_of_read(stored)


def _ok(resource: Resource) -> Resource:
    return {"resource": resource, "response": {"status": "200 OK"}}
