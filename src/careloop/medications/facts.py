"""A person as safety rows see one, from the resources of the record. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from careloop.catalog import Catalog
from careloop.fhir.ucum import canonical
from careloop.medications.drugs import phrase
from careloop.medications.model import Resource
from careloop.medications.person import Allergy, Lab, Person
from careloop.medications.quantities import number

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
_ICD = frozenset({"http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"})
_CURRENT = frozenset({"active", "recurrence", "relapse", ""})
_DEAD_WORDS = frozenset({"refuted", "entered-in-error"})
_TOLD = frozenset({"final", "amended", "corrected", "preliminary"})


@dataclass(frozen=True, kw_only=True)
class Group:
    """Problems that mean the same to a row."""

    id: str
    icd10: tuple[str, ...]
    snomed: frozenset[str]
    words: tuple[str, ...]
    ever: bool


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`content/medications/facts.yaml`, ready to be asked."""

    groups: tuple[Group, ...]
    tests: Mapping[str, str]
    units: Mapping[str, frozenset[str]]
    molar_mass: Mapping[str, Decimal]
    first_unit: Mapping[str, str]
    pregnant_codes: frozenset[str]
    not_pregnant_codes: frozenset[str]
    pregnancy_days: int
    read: dict[Any, frozenset[str]]


def facts_of(catalog: Catalog) -> Facts:
    """What the catalog's facts say."""
    return read_facts(catalog.document("medications", "facts"))


def read_facts(document: Mapping[str, Any]) -> Facts:
    """The document as a value."""
    labs: Sequence[Mapping[str, Any]] = document["labs"]
    return Facts(
        groups=tuple(
            Group(
                id=one["id"],
                icd10=tuple(one["icd10"]),
                snomed=frozenset(one["snomed"]),
                words=tuple(map(phrase, one["words"])),
                ever=one.get("ever", False),
            )
            for one in document["conditions"]
        ),
        tests={code: one["id"] for one in labs for code in one["loinc"]},
        units={one["id"]: frozenset({one.get("unit", ""), *one.get("also", ())}) for one in labs},
        molar_mass={one["id"]: Decimal(one["molar_mass"]) for one in labs if "molar_mass" in one},
        first_unit={one["id"]: one.get("unit", "") for one in labs},
        pregnant_codes=frozenset(document["pregnant_codes"]),
        not_pregnant_codes=frozenset(document["not_pregnant_codes"]),
        pregnancy_days=document["pregnancy_days"],
        read={},
    )


def person_from(resources: Iterable[Resource], facts: Facts, today: date) -> Person:
    """The person whose resources these are: Patient, Condition, Observation, AllergyIntolerance; others say nothing."""
    by_type: dict[str, list[Resource]] = {}
    for one in resources:
        by_type.setdefault(str(one["resourceType"]), []).append(one)
    patient = next(iter(by_type.get("Patient", ())), {})
    conditions = frozenset(group for one in by_type.get("Condition", ()) for group in groups_of(one, facts))
    newest = _newest(by_type.get("Observation", ()), facts, today)
    pregnant, weeks = _pregnancy(by_type.get("Condition", ()), newest, conditions, facts, today)
    return Person(
        today=today,
        age=_age(patient, today),
        sex=str(patient.get("gender") or ""),
        conditions=conditions,
        labs={test: lab for test, (_, one) in newest.items() if (lab := _lab(test, one, facts)) is not None},
        allergies=tuple(_allergy(one) for one in by_type.get("AllergyIntolerance", ()) if _stands(one)),
        pregnant=pregnant,
        weeks=weeks,
    )


def groups_of(condition: Resource, facts: Facts) -> frozenset[str]:
    """The groups that a problem falls into; none where it is refuted, and only `ever` ones where it is over."""
    if _code(condition.get("verificationStatus")) in _DEAD_WORDS:
        return frozenset()
    current = _code(condition.get("clinicalStatus")) in _CURRENT
    concept = condition.get("code") or {}
    codes = tuple((str(one.get("system", "")), str(one.get("code", ""))) for one in concept.get("coding") or ())
    text = str(concept.get("text") or next((one.get("display") for one in concept.get("coding") or ()), "") or "")
    key = (codes, text)
    known = facts.read.get(key)
    if known is None:
        if len(facts.read) > 20_000:
            facts.read.clear()
        known = facts.read[key] = frozenset(one.id for one in facts.groups if _is(one, codes, text))
    return known if current else frozenset(one.id for one in facts.groups if one.ever and one.id in known)


def _is(group: Group, codes: Sequence[tuple[str, str]], text: str) -> bool:
    for system, code in codes:
        if system == SNOMED and code in group.snomed:
            return True
        if system in _ICD and group.icd10 and code.replace(".", "").upper().startswith(group.icd10):
            return True
    folded = f" {phrase(text)} "
    if re.search(r" (no|denies|family history|risk of|without) ", folded):
        return False
    return any(f" {word} " in folded for word in group.words)


def _newest(observations: Sequence[Resource], facts: Facts, today: date) -> dict[str, tuple[date, Resource]]:
    found: dict[str, tuple[date, Resource]] = {}
    for one in observations:
        if one.get("status") not in _TOLD or ("valueQuantity" not in one and "valueCodeableConcept" not in one
                                              and "valueDateTime" not in one):  # fmt: skip
            continue
        test = next((facts.tests[code] for code in _loincs(one) if code in facts.tests), None)
        day = _day(one.get("effectiveDateTime") or (one.get("effectivePeriod") or {}).get("start") or one.get("issued"))
        if test is None or day is None or day > today + timedelta(days=1):
            continue
        before = found.get(test)
        if before is None or _moment(one) > _moment(before[1]):
            found[test] = (day, one)
    return found


def _moment(one: Resource) -> str:
    return str(one.get("effectiveDateTime") or (one.get("effectivePeriod") or {}).get("start") or one.get("issued"))


def _loincs(one: Resource) -> list[str]:
    codings = (one.get("code") or {}).get("coding") or ()
    return [str(each.get("code")) for each in codings if each.get("system") == LOINC]


def _lab(test: str, one: Resource, facts: Facts) -> Lab | None:
    """The result in the first unit of its test; None where it cannot be said in it (unknown, not zero)."""
    quantity = one.get("valueQuantity") or {}
    value, day = number(quantity.get("value")), _day(_moment(one))
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    if value is None or day is None:
        return None
    wanted = facts.first_unit[test]
    if unit not in facts.units[test] and str(quantity.get("unit")) not in facts.units[test]:
        converted = _converted(value, unit, wanted, facts.molar_mass.get(test))
        if converted is None:
            return None
        value = converted
    elif test == "gestational-age" and unit == "d":
        value = value / 7
    return Lab(value=value, unit=wanted, day=day, reference=f"Observation/{one.get('id', '')}")


def _converted(value: Decimal, unit: str, wanted: str, molar_mass: Decimal | None) -> Decimal | None:
    given, base = canonical(value, unit), canonical(Decimal(1), wanted)
    if given is None or base is None:
        return None
    if given[1] == base[1]:
        return given[0] / base[0]
    if molar_mass is not None and unit in ("umol/L", "mmol/L"):
        grams = value * (Decimal("1e-6") if unit == "umol/L" else Decimal("1e-3")) * molar_mass
        in_grams = canonical(grams, "g/L")
        return in_grams[0] / base[0] if in_grams is not None and in_grams[1] == base[1] else None
    return None


def _pregnancy(
    problems: Sequence[Resource],
    newest: Mapping[str, tuple[date, Resource]],
    conditions: frozenset[str],
    facts: Facts,
    today: date,
) -> tuple[bool | None, int | None]:
    """Whether she is pregnant, and in which week; what was said too long ago says nothing any more."""
    told: bool | None = None
    status = newest.get("pregnancy-status")
    if status is not None and (today - status[0]).days <= facts.pregnancy_days:
        coded = (status[1].get("valueCodeableConcept") or {}).get("coding") or ()
        codes = {f"{one.get('system')}|{one.get('code')}" for one in coded}
        told = True if codes & facts.pregnant_codes else False if codes & facts.not_pregnant_codes else None
    if told is None and "pregnancy" in conditions:
        begun = [
            day for one in problems if "pregnancy" in groups_of(one, facts) and (day := _day(one.get("onsetDateTime")))
        ]
        told = True if not begun or (today - max(begun)).days <= facts.pregnancy_days else None
    return told, _weeks(newest, today) if told else None


def _weeks(newest: Mapping[str, tuple[date, Resource]], today: date) -> int | None:
    due = newest.get("delivery-date")
    if due is not None and (day := _day(due[1].get("valueDateTime"))) is not None:
        return max(0, (280 - (day - today).days) // 7)
    age = newest.get("gestational-age")
    if age is None or (value := number((age[1].get("valueQuantity") or {}).get("value"))) is None:
        return None
    days = value if str((age[1].get("valueQuantity") or {}).get("code")) == "d" else value * 7
    return int(days + (today - age[0]).days) // 7


def _allergy(one: Resource) -> Allergy:
    concept = one.get("code") or {}
    codings = concept.get("coding") or ()
    reactions = one.get("reaction") or ()
    substances = [each.get("substance") or {} for each in reactions]
    codings = [*codings, *(coding for each in substances for coding in each.get("coding") or ())]
    told = [concept.get("text"), *(coding.get("display") for coding in codings), *(s.get("text") for s in substances)]
    manifestations = [found for each in reactions for found in each.get("manifestation") or ()]
    return Allergy(
        reference=f"AllergyIntolerance/{one.get('id', '')}",
        text=str(next((text for text in told if text), "")),
        codes=frozenset(f"{coding.get('system', '')}|{coding['code']}" for coding in codings if coding.get("code")),
        type=str(one.get("type") or ""),
        reactions=tuple(filter(None, (_text(found) for found in manifestations))),
        severity=max((str(each.get("severity") or "") for each in reactions), key=_SEVERITIES.index, default=""),
        criticality=str(one.get("criticality") or ""),
        category=frozenset(map(str, one.get("category") or ())),
    )


_SEVERITIES = ["", "mild", "moderate", "severe"]


def _stands(one: Resource) -> bool:
    return _code(one.get("verificationStatus")) not in _DEAD_WORDS and _code(one.get("clinicalStatus")) in (
        "active",
        "",
    )


def _text(concept: Any) -> str:
    codings = concept.get("coding") or ()
    return str(concept.get("text") or next((one.get("display") for one in codings if one.get("display")), ""))


def _code(concept: Any) -> str:
    codings = (concept or {}).get("coding") or ()
    return str(next((one.get("code") for one in codings), ""))


def _age(patient: Resource, today: date) -> int | None:
    born = _day(patient.get("birthDate"))
    if born is None:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _day(text: Any) -> date | None:
    if not isinstance(text, str) or len(text) < 4:
        return None
    try:
        return date.fromisoformat(f"{text[:10]}-01-01"[:10])
    except ValueError:
        return None
