"""What a FHIR request says: address, parameters, conditions, preferences, body. Refuses what cannot be understood."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.concurrency import sync_to_thread
from litestar.exceptions import HTTPException

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.api.authentication import app_of
from careloop.api.fhir_media import JSON_TYPES as JSON_TYPES
from careloop.api.fhir_media import NotOffered, media_type_for, speaks_our_version
from careloop.errors import Rejected
from careloop.fhir.jsons import decode_strictly, decode_value
from careloop.flows import audit_trail, lanes
from careloop.flows.app import App
from careloop.flows.gathering import Gatherer
from careloop.flows.interactions import Interaction
from careloop.record import Stored, Write, Written
from careloop.record.search import Steps

AnyRequest = Request[Any, Any, Any]
Pairs = list[tuple[str, str]]
Result = TypeVar("Result")

PATCH_TYPE = "application/json-patch+json"
FORM_TYPE = "application/x-www-form-urlencoded"
RETURNS = ("minimal", "representation", "OperationOutcome")
_MOST_PAIRS = 300


@dataclass(frozen=True)
class FhirRequest:
    """One request by a known principal."""

    request: AnyRequest
    principal: Principal

    @property
    def app(self) -> App:
        """The running app."""
        return app_of(self.request)

    @property
    def base(self) -> str:
        """The FHIR base address under which the client reaches us."""
        return base_of(self.request)

    def run(self, work: Callable[[Interaction], Result]) -> Result:
        """`work` in one committed transaction of the principal's tenant."""
        return self.app.database.run(
            self.principal.tenant_id,
            lambda tx: work(Interaction(app=self.app, tx=tx, principal=self.principal)),
            actor=self.principal.id,
            sight=self.principal.narrowing,
        )

    async def alone(self, work: Callable[[Interaction], Result]) -> Result:
        """The same from an event loop, in a thread and a transaction of its own."""
        return await sync_to_thread(self.run, work)

    async def look(self, work: Callable[[Interaction], Result]) -> Result:
        """`work`, which only reads, with others that arrive now (`flows.gathering`)."""
        result: Result = await self._gatherer.ask(lanes.LOOK, self.principal, work)
        return result

    async def search(self, work: Callable[[Interaction], Steps[Result]]) -> Result:
        """The same for a search, whose statements leave for the database with those of others."""
        result: Result = await self._gatherer.ask(lanes.SEARCH, self.principal, work)
        return result

    async def read(self, resource_type: str, resource_id: str) -> Stored:
        """The current version, read with others that arrive now."""
        if resource_type == audit_trail.RESOURCE_TYPE:
            return await self.look(lambda door: door.read(resource_type, resource_id))
        require(self.principal, "read", resource_type)
        wanted = lanes.Wanted(resource_type, resource_id)
        stored: Stored = await self._gatherer.ask(lanes.RECORD, self.principal, wanted)
        return stored

    async def write(self, write: Write) -> Written:
        """Written with others that arrive now. An update may create, so whoever may not create goes another way."""
        require(self.principal, write.method, write.resource_type)
        written: Written = await self._gatherer.ask(lanes.RECORD, self.principal, write)
        return written

    @property
    def _gatherer(self) -> Gatherer:
        state = self.request.app.state
        if "gatherer" not in state:
            state.gatherer = Gatherer(self.app)
        gatherer: Gatherer = state.gatherer
        return gatherer

    @property
    def query(self) -> str:
        """The query as it stands in the address."""
        return str(self.request.scope["query_string"], "latin-1")

    def parameters(self, form: bytes | None = None) -> Pairs:
        """The parameters of the address, and those of a form."""
        return [*_pairs(self.query), *_pairs(_text(form or b""))]

    def header(self, name: str) -> str | None:
        """A header's value, None where it is missing or empty."""
        return self.request.headers.get(name) or None

    @property
    def if_match(self) -> int | None:
        """The version that `If-Match` names."""
        etag = self.header("if-match")
        return None if etag is None else version_of(etag, "If-Match")

    @property
    def if_none_match(self) -> str | None:
        """`If-None-Match` as given: an ETag or `*`."""
        return self.header("if-none-match")

    @property
    def if_modified_since(self) -> datetime | None:
        """The instant of `If-Modified-Since`; None where it is missing or unreadable, as RFC 9110 has it."""
        text = self.header("if-modified-since")
        try:
            found = parsedate_to_datetime(text) if text else None
        except ValueError:
            return None
        return found.replace(tzinfo=found.tzinfo or UTC) if found else None

    @property
    def lenient(self) -> bool:
        """True for `Prefer: handling=lenient`: unknown search parameters are to be left aside."""
        return "handling=lenient" in (self.header("prefer") or "").replace(" ", "").replace('"', "")

    @property
    def prefers(self) -> str:
        """`minimal`, `representation` or `OperationOutcome`."""
        return self.preferred_return or "representation"

    @property
    def preferred_return(self) -> str | None:
        """What `Prefer: return=` asks for, None where it asks for nothing that we know. Other preferences are ignored
        (RFC 7240 section 2), `respond-async` too: the answer comes at once."""
        for part in (self.header("prefer") or "").replace(";", ",").split(","):
            name, _, value = part.strip().partition("=")
            if name.strip() == "return" and value.strip('" ') in RETURNS:
                return value.strip('" ')
        return None


def base_of(request: AnyRequest) -> str:
    """The FHIR base address: the public one where it is set, else the one that was asked."""
    public = app_of(request).settings.public_url
    return (public or str(request.base_url)).rstrip("/") + "/fhir"


def check_accept(request: AnyRequest) -> None:
    """406 where the client wants something else than FHIR R4 in JSON."""
    wanted_media(request)


def wanted_media(request: AnyRequest) -> str:
    """The media type of the answer; 406 where the client wants one that we do not speak."""
    try:
        return media_type_for(_format_of(request), request.headers.get("accept"))
    except NotOffered as error:
        raise HTTPException(status_code=406, detail="this server speaks FHIR R4 in JSON") from error


def _format_of(request: AnyRequest) -> str | None:
    if b"_format" not in request.scope["query_string"]:
        return None
    return take(_pairs(request.url.query), "_format")


def resource_body(request: AnyRequest, body: bytes, resource_type: str) -> dict[str, Any]:
    """The resource of that type in the body; 415 for another type of content, `Rejected` for anything else."""
    check_content(request, JSON_TYPES)
    resource = decode_strictly(body)
    if resource.get("resourceType") != resource_type:
        raise Rejected(at="resourceType", expected=resource_type, code="structure")
    return resource


def patch_body(request: AnyRequest, body: bytes) -> Any:
    """The operations of a JSON Patch."""
    check_content(request, (PATCH_TYPE,))
    return decode_value(body)


def form_body(request: AnyRequest, body: bytes) -> bytes:
    """The form of a POST _search."""
    if body:
        check_content(request, (FORM_TYPE,))
    return body


def version_of(etag: str, at: str) -> int:
    """The version in `W/"3"`."""
    text = etag.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Rejected(at=at, expected='a version as W/"3"', code="value")
    return int(text)


def take(pairs: Sequence[tuple[str, str]], name: str) -> str | None:
    """The last value of a parameter."""
    return next((value for key, value in reversed(pairs) if key == name), None)


def check_content(request: AnyRequest, allowed: Sequence[str]) -> None:
    """415 for a body of another type than these, or of another release of FHIR."""
    given = request.headers.get("content-type", allowed[0])
    if content_type(request) not in allowed and given:
        raise HTTPException(status_code=415, detail="expected content of type " + " or ".join(allowed))
    if not speaks_our_version(given):
        raise HTTPException(status_code=415, detail="expected fhirVersion 4.0")


def content_type(request: AnyRequest) -> str:
    """The media type of the body, without parameters; empty where none is given."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _pairs(text: str) -> Pairs:
    try:
        return parse_qsl(text, keep_blank_values=False, max_num_fields=_MOST_PAIRS, errors="strict")
    except (ValueError, UnicodeDecodeError) as error:
        raise Rejected(at="search", expected=f"at most {_MOST_PAIRS} parameters in UTF-8", code="value") from error


def _text(form: bytes) -> str:
    try:
        return form.decode()
    except UnicodeDecodeError as error:
        raise Rejected(at="body", expected="a form in UTF-8", code="structure") from error


def raw(text: str) -> msgspec.Raw:
    """Stored text, to be put into an answer as it is."""
    return msgspec.Raw(text.encode())
