"""Case files of folding and contradictions: facts by name, and which are one matter or contradict each other.

A case has `facts` (name to a line) and `together` (groups of names that are one matter; all others stand alone) or
`finds` (rule to the names on both sides; nothing else may be found). A line says `from` (the source) and one of
`problem`, `medicine`, `takes`, `allergy`, `result`, `vaccine`, `procedure`, `visit`, `document`, `person`, `resource`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from careloop.errors import Fault
from careloop.longitudinal.content import Longitudinal
from careloop.longitudinal.model import Fact, Source, SourceKind
from careloop.longitudinal.rules.contradictions import find
from careloop.longitudinal.rules.folding import fold

Line = Mapping[str, Any]


def is_case(case: Any) -> bool:
    """True for a case of this kind."""
    return isinstance(case, Mapping) and "facts" in case


def run_case(case: Line, content: Longitudinal) -> list[Fault]:
    """What of the case is not so; its facts are tried in both orders."""
    try:
        facts = [_fact(name, line) for name, line in case["facts"].items()]
        told = [text for some in (facts, facts[::-1]) for text in _wrong(case, some, content)]
    except (KeyError, ValueError, TypeError) as error:
        told = [f"a case that can be read ({type(error).__name__}: {error})"]
    return [Fault(at="", expected=text) for text in dict.fromkeys(told)]


def _wrong(case: Line, facts: Sequence[Fact], content: Longitudinal) -> list[str]:
    if "together" in case:
        wanted = {frozenset(group) for group in case["together"]}
        found = {frozenset(fact.id for fact in matter.facts) for matter in fold(facts, content.folding)}
        joined = {group for group in found if len(group) > 1}
        return [] if joined == wanted else [f"together {_groups(wanted)}, it is {_groups(joined)}"]
    told = find(content.contradictions.values(), facts, content.folding)
    seen: dict[str, set[str]] = {}
    for one in told:
        names = {side.reference.partition("/")[2] for side in (*one.left, *one.right)}
        seen[one.rule] = seen.get(one.rule, set()) | names
    wanted_rules = {rule: set(names) for rule, names in case["finds"].items()}
    return [] if seen == wanted_rules else [f"{wanted_rules}, it is {seen}"]


def _groups(groups: set[frozenset[str]]) -> str:
    return str(sorted(sorted(group) for group in groups))


def _fact(name: str, line: Line) -> Fact:
    kind = next(kind for kind in _KINDS if kind in line)
    resource = {**_KINDS[kind](line), "id": name}
    said = str(line.get("said", "2026-01-01"))
    source = Source(kind=SourceKind.SYSTEM, name=str(line.get("from", name)), at=said)
    recorded = datetime(2026, 1, 1, tzinfo=UTC)
    return Fact(
        type=resource["resourceType"], id=name, version=1, recorded=recorded, resource=resource, sources=(source,)
    )


def _concept(line: Line, kind: str) -> dict[str, Any]:
    codings = [dict(zip(("system", "code"), code.rsplit("|", 1), strict=True)) for code in line.get("codes", ())]
    words = {"text": line[kind]} if line[kind] else {}
    return {**words, **({"coding": codings} if codings else {})}


def _clinical(line: Line) -> dict[str, Any]:
    return {"clinicalStatus": {"coding": [{"code": line.get("status", "active")}]}}


def _problem(line: Line) -> dict[str, Any]:
    onset = {"onsetDateTime": str(line["onset"])} if "onset" in line else {}
    return {"resourceType": "Condition", "code": _concept(line, "problem"), **_clinical(line), **onset}


def _medicine(line: Line) -> dict[str, Any]:
    kind = "medicine" if "medicine" in line else "takes"
    resource = "MedicationRequest" if kind == "medicine" else "MedicationStatement"
    told = {"status": line.get("status", "active"), "medicationCodeableConcept": _concept(line, kind)}
    return {"resourceType": resource, **told}


def _allergy(line: Line) -> dict[str, Any]:
    return {"resourceType": "AllergyIntolerance", "code": _concept(line, "allergy"), **_clinical(line)}


def _result(line: Line) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": _concept(line, "result")}
    made["effectiveDateTime"] = str(line["at"])
    if "unit" in line:
        unit = {"unit": line["unit"], "system": "http://unitsofmeasure.org", "code": line["unit"]}
        made["valueQuantity"] = {"value": line["value"], **unit}
    else:
        system, code = line["value"].rsplit("|", 1)
        made["valueCodeableConcept"] = {"coding": [{"system": system, "code": code}]}
    return made


def _vaccine(line: Line) -> dict[str, Any]:
    told = {"vaccineCode": _concept(line, "vaccine"), "occurrenceDateTime": str(line["at"])}
    return {"resourceType": "Immunization", "status": "completed", **told}


def _procedure(line: Line) -> dict[str, Any]:
    told = {"code": _concept(line, "procedure"), "performedDateTime": str(line["at"])}
    return {"resourceType": "Procedure", "status": "completed", **told}


def _visit(line: Line) -> dict[str, Any]:
    period = {name: str(line[name]) for name in ("start", "end") if name in line}
    made: dict[str, Any] = {"resourceType": "Encounter", "class": {"code": line["visit"]}, "period": period}
    made["status"] = line.get("status", "finished" if "end" in line else "in-progress")
    if "number" in line:
        made["identifier"] = [{"system": "urn:visit", "value": line["number"]}]
    if "place" in line:
        made["serviceProvider"] = {"display": line["place"]}
    return made


def _document(line: Line) -> dict[str, Any]:
    attachment = {"hash": line["hash"]} if "hash" in line else {}
    made = {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": attachment}]}
    number = {"masterIdentifier": {"system": "urn:doc", "value": line["number"]}} if "number" in line else {}
    return {**made, **number, "description": line["document"]}


def _person(line: Line) -> dict[str, Any]:
    return {"resourceType": "Patient", **line["person"]}


def _resource(line: Line) -> dict[str, Any]:
    return dict(line["resource"])


_KINDS: Mapping[str, Callable[[Line], dict[str, Any]]] = {
    "problem": _problem,
    "medicine": _medicine,
    "takes": _medicine,
    "allergy": _allergy,
    "result": _result,
    "vaccine": _vaccine,
    "procedure": _procedure,
    "visit": _visit,
    "document": _document,
    "person": _person,
    "resource": _resource,
}
