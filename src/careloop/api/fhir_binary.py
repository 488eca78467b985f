"""`Binary` as its content: raw in, raw out, made safe for a browser (FHIR R4 binary, security.md §5)."""

import base64
import binascii
from typing import Any

from litestar.exceptions import HTTPException

from careloop.api.fhir_answers import Answer, is_known, version_headers
from careloop.api.fhir_media import safe_type, wants_raw
from careloop.api.fhir_requests import AnyRequest, FhirRequest
from careloop.errors import Rejected
from careloop.record import Stored

_SANDBOXED = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


def raw_answer(fhir: FhirRequest, stored: Stored) -> Answer | None:
    """The content itself where the client accepts its type by name, None where it wants the resource in JSON."""
    kind = str(stored.resource.get("contentType", ""))
    if b"_format" in fhir.request.scope["query_string"] or not wants_raw(fhir.header("accept"), kind):
        return None
    headers = {**_SANDBOXED, **version_headers(stored.version, stored.last_updated)}
    if is_known(fhir, stored):
        return Answer(b"", status_code=304, headers=headers)
    return Answer(_decoded(stored), status_code=200, media_type=safe_type(kind), headers=headers)


def binary_of(request: AnyRequest, body: bytes) -> dict[str, Any]:
    """The Binary that holds a body of any type but JSON of FHIR. `X-Security-Context` names what it belongs to."""
    if not body:
        raise Rejected(at="body", expected="the content of the Binary", code="required")
    resource: dict[str, Any] = {"resourceType": "Binary", "contentType": request.headers["content-type"].strip()}
    if context := request.headers.get("x-security-context"):
        resource["securityContext"] = {"reference": context}
    return {**resource, "data": base64.b64encode(body).decode()}


def _decoded(stored: Stored) -> bytes:
    try:
        return base64.b64decode(stored.resource.get("data", ""))
    except binascii.Error as error:
        raise HTTPException(status_code=406, detail="the content cannot be given but as JSON") from error
