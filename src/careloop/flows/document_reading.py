"""One document as a person reads it: what it is, its text section by section made safe, its original."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.errors import NotFound
from careloop.fhir.narratives import safe_html
from careloop.flows.app import App

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DocumentSection:
    """A part of the text. `html` went through the element allow-list; `facts` counts the facts that came from it."""

    title: str
    html: str
    facts: int
    level: int


@dataclass(frozen=True, kw_only=True)
class DocumentView:
    """A document for the screen. `plain` is the text of a document that has no sections."""

    id: str
    title: str
    kind: str
    written: str
    status: str
    authors: tuple[str, ...]
    custodian: str
    patient_id: str
    patient_name: str
    labels: tuple[str, ...]
    sections: tuple[DocumentSection, ...]
    plain: str
    has_original: bool
    original_type: str


def view(app: App, tx: Transaction, principal: Principal, document_id: str) -> DocumentView:
    """The document; `NotFound` when there is none. That it was read is in the audit trail."""
    for kind in ("DocumentReference", "Composition", "Patient"):
        require(principal, "read", kind)
    document = app.record.read(tx, principal, "DocumentReference", document_id).resource
    composition = _composition(app, tx, principal, document)
    patient = str(document.get("subject", {}).get("reference", ""))
    links = [*document.get("author", ()), document.get("custodian", {})]
    named = [str(one["reference"]) for one in links if one.get("reference")]
    known = app.record.fetch(tx, sorted({*named, *([patient] if patient else [])}))
    names = {reference: _name(stored.resource) for reference, stored in known.items()}
    attachment = _original(document)
    return DocumentView(
        id=document_id,
        title=str(document.get("description") or _words(document.get("type", {}))),
        kind=_words(document.get("type", {})),
        written=str((composition or document).get("date", "")),
        status=str(document.get("status", "")),
        authors=tuple(_shown(one, names) for one in document.get("author", ())),
        custodian=_shown(document.get("custodian", {}), names),
        patient_id=patient.partition("/")[2],
        patient_name=names.get(patient, ""),
        labels=tuple(_label(one) for one in document.get("meta", {}).get("security", ())),
        sections=tuple(_sections((composition or {}).get("section", ()), 2)),
        plain=_plain(document) if composition is None else "",
        has_original=attachment is not None,
        original_type=str((attachment or {}).get("contentType", "")),
    )


def original(app: App, tx: Transaction, principal: Principal, document_id: str) -> bytes:
    """The bytes as they came; `NotFound` where the document has none with us."""
    require(principal, "read", "DocumentReference")
    document = app.record.read(tx, principal, "DocumentReference", document_id).resource
    attachment = _original(document)
    if attachment is None:
        raise NotFound("there is no original of this document")
    data = attachment.get("data")
    if data is None:
        require(principal, "read", "Binary")
        binary = app.record.read(tx, principal, "Binary", str(attachment["url"]).partition("/")[2])
        data = binary.resource.get("data", "")
    try:
        return base64.b64decode(str(data))
    except binascii.Error:
        raise NotFound("the original of this document cannot be read") from None


def _original(document: Json) -> Json | None:
    """The attachment that holds the document itself: with us, never at another address."""
    for content in document.get("content", ()):
        attachment: Json = content.get("attachment", {})
        if attachment.get("data") or str(attachment.get("url", "")).startswith("Binary/"):
            return attachment
    return None


def _composition(app: App, tx: Transaction, principal: Principal, document: Json) -> Json | None:
    """The Composition of the same document, found by the identifier that both carry."""
    number = document.get("masterIdentifier", {})
    if not number.get("value"):
        return None
    token = f"{number.get('system', '')}|{number['value']}"
    for stored in app.record.follow(tx, "Composition", [("identifier", token)]):
        if stored.resource.get("subject", {}).get("reference") == document.get("subject", {}).get("reference"):
            return app.record.read(tx, principal, "Composition", stored.id).resource
    return None


def _sections(sections: Sequence[Json], level: int) -> list[DocumentSection]:
    found = []
    for one in sections:
        div = str(one.get("text", {}).get("div", ""))
        title = str(one.get("title") or _words(one.get("code", {})))
        facts = len(one.get("entry", ()))
        found.append(DocumentSection(title=title, html=safe_html(div) if div else "", facts=facts, level=level))
        found += _sections(one.get("section", ()), min(level + 1, 4))
    return found


def _plain(document: Json) -> str:
    """The text of a note that stands in the resource itself."""
    for content in document.get("content", ()):
        attachment = content.get("attachment", {})
        if str(attachment.get("contentType", "")).startswith("text/plain") and attachment.get("data"):
            try:
                return base64.b64decode(str(attachment["data"])).decode("utf-8", "replace")
            except binascii.Error:
                return ""
    return str(document.get("description", ""))


def _words(concept: Json) -> str:
    codings = concept.get("coding", ())
    return str(concept.get("text") or next((one["display"] for one in codings if one.get("display")), "Document"))


def _label(coding: Json) -> str:
    return str(coding.get("display") or coding.get("code", ""))


def _shown(reference: Json, names: Mapping[str, str]) -> str:
    return names.get(str(reference.get("reference")), "") or str(reference.get("display", "unknown"))


def _name(resource: Json) -> str:
    name = resource.get("name")
    if isinstance(name, str):
        return name
    if isinstance(name, list) and name:
        first = name[0]
        parts = [*first.get("prefix", ()), *first.get("given", ()), first.get("family", ""), *first.get("suffix", ())]
        return " ".join(str(part) for part in parts if part) or str(first.get("text", ""))
    devices = resource.get("deviceName") or ()
    return str(next((one.get("name", "") for one in devices), "")) or str(resource.get("type", {}).get("text", ""))
