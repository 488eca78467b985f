"""A lung nodule that a clinician found in a report: written down once, as an Observation about the report, so that the
next scan has its clock (Fleischner 2017, results.md section 3). Saved again it is corrected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import Action, require, require_action
from careloop.db import Transaction
from careloop.errors import NotPermitted, Rejected
from careloop.fhir.ids import derived_id, new_id
from careloop.flows import acting, results_board, writing
from careloop.flows.app import App
from careloop.flows.results_acts import LICENSED
from careloop.flows.results_values import ResultRow
from careloop.loops.rules.result_around import NODULE
from careloop.record import Write

PARTS = "urn:careloop:nodule"
TYPES = {"solid": "Solid", "ground_glass": "Ground glass", "part_solid": "Part-solid"}
COUNTS = {"single": "One", "multiple": "Several (sizes of the most suspicious one)"}
EXCLUDED = {
    "known-cancer": "Has or had cancer",
    "immunosuppressed": "Weak immune system",
    "lung-cancer-screening": "Found by lung cancer screening (use Lung-RADS)",
    "not-incidental": "Looked for, not found by chance",
}
_LARGEST = Decimal(100)
_GROUP = "imaging_ct_mri"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the report says of the nodule, in the words of the form."""

    type: str
    count: str
    long_mm: str
    short_mm: str
    high_risk: bool
    excluded: Sequence[str] = ()


def fits(row: ResultRow) -> bool:
    """True for a scan on which a nodule may be seen."""
    return bool(row.results) and row.group == _GROUP


def note(
    app: App, tx: Transaction, principal: Principal, *, loop_id: str, seen: Seen, key: str | None = None
) -> acting.ActReceipt:
    """The nodule is in the record, and the answer says what the table makes of it."""
    require_action(principal, Action.LOOP_WORK)
    require(principal, "create", "Observation")
    if before := acting.once(tx, principal, key):
        return before
    if not principal.roles & LICENSED:
        raise NotPermitted("a nurse or a physician writes down a nodule")
    row, _ = results_board.result_row(app, tx, principal, loop_id)
    if not fits(row):
        raise Rejected(at="act", expected="a CT that has a result", code="business-rule")
    about = row.results[-1]
    [stored] = app.record.fetch(tx, [about]).values()
    scanned = stored.resource.get("effectiveDateTime") or (stored.resource.get("effectivePeriod") or {}).get("start")
    day = str(scanned or stored.resource.get("issued") or app.clock.now().isoformat())[:10]
    own_id = str(derived_id(tx.tenant_id, "lung-nodule", about))
    resource = {**_resource(row.patient_id, about, day, seen), "id": own_id}
    if principal.practitioner_id:
        resource["performer"] = [{"reference": principal.reference, "display": principal.name}]
    write = Write(method="update", resource_type="Observation", id=own_id, resource=resource)
    writing.write(app, tx, principal, [write])
    after, _ = results_board.result_row(app, tx, principal, loop_id)
    receipt = acting.ActReceipt(act_id=new_id(), says=f"Saved. {after.follow_up}")
    acting.keep_receipt(tx, principal, key, receipt, app.clock.now())
    return receipt


def _resource(patient_id: str, about: str, day: str, seen: Seen) -> dict[str, Any]:
    words = [("type", _one_of("type", seen.type, TYPES)), ("count", _one_of("count", seen.count, COUNTS))]
    words += [("risk", "high" if seen.high_risk else "low")]
    words += [("excluded", _one_of("excluded", one, EXCLUDED)) for one in seen.excluded]
    sizes = [("long", _size("long_mm", seen.long_mm)), ("short", _size("short_mm", seen.short_mm))]
    if sizes[0][1] < sizes[1][1]:
        raise Rejected(at="short_mm", expected="a short axis that is not longer than the long one", code="value")
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [dict(zip(("system", "code"), NODULE.rsplit("|", 1), strict=True))], "text": "Lung nodule"},
        "subject": {"reference": f"Patient/{patient_id}"},
        "focus": [{"reference": about}],
        "effectiveDateTime": day,
        "component": [
            *({"code": _coded(name), "valueCodeableConcept": _coded(word)} for name, word in words),
            *({"code": _coded(name), "valueQuantity": _millimetres(size)} for name, size in sizes),
        ],
    }


def _coded(word: str) -> dict[str, Any]:
    return {"coding": [{"system": PARTS, "code": word}]}


def _millimetres(size: Decimal) -> dict[str, Any]:
    return {"value": size, "unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm"}


def _one_of(at: str, word: str, known: Mapping[str, str]) -> str:
    if word not in known:
        raise Rejected(at=at, expected=f"one of {', '.join(known)}", code="code-invalid")
    return word


def _size(at: str, text: str) -> Decimal:
    try:
        size = Decimal(text.strip())
    except InvalidOperation:
        size = Decimal(0)
    if not 0 < size <= _LARGEST:
        axis = "long" if at == "long_mm" else "short"
        raise Rejected(at=at, expected=f"the {axis} axis in mm", code="value")
    return size
