"""`$export` (Bulk Data Access 2.0): everything, what is about patients, or what is about the patients of a Group."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from careloop.access.policy import require
from careloop.api.bulk import accepted
from careloop.api.fhir_answers import Answer
from careloop.api.operations.model import Level, Operation, OperationCall, Parameters
from careloop.errors import Rejected
from careloop.fhir.grammar import parse_search
from careloop.flows import bulk_jobs, exporting
from careloop.flows.exporting import NDJSON, PARQUET, Wanted
from careloop.record.bulk import Extent

_DEFINITIONS = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
_FORMATS = {
    "application/fhir+ndjson": NDJSON,
    "application/ndjson": NDJSON,
    "ndjson": NDJSON,
    PARQUET: PARQUET,
    "parquet": PARQUET,
}
_KNOWN = ("_outputFormat", "_since", "_type", "_typeFilter", "patient")


def _run(call: OperationCall) -> Answer:
    if "respond-async" not in (call.fhir.header("prefer") or ""):
        raise Rejected(at="Prefer", expected="respond-async: an export is made while you wait elsewhere", code="value")
    given = _known(call)
    extent = _extent(call, given)
    types = tuple(dict.fromkeys(given.texts("_type")))
    filters = _filters(call, given.all("_typeFilter"), types)
    wanted = Wanted(types=types, extent=extent, filters=filters, output_format=_format(given))
    request = f"{call.fhir.base}{call.fhir.request.url.path.partition('/fhir')[2]}"
    query = f"?{call.fhir.query}" if call.fhir.query else ""
    return accepted(
        call.fhir.request, bulk_jobs.ask_export(call.fhir.app, call.fhir.principal, request + query, wanted)
    )


def _known(call: OperationCall) -> Parameters:
    """`handling=lenient` leaves out what we do not know; else it is refused by name."""
    if "handling=lenient" in (call.fhir.header("prefer") or ""):
        return Parameters(tuple(pair for pair in call.given.pairs if pair[0] in _KNOWN))
    return call.given.only(*_KNOWN)


def _extent(call: OperationCall, given: Parameters) -> Extent:
    since = _since(given.text("_since"))
    if call.resource_type is None:
        return Extent(since=since)
    chosen = tuple(_patients(given.all("patient")))
    if call.resource_type == "Patient":
        return Extent(since=since, of_patients=True, patients=chosen or None)
    group_id = str(call.resource_id)
    require(call.fhir.principal, "read", "Group")
    found = call.fhir.run(lambda door: exporting.members(door.app, door.tx, door.principal, group_id))
    return Extent(since=since, of_patients=True, patients=tuple(one for one in found if not chosen or one in chosen))


def _patients(given: Sequence[object]) -> list[str]:
    found = []
    for one in given:
        reference = str(one.get("reference", "") if isinstance(one, dict) else one)
        kind, _, identity = reference.rpartition("/")
        if kind.rpartition("/")[2] not in ("", "Patient") or not identity:
            raise Rejected(at="patient", expected="references to Patients", code="value")
        found.append(identity)
    return found


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise Rejected(at="_since", expected="an instant", code="value") from error
    if found.tzinfo is None:
        raise Rejected(at="_since", expected="an instant with its offset", code="value")
    return found


def _format(given: Parameters) -> str:
    asked = (given.text("_outputFormat") or "ndjson").replace(" ", "+")
    if asked not in _FORMATS:
        raise Rejected(at="_outputFormat", expected=" or ".join(_FORMATS), code="not-supported")
    return _FORMATS[asked]


def _filters(call: OperationCall, given: Sequence[object], types: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Searches by type: a type with several has what satisfies one of them."""
    found: dict[str, tuple[str, ...]] = {}
    for text in map(str, given):
        resource_type, _, query = text.partition("?")
        if not call.fhir.app.record.definitions.of(resource_type) or not query:
            raise Rejected(at="_typeFilter", expected="searches as Type?name=value", code="value")
        if types and resource_type not in types:
            raise Rejected(at="_typeFilter", expected="types that stand in _type", code="value")
        parse_search(resource_type, parse_qsl(query, keep_blank_values=True), call.fhir.app.record.definitions)
        found[resource_type] = (*found.get(resource_type, ()), query)
    return found


def _operation(level: Level, name: str, types: tuple[str, ...]) -> Operation:
    return Operation(
        name="export", definition=f"{_DEFINITIONS}/{name}", levels=frozenset({level}), types=types, run=_run
    )


SYSTEM = _operation("system", "export", ())
PATIENT = _operation("type", "patient-export", ("Patient",))
GROUP = _operation("instance", "group-export", ("Group",))
