"""The links inside a bundle settled in its text, before it is read: a search for one pattern in the bytes costs a third
of a walk over everything that was read. Only for bundles of which nothing else could be a link (the usual ones);
`fhir.references.rewrite` is the rule, and does all others."""

import re
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

import msgspec

_URN = b"urn:uuid:"
_REFERENCE = re.compile(rb'"reference"\s*:\s*"(urn:uuid:[^"\\]*)"')
_ESCAPED = re.compile(rb"\\u00[0-7]")
"""A letter that need not be escaped: an address written so is not found by its bytes."""


class _Resource(TypedDict, total=False):
    resourceType: str


class _Request(TypedDict, total=False):
    method: str


class _Entry(TypedDict, total=False):
    fullUrl: str
    resource: _Resource
    request: _Request


class _Bundle(TypedDict):
    resourceType: Literal["Bundle"]
    entry: list[_Entry]


_outline = msgspec.json.Decoder(_Bundle)


def settled(text: bytes) -> bytes | None:
    """The bundle with each `Reference.reference` to one of its entries as `Type/id`. None where the text alone cannot
    say: entries that are not posted with a uuid of their own, or an address of an entry in another place."""
    if _URN not in text or _ESCAPED.search(text):
        return None
    try:
        entries = _outline.decode(text)["entry"]
        links = {entry["fullUrl"].encode(): _link(entry) for entry in entries}
    except (msgspec.DecodeError, UnicodeError, RecursionError, KeyError):
        return None
    if not all(links.values()) or len(links) != len(entries):
        return None
    new = _REFERENCE.sub(lambda found: links.get(found[1]) or found[0], text)
    return new if new.count(_URN) == len(links) else None


def _link(entry: Mapping[str, Any]) -> bytes:
    """What a reference to the entry reads; nothing where its id does not follow from its uuid alone."""
    address, kind = entry["fullUrl"], entry["resource"]["resourceType"]
    posted = entry.get("request", {}).get("method", "POST") == "POST"
    if not posted or not address.startswith("urn:uuid:") or not kind.isidentifier():
        return b""
    return f'"reference":"{kind}/{address[9:].lower()}"'.encode()
