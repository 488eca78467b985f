"""Case files of the safety tables and of adherence: a pharmacist writes what is taken and what must be said.

A safety case has `takes` (name to `medicine`, `how`, `start`, `end`, `status`, `why`) and `finds` (rule to tier;
nothing else may fire). It may have `person` (age, sex, conditions, labs, allergies, pregnant, weeks), `together` (rules
that stand on one card), `not_checked` (names), `kinds` (rule to kind of ME-04), `says` (rule to words of its notes). An
adherence case: `fills`, `pdc`.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from careloop.errors import Fault
from careloop.medications.drugs import Drugs
from careloop.medications.findings import Checked
from careloop.medications.model import Medicine
from careloop.medications.person import Allergy, Lab, Person
from careloop.medications.reading import read_medicine
from careloop.medications.rules.covered import Covered, Fill, Measure, Period, proportion_of_days_covered
from careloop.medications.rules.safety import check
from careloop.medications.safety_content import Safety

Line = Mapping[str, Any]
TODAY = "2026-11-23"


def is_case(case: Any) -> bool:
    """True for a case of this kind."""
    return isinstance(case, Mapping) and ("takes" in case or "fills" in case)


def run_case(case: Line, safety: Safety, measure: Measure) -> list[Fault]:
    """What of the case is not so; its medicines are tried in both orders."""
    try:
        told = _adherence(case, measure) if "fills" in case else _safety(case, safety)
    except (KeyError, ValueError, TypeError, ArithmeticError) as error:
        told = [f"a case that can be read ({type(error).__name__}: {error})"]
    return [Fault(at="", expected=text) for text in dict.fromkeys(told)]


def _safety(case: Line, safety: Safety) -> list[str]:
    today = date.fromisoformat(str(case.get("today", TODAY)))
    names = list(case["takes"])
    person = person_of(case.get("person", {}), today)
    told: list[str] = []
    for order in (names, names[::-1]):
        medicines = [medicine_of(name, case["takes"][name], safety.drugs) for name in order]
        told += _wrong(case, check(medicines, person, safety))
    return told


def _wrong(case: Line, checked: Checked) -> list[str]:
    found = {one.rule: one for finding in checked.findings[::-1] for one in finding.reasons}
    tiers = {rule: reason.tier.value for rule, reason in found.items()}
    told = [] if tiers == case["finds"] else [f"{dict(case['finds'])}, it is {tiers}"]
    cards = [set(finding.rules) for finding in checked.findings]
    told += [
        f"{rules} on one card, they are {cards}"
        for rules in case.get("together", ())
        if not any(set(rules) <= card for card in cards)
    ]
    for rule, kind in case.get("kinds", {}).items():
        seen = found[rule].kind.value if rule in found else "none"
        told += [] if seen == kind else [f"{rule} is {kind}, it is {seen}"]
    if "not_checked" in case:
        left = sorted({one.reference.partition("/")[2] for one in checked.not_checked})
        told += [] if left == sorted(case["not_checked"]) else [f"not checked: {case['not_checked']}, it is {left}"]
    for rule, words in case.get("says", {}).items():
        reason = found.get(rule)
        said = " ".join((*reason.notes, reason.effect, reason.action)) if reason is not None else ""
        told += [] if words in said else [f"{rule} says {words!r}, it says {said!r}"]
    return told


def medicine_of(name: str, line: Line, drugs: Drugs) -> Medicine:
    """A medicine as a case writes it."""
    resource: dict[str, Any] = {
        "resourceType": "MedicationStatement",
        "id": name,
        "status": line.get("status", "active"),
        "medicationCodeableConcept": {"text": line["medicine"]},
    }
    if "rxcui" in line:
        coding = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": str(line["rxcui"])}
        resource["medicationCodeableConcept"]["coding"] = [coding]
    if "how" in line:
        resource["dosage"] = [{"text": line["how"]}]
    period = {key: str(line[key]) for key in ("start", "end") if key in line}
    if period:
        resource["effectivePeriod"] = period
    if "why" in line:
        resource["reasonCode"] = [{"text": line["why"]}]
    return read_medicine(resource, drugs)


def person_of(line: Line, today: date) -> Person:
    """A person as a case writes one."""
    labs = {
        test: Lab(Decimal(str(one["value"])), "", date.fromisoformat(str(one["day"])), "Observation/case")
        for test, one in line.get("labs", {}).items()
    }
    allergies = tuple(
        Allergy(
            reference=f"AllergyIntolerance/{place}",
            text=one["text"],
            type=one.get("type", ""),
            reactions=tuple(one.get("reactions", ())),
            severity=one.get("severity", ""),
            codes=frozenset(one.get("codes", ())),
        )
        for place, one in enumerate(line.get("allergies", ()))
    )
    return Person(
        today=today,
        age=line.get("age"),
        sex=line.get("sex", ""),
        conditions=frozenset(line.get("conditions", ())),
        labs=labs,
        allergies=allergies,
        pregnant=line.get("pregnant"),
        weeks=line.get("weeks"),
    )


def _adherence(case: Line, measure: Measure) -> list[str]:
    fills = [
        Fill(ingredient=one["medicine"], day=date.fromisoformat(str(one["day"])), days=int(one["days"]))
        for one in case["fills"]
    ]
    first, _, last = str(case["period"]).partition("/")
    stays = [tuple(date.fromisoformat(day) for day in str(one).split("/")) for one in case.get("facility", ())]
    period = Period(first=date.fromisoformat(first), last=date.fromisoformat(last))
    found = proportion_of_days_covered(fills, period, measure, [Period(first=one[0], last=one[1]) for one in stays])
    wanted = case["pdc"]
    if not isinstance(found, Covered):
        return [] if wanted == "none" else [f"{wanted}, it is not in the measure: {found.reason}"]
    said = f"{found.covered}/{found.days}"
    adherent = "adherent" if found.is_adherent else "not adherent"
    told = f"{said} {adherent}"
    return [] if wanted in (said, told) else [f"{wanted}, it is {told}"]
