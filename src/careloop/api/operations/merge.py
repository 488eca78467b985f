"""`Patient/$merge` (FHIR R5 patient-merge, on R4) and our own `Patient/$unmerge`; reversible for ever."""

from typing import Any

from careloop.access.policy import Action, require, require_action
from careloop.api.operations.model import Operation, OperationCall, Parameters
from careloop.errors import Rejected
from careloop.flows import person_merging
from careloop.flows.interactions import Interaction
from careloop.flows.merge_preview import MergePreview
from careloop.flows.person_merging import MergeAnswer, Named

Resource = dict[str, Any]

NAMES = (
    "source-patient", "source-patient-identifier", "target-patient", "target-patient-identifier", "result-patient",
    "preview",
)  # fmt: skip
UNMERGE_NAMES = ("source-patient", "source-patient-identifier", "reason")


def run(call: OperationCall) -> Resource:
    """`Parameters` with the input, the outcome (each consequence and contradiction as an issue) and the result."""
    given = call.given.only(*NAMES)
    source, target = named(given, "source-patient"), named(given, "target-patient")
    only_preview = bool(given.flag("preview"))
    result = given.resource("result-patient")
    if result is not None and result.get("resourceType") != "Patient":
        raise Rejected(at="result-patient", expected="a Patient", code="structure")

    def work(door: Interaction) -> MergeAnswer:
        _may_merge(door)
        return person_merging.merge(
            door.app, door.tx, door.principal, source, target, result=result, only_preview=only_preview
        )

    answer = call.fhir.run(work)
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "input", "resource": _input(source, target, only_preview)},
            {"name": "outcome", "resource": _outcome(answer, only_preview)},
            {"name": "result", "resource": answer.survivor.resource},
        ],
    }


def run_unmerge(call: OperationCall) -> Resource:
    """`Parameters` with the outcome and the patient who stands for themself again."""
    given = call.given.only(*UNMERGE_NAMES)
    source = named(given, "source-patient")
    why = given.text("reason") or "asked for by $unmerge"

    def work(door: Interaction) -> Resource:
        _may_merge(door)
        _, patient = person_merging.unmerge(door.app, door.tx, door.principal, source, why)
        return patient.resource

    patient = call.fhir.run(work)
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "outcome", "resource": _issues([_issue("informational", "Two people again: each has their own")])},
            {"name": "result", "resource": patient},
        ],
    }


def named(given: Parameters, name: str) -> Named:
    """The patient that a parameter names; `Rejected` where neither reference nor identifier is given."""
    reference = given.one(name)
    if reference is not None and not (isinstance(reference, dict) and isinstance(reference.get("reference"), str)):
        raise Rejected(at=name, expected="a Reference to a Patient", code="value")
    identifiers = given.all(f"{name}-identifier")
    if any(not isinstance(one, dict) for one in identifiers):
        raise Rejected(at=f"{name}-identifier", expected="an Identifier", code="value")
    if reference is None and not identifiers:
        raise Rejected(at=name, expected=f"{name} or {name}-identifier", code="required")
    return Named(at=name, reference=reference["reference"] if reference else None, identifiers=identifiers)


def _may_merge(door: Interaction) -> None:
    require(door.principal, "read", "Patient")
    require(door.principal, "update", "Patient")
    require_action(door.principal, Action.PERSON_REVIEW)


def _input(source: Named, target: Named, only_preview: bool) -> Resource:
    parts: list[Resource] = [{"name": "preview", "valueBoolean": only_preview}]
    for one in (source, target):
        if one.reference is not None:
            parts.append({"name": one.at, "valueReference": {"reference": one.reference}})
        parts += [{"name": f"{one.at}-identifier", "valueIdentifier": dict(each)} for each in one.identifiers]
    return {"resourceType": "Parameters", "parameter": parts}


def _outcome(answer: MergeAnswer, only_preview: bool) -> Resource:
    done = "Preview only: nothing was changed" if only_preview else f"Merged; merge {answer.merge_id}"
    return _issues([_issue("informational", done), *consequences(answer.preview)])


def consequences(preview: MergePreview) -> list[Resource]:
    """Each consequence as an issue, and each contradiction as one that a person should look at."""
    told = [
        _issue("informational", one.says + (": " + "; ".join(one.named) if one.named else ""), one.kind)
        for one in preview.consequences
    ]
    doubts = [
        _issue("business-rule", f"{one.field}: {one.survivor} / {one.prior}", one.field, worse=one.needs_look)
        for one in preview.contradictions
    ]
    return [*told, *doubts]


def _issue(code: str, text: str, kind: str = "", *, worse: bool = False) -> Resource:
    details = {"coding": [{"system": "urn:careloop:merge-consequence", "code": kind}]} if kind else {}
    return {"severity": "warning" if worse else "information", "code": code, "details": {**details, "text": text}}


def _issues(issues: list[Resource]) -> Resource:
    return {"resourceType": "OperationOutcome", "issue": issues}


OPERATION = Operation(
    name="merge",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-merge",
    levels=frozenset({"type"}),
    types=("Patient",),
    changes=True,
    run=run,
)

UNMERGE = Operation(
    name="unmerge",
    definition="urn:careloop:operation:patient-unmerge",
    levels=frozenset({"type"}),
    types=("Patient",),
    changes=True,
    run=run_unmerge,
)
