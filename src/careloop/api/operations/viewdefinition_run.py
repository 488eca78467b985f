"""`$viewdefinition-run`: the rows of a ViewDefinition (SQL on FHIR v2), as JSON, NDJSON, CSV or Parquet."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from careloop.api import fhir_answers as answers
from careloop.api.fhir_answers import Answer
from careloop.api.operations.model import Operation, OperationCall, Parameters
from careloop.errors import Rejected
from careloop.fhir.dates import interval
from careloop.fhir.jsons import encode
from careloop.fhir.viewdefinition import View
from careloop.fhir.viewdefinition.model import Row
from careloop.flows import view_files, views
from careloop.flows.interactions import Interaction
from careloop.record.scanning import Scope

NAMES = ("viewResource", "viewReference", "_format", "header", "_limit", "patient", "_since", "resource")
MOST_ROWS = 200_000
"""Rows of one answer; a bigger view is published, written by the command, or asked for with `_limit`."""


def run(call: OperationCall) -> Answer:
    """The rows of the view that was sent (`viewResource`) or named (`viewReference`, one of ours).

    Over the record, or over the resources that were sent. Refused where a row does not fit its columns.
    """
    given = call.given.only(*NAMES)
    form = _format(call, given)
    limit = given.number("_limit", least=1, most=MOST_ROWS)
    resources = given.all("resource")

    def work(door: Interaction) -> bytes:
        view = views.view_of(_definition(door, call, given))
        rows: Iterable[list[Row]]
        if resources:
            rows = [[row for one in resources for row in view.rows(_checked(one))][:limit]]
        else:
            rows = views.run(door.tx, door.principal, view, scope=_scope(view, given), limit=limit)
        rows = rows if limit is not None else _bounded(rows)
        return b"".join(view_files.chunks(view, rows, form, header=given.flag("header") is not False))

    content = call.fhir.run(work)
    return Answer(
        content, status_code=200, media_type=view_files.MEDIA_TYPES[form], headers=dict(answers.answer(b"").headers)
    )


def _format(call: OperationCall, given: Parameters) -> str:
    """`_format` as a word or a media type; NDJSON where it is left out."""
    in_address = (value for name, value in call.fhir.parameters() if name == "_format")
    asked = given.text("_format") or next(in_address, None)
    if asked is None or asked in view_files.FORMATS:
        return asked or "ndjson"
    for form, media_type in view_files.MEDIA_TYPES.items():
        if asked == media_type.split(";")[0]:
            return form
    raise Rejected(at="_format", expected="one of " + ", ".join(view_files.FORMATS), code="not-supported")


def _definition(door: Interaction, call: OperationCall, given: Parameters) -> Any:
    sent = given.resource("viewResource") or call.body
    named = given.one("viewReference")
    if (sent is None) == (named is None):
        raise Rejected(at="viewResource", expected="a view, or the reference of one of ours", code="required")
    if sent is not None:
        return sent
    reference = named.get("reference") if isinstance(named, dict) else named
    name = str(reference or "").removeprefix("ViewDefinition/").removeprefix("urn:careloop:view:")
    return views.shipped(door.app.catalog, name)


def _bounded(sets: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """The same rows; `Rejected` where there are more than one answer holds. Never quietly a part of them."""
    count = 0
    for rows in sets:
        count += len(rows)
        if count > MOST_ROWS:
            raise Rejected(at="_limit", expected=f"a view of at most {MOST_ROWS} rows, or a limit", code="too-costly")
        yield rows


def _checked(resource: Any) -> dict[str, Any]:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise Rejected(at="resource", expected="a resource", code="structure")
    encode(resource)
    return resource


def _scope(view: View, given: Parameters) -> Scope:
    patient = given.one("patient")
    reference = patient.get("reference") if isinstance(patient, dict) else patient
    patient_id = str(reference).removeprefix("Patient/") if reference else None
    return Scope(resource_type=view.resource_type, patient_id=patient_id, since=_since(given))


def _since(given: Parameters) -> datetime | None:
    text = given.text("_since")
    if text is None:
        return None
    if "T" not in text:
        raise Rejected(at="_since", expected="an instant", code="value")
    return interval(text, UTC)[0]


OPERATION = Operation(
    name="viewdefinition-run",
    definition="http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run",
    levels=frozenset({"system", "type"}),
    types=("ViewDefinition",),
    changes=False,
    run=run,
)
