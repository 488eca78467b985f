"""Whether a return to hospital was planned (TR-56, TR-57). Never silently: a candidate waits for a person.

The order of the CMS algorithm: planned by nature (procedure or principal diagnosis), else a potentially planned
procedure without an acute principal diagnosis, else unplanned. The tables are content (`planned-readmission`), an
excerpt until a site loads the yearly ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from careloop.loops.facts.model import PatientFacts
from careloop.loops.model import Unknown
from careloop.loops.rules.comorbidity import ICD10, SNOMED
from careloop.loops.rules.opening import same_site
from careloop.loops.rules.pathways import Pathways
from careloop.loops.rules.stays import Chain

Codes = Mapping[str, Sequence[str]]
ICD10_PCS = frozenset({"http://www.cms.gov/Medicare/Coding/ICD10", "http://hl7.org/fhir/sid/icd-10-pcs"})
CPT = "http://www.ama-assn.org/go/cpt"
_ABOUT = timedelta(days=3)
_PLANNED_DISPOSITIONS = frozenset(str(code) for code in range(81, 96))


def planned_return(index: Chain, back: Chain, facts: PatientFacts, pathways: Pathways) -> bool | Unknown:
    """True when the return was planned by its codes, False when not, Unknown for a candidate that a person decides."""
    table = pathways.transitions.get("planned-readmission")
    if table is not None and _planned_by_codes(table, back, facts):
        return True
    left = index.last.discharge
    if left is not None and left.disposition in _PLANNED_DISPOSITIONS:
        return Unknown(reason="planned candidate: the discharge announced a planned readmission; a person must confirm")
    if back.first.was_planned or _was_booked(back, facts):
        return Unknown(reason="planned candidate: the stay was booked before; a person must confirm")
    return False


def _planned_by_codes(table: Mapping[str, Any], back: Chain, facts: PatientFacts) -> bool:
    procedures, principal = _procedures(back, facts), principal_of(back)
    if listed(procedures, table["always_planned_procedures"]) or listed(principal, table["always_planned_diagnoses"]):
        return True
    if not listed(procedures, table["potentially_planned_procedures"]):
        return False
    return bool(principal) and not listed(principal, table["acute_diagnoses"])


def _procedures(stay: Chain, facts: PatientFacts) -> frozenset[str]:
    done = [fact.codes for fact in facts.facts if fact.resource_type == "Procedure" and fact.status == "completed"]
    held = [fact for fact in facts.facts if fact.resource_type == "Procedure" and stay.holds(fact)]
    return frozenset(code for fact in held if fact.codes in done for code in fact.codes)


def principal_of(stay: Chain) -> frozenset[str]:
    """The principal diagnosis of the first hospital of a stay."""
    return stay.first.principal


def listed(codes: Iterable[str], table: Codes) -> bool:
    """True when one of the codes stands in the table: ICD codes and PCS by prefix, others whole."""
    return any(_is_listed(code, table) for code in codes)


def _is_listed(code: str, table: Codes) -> bool:
    system, _, value = code.rpartition("|")
    plain = value.replace(".", "").upper()
    if system in ICD10:
        return plain.startswith(tuple(table.get("icd10", ())) or ("\0",))
    if system in ICD10_PCS:
        return plain.startswith(tuple(table.get("icd10pcs", ())) or ("\0",))
    names = {CPT: "cpt", SNOMED: "snomed"}
    return value in table.get(names.get(system, ""), ())


def _was_booked(back: Chain, facts: PatientFacts) -> bool:
    """A planned stay (A05) under another number, at the same site and about this date."""
    began = back.admitted
    return began is not None and any(
        stay.planned_start is not None and same_site(stay, back.first) and abs(stay.planned_start - began) <= _ABOUT
        for stay in facts.standing_stays
    )
