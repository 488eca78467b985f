"""All about one patient's medicines on one page: what is taken now, every list with its source and age, what differs,
what waits for a decision, allergies, and what the safety rules say (ui.md §8 Medicines, features 3 and 17)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careloop.access.model import Principal
from careloop.access.policy import require
from careloop.db import Transaction
from careloop.flows import adherence, medicine_compare, medicine_decide, medicine_safety, people
from careloop.flows.app import App
from careloop.flows.medicine_decide import Undecided
from careloop.flows.medicine_done import telling_for
from careloop.flows.medicine_lists import Lists, drugs_for
from careloop.flows.patient_reading import header_of
from careloop.flows.patient_values import Header
from careloop.flows.timeline import text_of
from careloop.medications import reconciliations
from careloop.medications.reconciliations import Draft, Hold
from careloop.medications.rules.reconciling.telling import purpose_of
from careloop.medications.rules.reconciling.values import Comparison, Entry, MedicineList, Side
from careloop.medications.store import OPEN, OVERRIDDEN, Standing


@dataclass(frozen=True, kw_only=True)
class MedicineLine:
    """One medicine of the current list."""

    name: str
    purpose: str
    how: str
    state: str
    known: bool
    high_alert: str
    """What is looked at each time with a high-alert medicine; empty for any other."""


@dataclass(frozen=True, kw_only=True)
class AllergyLine:
    """One allergy or intolerance with how bad it was."""

    name: str
    kind: str
    reaction: str
    severity: str


@dataclass(frozen=True, kw_only=True)
class MedicinesPage:
    """The page. `basis` says whose list is shown as the current one; `verified` is when it was last signed."""

    header: Header
    basis: MedicineList | None
    verified: datetime | None
    current: tuple[MedicineLine, ...]
    lists: tuple[MedicineList, ...]
    comparison: Comparison
    differing: int
    draft: Draft | None
    holds: tuple[Hold, ...]
    undecided: tuple[Undecided, ...]
    allergies: tuple[AllergyLine, ...]
    adherence: adherence.AdherenceSection
    open_findings: tuple[Standing, ...]
    decided_findings: tuple[Standing, ...]
    before: tuple[Draft, ...]
    names: Mapping[str, str]
    not_checked: int
    today: date


def page(app: App, tx: Transaction, principal: Principal, patient_id: str) -> MedicinesPage:
    """Everything, as it stands. One audited read of the patient."""
    require(principal, "search", "MedicationStatement")
    patient = app.record.read(tx, principal, "Patient", patient_id).resource
    draft = reconciliations.open_draft(tx, patient_id)
    found = medicine_compare.compared(app, tx, patient_id, draft)
    allergies = [one.resource for one in app.record.of_patient(tx, patient_id, ["AllergyIntolerance"])]
    findings = medicine_safety.findings_of(app, tx, patient_id)
    before = [one for one in reconciliations.of_patient(tx, patient_id) if one.finished]
    signed = next((one for one in before if one.withdrawn is None), None)
    basis = _basis(found.lists, verified=signed is not None)
    names = people.Names(tx)
    return MedicinesPage(
        header=header_of(patient, {"AllergyIntolerance": allergies}, found.lists.today),
        basis=basis,
        verified=signed.finished if signed else None,
        current=tuple(_lines(app, tx, basis, found.comparison)) if basis else (),
        lists=found.comparison.lists,
        comparison=found.comparison,
        differing=len(found.comparison.differing) if len(found.comparison.sides) > 1 else 0,
        draft=draft,
        holds=tuple(reconciliations.holds_of(tx, patient_id)),
        undecided=tuple(medicine_decide.undecided(app, tx, patient_id)),
        allergies=tuple(_allergy(one) for one in allergies if _stands(one)),
        adherence=adherence.section_of(app, tx, principal, patient_id),
        open_findings=tuple(one for one in findings if one.state == OPEN),
        decided_findings=tuple(one for one in findings if one.state == OVERRIDDEN),
        before=tuple(before[:10]),
        names={one.finished_by: names.name(one.finished_by) for one in before if one.finished_by},
        not_checked=found.not_checked,
        today=found.lists.today,
    )


def _basis(lists: Lists, *, verified: bool) -> MedicineList | None:
    """What counts as the current list: ours once it was reconciled; before that what is told from home, else ours."""
    by_side: dict[Side, MedicineList] = {}
    for one in lists.lists:
        by_side.setdefault(one.side, one)
    order = (Side.CLINIC, Side.HOME, Side.HOSPITAL) if verified else (Side.HOME, Side.CLINIC, Side.HOSPITAL)
    return next((by_side[side] for side in order if side in by_side), None)


def _lines(app: App, tx: Transaction, basis: MedicineList, comparison: Comparison) -> list[MedicineLine]:
    telling, drugs = telling_for(app, tx), drugs_for(app, tx)
    look_at = {one.reference: row.look_at for row in comparison.rows for one in row.entries}
    lines = [
        MedicineLine(
            name=one.name,
            purpose=purpose_of(telling, sorted(one.ingredients), drugs.classes_of),
            how=one.said,
            state=_state(one),
            known=one.is_known,
            high_alert=look_at.get(one.reference, ""),
        )
        for one in basis.entries
    ]
    return sorted(lines, key=lambda one: (one.state != "", one.name.casefold()))


def _state(entry: Entry) -> str:
    words = {"on-hold": "On hold", "stopped": "Stopped", "not-taken": "Not taken", "unknown": "Not clear if taken"}
    return words.get(entry.state.value, "")


def _allergy(resource: Mapping[str, Any]) -> AllergyLine:
    reactions = resource.get("reaction", ())
    shown = [text_of(one) for each in reactions for one in each.get("manifestation", ())]
    severities = [str(each["severity"]) for each in reactions if each.get("severity")]
    worst = next((one for one in ("severe", "moderate", "mild") if one in severities), "")
    severity = worst or ("can be severe" if resource.get("criticality") == "high" else "not told")
    return AllergyLine(
        name=text_of(resource.get("code")),
        kind="Intolerance" if resource.get("type") == "intolerance" else "Allergy",
        reaction=", ".join(dict.fromkeys(one for one in shown if one)),
        severity=severity,
    )


def _stands(resource: Mapping[str, Any]) -> bool:
    wrong = {one.get("code") for one in (resource.get("verificationStatus") or {}).get("coding", ())}
    clinical = {one.get("code") for one in (resource.get("clinicalStatus") or {}).get("coding", ())}
    return not wrong & {"entered-in-error", "refuted"} and not clinical & {"inactive", "resolved"}
