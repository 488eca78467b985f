"""What the safety rules say of the medicines of a comparison, put onto its rows (ME-04, ME-09, ME-12).

Both ways are checked: as the left list has it and as the others have it, each with everything that only one of them
names. So a warning is there before a choice is made, whichever it is; one medicine on two lists is no duplicate.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from careloop.db import Transaction
from careloop.flows import engine
from careloop.flows.app import App
from careloop.flows.medicine_lists import Lists
from careloop.medications import store
from careloop.medications.facts import LOINC, facts_of, person_from
from careloop.medications.findings import Finding, Kind
from careloop.medications.model import Medicine
from careloop.medications.person import Person
from careloop.medications.rules.reconciling.values import Comparison, Difference, Entry, Row, Tier, Warned
from careloop.medications.rules.safety import check
from careloop.medications.rules.singles import what_to_look_at
from careloop.medications.safety_content import Safety, safety_of
from careloop.medications.store import OVERRIDDEN

_ASKED = ("Patient", "Condition", "AllergyIntolerance")
_KINDS: Mapping[Kind, Difference] = {
    Kind.INTERACTION: Difference.INTERACTION,
    Kind.DUPLICATE: Difference.DUPLICATE,
    Kind.ALLERGY: Difference.ALLERGY,
    Kind.AGE: Difference.AGE,
    Kind.CONDITION: Difference.CONDITION,
    Kind.RENAL: Difference.RENAL,
    Kind.PREGNANCY: Difference.PREGNANCY,
    Kind.HIGH_ALERT: Difference.DOSE,
}


@dataclass(frozen=True, kw_only=True)
class Warnings:
    """Warnings about entries by their references; of high-alert ones what is looked at; how many were not checked."""

    warned: tuple[Warned, ...] = ()
    high_alert: Mapping[str, str] = field(default_factory=dict)
    not_checked: int = 0


def warnings_of(app: App, tx: Transaction, lists: Lists, comparison: Comparison) -> Warnings:
    """Of everything that any list says is taken, and so may be taken together."""
    catalog = engine.catalog_for(app, tx)
    safety = safety_of(catalog)
    person = _person(app, tx, lists)
    standing = store.of_patient(tx, lists.patient_id)
    decided = {one.fingerprint for one in standing if one.state == OVERRIDDEN}
    found: dict[str, tuple[Finding, frozenset[str]]] = {}
    unknown: set[str] = set()
    for chosen in (_chosen(comparison, left=True), _chosen(comparison, left=False)):
        checked = check([lists.medicines[one.reference] for one in chosen.values()], person, safety)
        unknown |= {
            chosen_row for chosen_row, one in chosen.items() if one.reference in _unchecked(checked.not_checked)
        }
        for finding in checked.findings:
            rows = frozenset(row for row, one in chosen.items() if one.reference in finding.implicated)
            before = found.get(finding.key)
            if before is None or finding.tier.rank < before[0].tier.rank:
                found[finding.key] = (finding, rows | (before[1] if before else frozenset()))
    return Warnings(
        warned=tuple(_warned(finding, rows, decided) for finding, rows in found.values()),
        high_alert=_high_alert(lists.medicines.values(), safety),
        not_checked=len(unknown),
    )


def _person(app: App, tx: Transaction, lists: Lists) -> Person:
    """The patient as the safety rules see them: of results only those that a rule asks about. (`flows.medicine_safety`
    reads the same for one list; it asks for comparisons itself, so it is not asked here.)"""
    facts = facts_of(engine.catalog_for(app, tx))
    others = app.record.of_patients(tx, [lists.patient_id], _ASKED)[lists.patient_id]
    tokens = [("code", f"{LOINC}|{code}") for code in facts.tests]
    labs = app.record.coded_of_patients(tx, [lists.patient_id], "Observation", tokens)[lists.patient_id]
    return person_from((one.resource for one in (*others, *labs)), facts, lists.today)


def on_rows(rows: Sequence[Row], found: Warnings) -> tuple[Row, ...]:
    """The rows with the warnings about them, the loudest first. A warning about two medicines stands where something
    is decided anyway; where both are the same on every list it makes a decision of both."""
    names = {row.id: row.name for row in rows}
    moving = frozenset(row.id for row in rows if row.needs_decision)
    return tuple(_on_row(row, found, names, moving) for row in rows)


def _on_row(row: Row, found: Warnings, names: Mapping[str, str], moving: frozenset[str]) -> Row:
    mine = [one for one in found.warned if row.id in (one.references & moving or one.references)]
    mine.sort(key=lambda one: (list(Tier).index(one.tier), one.rule))
    look_at = next((found.high_alert[one.reference] for one in row.entries if one.reference in found.high_alert), "")
    told = tuple(replace(one, says=one.says + _with(row, one, names)) for one in mine)
    return row.warned(told, look_at=look_at)


def _with(row: Row, one: Warned, names: Mapping[str, str]) -> str:
    others = sorted(names[each].lower() for each in one.references if each != row.id)
    return f", with {' and '.join(others)}" if others else ""


def _chosen(comparison: Comparison, *, left: bool) -> dict[str, Entry]:
    """One entry for each row that somebody says is taken, or that may be: of the left list or of the others first."""
    found = {}
    for row in comparison.rows:
        may = [one for one in row.entries if not one.state.is_resting]
        wanted = [one for one in may if (one.side is comparison.left) is left]
        if may:
            found[row.id] = (wanted or may)[0]
    return found


def _unchecked(not_checked: Sequence[object]) -> set[str]:
    return {str(getattr(one, "reference", "")) for one in not_checked if not getattr(one, "rule", "")}


def _warned(finding: Finding, rows: frozenset[str], decided: Collection[str]) -> Warned:
    first = finding.reasons[0]
    return Warned(
        rule=", ".join(finding.rules),
        tier=Tier(finding.tier.value),
        kind=_KINDS[first.kind],
        says=_upper(first.effect),
        do=" ".join(dict.fromkeys(_sentence(one.action) for one in finding.reasons if one.action)),
        references=rows,
        source="; ".join(dict.fromkeys(one.source for one in finding.reasons)),
        decided=finding.fingerprint in decided,
    )


def _upper(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].upper() + text[1:]  # eGFR stays what it is


def _sentence(text: str) -> str:
    return f"{_upper(text)}{'' if text.endswith('.') else '.'}"


def _high_alert(medicines: Iterable[Medicine], safety: Safety) -> dict[str, str]:
    found = {one.reference: what_to_look_at(safety, safety.mask(one)) for one in medicines}
    return {reference: words for reference, words in found.items() if words}
