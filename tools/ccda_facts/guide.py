"""The examples of the C-CDA guide: fragments without namespaces, put into a document so that they can be read."""

import re

_NAMESPACES = (
    'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:sdtc="urn:hl7-org:sdtc" '
    'xmlns:voc="urn:hl7-org:v3/voc" xmlns:cda="urn:hl7-org:v3"'
)
_HEADER = (
    "<ClinicalDocument {namespaces}>{before}"
    '<id root="2.16.840.1.113883.19.5" extension="guide"/>'
    '<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Guide example</title>'
    '<effectiveTime value="20230101"/>{target}{middle}'
    "<component><structuredBody>{sections}</structuredBody></component></ClinicalDocument>"
)
_TARGET = (
    '<recordTarget><patientRole><id root="2.16.840.1.113883.19.5" extension="1"/>'
    "<patient><name><given>Ex</given><family>Ample</family></name></patient></patientRole></recordTarget>"
)
_IN_HEADER = ("author", "participant", "custodian", "documentationOf", "componentOf", "legalAuthenticator", "informant",
              "relatedDocument", "authenticator", "dataEnterer", "informationRecipient")  # fmt: skip


def wrapped(raw: bytes) -> bytes:
    """A whole document as it is; a fragment where it belongs in a small document."""
    text = raw.decode("utf-8", errors="replace").lstrip("\ufeff")
    text = re.sub(r"<\?[^>]*\?>", "", text)
    body = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL).strip()
    name = re.match(r"<(?:\w+:)?(\w+)", body)
    root = name[1] if name else ""
    if root == "ClinicalDocument":
        if "urn:hl7-org:v3" not in body[: body.find(">")]:
            body = body.replace("<ClinicalDocument", f"<ClinicalDocument {_NAMESPACES}", 1)
        return body.encode()
    parts = {"before": "", "middle": "", "target": _TARGET, "sections": ""}
    if root in ("recordTarget",):
        parts["target"] = body
    elif root == "patientRole":
        parts["target"] = f"<recordTarget>{body}</recordTarget>"
    elif root in _IN_HEADER:
        parts["middle"] = body
    elif root == "section":
        parts["sections"] = f"<component>{body}</component>"
    elif root == "component":
        parts["sections"] = body
    else:
        inner = body if root == "entry" else f"<entry>{body}</entry>"
        parts["sections"] = f"<component><section><title>Example</title><text/>{inner}</section></component>"
    return _HEADER.format(namespaces=_NAMESPACES, **parts).encode()
