"""The body of an unstructured document as attachments. The original document's own attachment is added when it is
stored. Pure."""

import base64
import binascii
import re

from careloop.fhir.xmls import Element, text_of
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.values import Context

_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.ASCII)


def unstructured(root: Element, context: Context) -> list[Json]:
    """The attachment of a nonXMLBody: its bytes, or the address it names, which is kept and never fetched."""
    body = root.find("component/nonXMLBody/text")
    if body is None:
        return []
    media = (body.get("mediaType") or "text/plain").strip().lower()
    attachment: Json = {"contentType": media if _TYPE.fullmatch(media) else "application/octet-stream"}
    reference = body.find("reference")
    if reference is not None and reference.get("value"):
        attachment["url"] = "".join((reference.get("value") or "").split())
    elif body.get("representation") == "B64":
        data = _base64(text_of(body))
        if data is None:
            return []
        attachment["data"] = data
    else:
        attachment["data"] = base64.b64encode(text_of(body).encode()).decode()
    return [{"attachment": attachment}]


def _base64(text: str) -> str | None:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(raw).decode() or None
