"""`Patient/$match`: who may this be (FHIR R4 patient-match). Each answer carries its score and `match-grade`."""

from typing import Any

from careloop.access.policy import require
from careloop.api.operations.model import Operation, OperationCall
from careloop.errors import Rejected
from careloop.fhir.ids import new_id
from careloop.flows import matching
from careloop.flows.interactions import Interaction
from careloop.flows.matching import Matched

Resource = dict[str, Any]

NAMES = ("resource", "onlyCertainMatches", "count", "onlySingleMatch")
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
_USUAL = 20


def run(call: OperationCall) -> Resource:
    """A searchset, best first. `onlySingleMatch` (R5): nothing where more than one patient is certain."""
    given = call.given.only(*NAMES)
    person = given.resource("resource") or call.body
    if person is None or person.get("resourceType") != "Patient":
        raise Rejected(at="resource", expected="a Patient with what is known of the person", code="required")
    only_certain = bool(given.flag("onlyCertainMatches"))
    only_single = bool(given.flag("onlySingleMatch"))
    count = given.number("count", least=1, most=matching.MOST_ANSWERS) or _USUAL

    def work(door: Interaction) -> list[Matched]:
        require(door.principal, "search", "Patient")
        return matching.match(door.app, door.tx, door.principal, person, count=count, only_certain=only_certain)

    found = call.fhir.run(work)
    if only_single and len(found) > 1:
        found = [one for one in found if one.scored.grade == "certain"]
        found = found if len(found) == 1 else []
    return {
        "resourceType": "Bundle",
        "id": new_id(),
        "type": "searchset",
        "total": len(found),
        "entry": [_entry(call.fhir.base, one) for one in found],
    }


def _entry(base: str, one: Matched) -> Resource:
    grade = {"url": GRADE, "valueCode": one.scored.grade.value}
    return {
        "fullUrl": f"{base}/{one.patient.reference}",
        "resource": one.patient.resource,
        "search": {"extension": [grade], "mode": "match", "score": one.scored.score},
    }


OPERATION = Operation(
    name="match",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-match",
    levels=frozenset({"type"}),
    types=("Patient",),
    changes=False,
    run=run,
)
