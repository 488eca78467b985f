"""What of a record belongs into which section, its narrative and its entries."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from careloop.fhir.xmls import Element
from careloop.intake.ccda.content import HL7_ROOT
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.writing import orders, plans, statements
from careloop.intake.ccda.writing.types import Hand

Record = Mapping[str, Sequence[Json]]
"""The patient's resources by type."""

Row = tuple[str, ...]
_LOINC = "2.16.840.1.113883.6.1"
_GONE = frozenset({"entered-in-error"})
_OVER = frozenset({"completed", "stopped", "cancelled", "entered-in-error", "not-taken", "draft"})
_BIRTH_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
_BIRTH_SEX_CODES = frozenset({"76689-9"})
_SMOKING = frozenset({"72166-2", "11367-0"})
_STANDS = frozenset({"active", "recurrence", "relapse", ""})
STEPS = "steps"
"""Where a record for a care plan holds the steps of the plan, each as `activity.detail` with an id."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section's entries: each with a row for people and the hand that writes it. `anchors` name the last cell of
    each row, for entries that refer to their text."""

    columns: Row
    entries: Sequence[tuple[Row, Callable[[Hand, Element], None]]]
    anchors: Sequence[str] = ()


def parts_of(record: Record, patient: Json, reason: str, assessment: str) -> dict[str, Part | str]:
    """By the name of the section: its entries, or its text where it has only that."""
    found: dict[str, Part | str] = {
        "allergies": _part(
            ("Substance", "Status", "Noted"), record, "AllergyIntolerance", statements.allergy, _allergy
        ),
        "problems": _part(("Problem", "Status", "Onset"), _problems(record), "Condition", statements.problem, _problem),
        "medications": _medications(record, orders.medication),
        "discharge-medications": _medications(record, orders.discharge_medication),
        "discharge-diagnosis": _part(
            ("Diagnosis", "Status", "Onset"), _problems(record), "Condition", statements.discharge_diagnosis, _problem
        ),
        "procedures": _part(("Procedure", "Status", "Date"), record, "Procedure", statements.procedure, _procedure),
        "results": _results(record),
        "vital-signs": _vitals(record),
        "social-history": _social(record, patient),
        "immunizations": _part(("Vaccine", "Status", "Date"), record, "Immunization", orders.immunization, _vaccine),
        "encounters": _encounters(record),
        "plan": _part(("Planned", "Status", "When"), _planned(record), "ServiceRequest", orders.planned, _plan),
        "health-concerns": _part(
            ("Concern", "Status", "Onset"), _concerns(record), "Condition", statements.health_concern, _problem
        ),
        "goals": _part(("Goal", "Status", "Start"), record, "Goal", orders.goal, _goal),
        "interventions": _part(("What", "How often", "Who"), record, STEPS, plans.intervention, _step),
        "outcomes": _outcomes(record),
        "payers": _part(("Insurance", "Status", "Member"), record, "Coverage", orders.coverage, _coverage),
        "reason-for-referral": reason,
        "assessment": assessment,
        "hospital-course": "",
    }
    return found


def write_section(hand: Hand, body: Element, name: str, part: "Part | str") -> None:
    """One section; a null flavor where there is nothing to say."""
    kind = next(one for one in hand.content.sections if one.name == name)
    section = hand.add(hand.add(body, "component"), "section")
    has_entries = isinstance(part, Part) and bool(part.entries)
    if not has_entries and not (isinstance(part, str) and part):
        section.set("nullFlavor", "NI")
    for short in _shorts(kind.templates):
        hand.template(section, short)
    code = sorted(kind.codes)[0]
    coded = hand.add(section, "code", code=code, codeSystem=_LOINC, displayName=kind.title)
    if code in hand.content.translations:
        hand.add(coded, "translation", code=hand.content.translations[code], codeSystem=_LOINC)
    hand.add(section, "title", kind.title)
    text = hand.add(section, "text")
    if isinstance(part, str):
        hand.add(text, "paragraph", part or "No information in our record.")
    elif not part.entries:
        hand.add(text, "paragraph", "No information in our record.")
    else:
        _table(hand, text, part)
        for _, write in part.entries:
            write(hand, hand.add(section, "entry", typeCode="DRIV"))


def _shorts(roots: Iterable[str]) -> list[str]:
    """The templates of a section as content names them, entries optional before entries required."""
    return [root.removeprefix(HL7_ROOT) for root in sorted(roots, key=len)]


def _table(hand: Hand, text: Element, part: Part) -> None:
    table = hand.add(text, "table")
    head = hand.add(hand.add(table, "thead"), "tr")
    for word in part.columns:
        hand.add(head, "th", word)
    body = hand.add(table, "tbody")
    for number, (row, _) in enumerate(part.entries):
        line = hand.add(body, "tr")
        for word in row[:-1]:
            hand.add(line, "td", word)
        last = hand.add(line, "td")
        anchor = part.anchors[number] if part.anchors else None
        hand.add(last, "content", row[-1], ID=anchor)


def _part(
    columns: Row, record: Record, kind: str, writer: Callable[[Hand, Element, Json], None], row: Callable[[Json], Row]
) -> Part:
    standing = [one for one in record.get(kind, ()) if not _is_gone(one)]
    return Part(columns=columns, entries=[(row(one), _bound(writer, one)) for one in standing])


def _bound(writer: Callable[[Hand, Element, Json], None], one: Json) -> Callable[[Hand, Element], None]:
    return lambda hand, entry: writer(hand, entry, one)


def _is_gone(one: Json) -> bool:
    verified = _coded(one.get("verificationStatus"))
    return one.get("status") in _GONE or verified in _GONE or one.get("lifecycleStatus") in _GONE


def _problems(record: Record) -> dict[str, list[Json]]:
    """The problem list: all but concerns, and diagnoses that stand with their visit."""
    told = _diagnosed(record)
    kept = [
        one
        for one in record.get("Condition", ())
        if not _is_of(one, "health-concern") and f"Condition/{one['id']}" not in told
    ]
    return {"Condition": kept}


def _concerns(record: Record) -> dict[str, list[Json]]:
    """Health concerns; in a care plan every problem that stands is one."""
    if STEPS in record:
        standing = [one for one in record.get("Condition", ()) if _coded(one.get("clinicalStatus")) in _STANDS]
        told = _diagnosed(record)
        return {"Condition": [one for one in standing if f"Condition/{one['id']}" not in told]}
    return {"Condition": [one for one in record.get("Condition", ()) if _is_of(one, "health-concern")]}


def _outcomes(record: Record) -> Part:
    """The newest observation of what each goal is measured by."""
    by_code: dict[str, list[Json]] = {}
    for goal in record.get("Goal", ()):
        for target in goal.get("target", ()):
            for coding in target.get("measure", {}).get("coding", ()):
                by_code.setdefault(str(coding.get("code")), []).append(goal)
    entries = []
    for code, goals in sorted(by_code.items()):
        found = [
            one for one in record.get("Observation", ()) if _has_code(one, frozenset({code})) and not _is_gone(one)
        ]
        newest = max(found, key=lambda one: _when(one, "effective"), default=None)
        if newest is not None:
            entries.append((_result(newest), _outcome(newest, goals)))
    return Part(columns=("What", "Value", "Date"), entries=entries)


def _outcome(one: Json, goals: Sequence[Json]) -> Callable[[Hand, Element], None]:
    return lambda hand, entry: plans.outcome_for(hand, entry, one, goals)


def _step(one: Json) -> Row:
    who = ", ".join(words(said) for said in one.get("performerType", ()))
    return words(one.get("code")), plans.often_words(one), who


def _diagnosed(record: Record) -> set[str]:
    """Diagnoses that are written with the visit at which they were made."""
    visits = _visits(record)["Encounter"]
    named = {str(one.get("condition", {}).get("reference")) for visit in visits for one in visit.get("diagnosis", ())}
    conditions = record.get("Condition", ())
    return {f"Condition/{one['id']}" for one in conditions if _is_of(one, "encounter-diagnosis")} & named


def _encounters(record: Record) -> Part:
    told = _diagnosed(record)
    entries = []
    for one in _visits(record)["Encounter"]:
        shown = [said for said in one.get("diagnosis", ()) if said.get("condition", {}).get("reference") in told]
        entries.append((_visit(one), _bound(statements.encounter, {**one, "diagnosis": shown})))
    return Part(columns=("Visit", "Status", "From"), entries=entries)


def _is_of(one: Json, wanted: str) -> bool:
    """True for a Condition of this category."""
    codes = {coding.get("code") for category in one.get("category", ()) for coding in category.get("coding", ())}
    return wanted in codes and "problem-list-item" not in codes


def _visits(record: Record) -> dict[str, list[Json]]:
    return {
        "Encounter": [one for one in record.get("Encounter", ()) if one.get("status") not in ("planned", "cancelled")]
    }


def _planned(record: Record) -> dict[str, list[Json]]:
    asked = [
        one
        for one in record.get("ServiceRequest", ())
        if one.get("status") in ("active", "draft", "on-hold", "unknown")
    ]
    return {"ServiceRequest": asked}


def _medications(record: Record, writer: Callable[[Hand, Element, Json], None]) -> Part:
    taken = [one for one in record.get("MedicationStatement", ()) if not _is_gone(one)]
    asked = [one for one in record.get("MedicationRequest", ()) if one.get("status") not in _OVER]
    every = (*taken, *asked)
    entries = [(_drug(one), _bound(writer, one)) for one in every]
    anchors = [orders.anchor_of(one) for one in every]
    return Part(columns=("Medication", "Status", "Since", "Directions"), entries=entries, anchors=anchors)


def _results(record: Record) -> Part:
    reports = [one for one in record.get("DiagnosticReport", ()) if one.get("result") and not _is_gone(one)]
    held = {str(ref.get("reference")) for one in reports for ref in one["result"]}
    lone = [
        one
        for one in record.get("Observation", ())
        if _category(one) == "laboratory" and f"Observation/{one['id']}" not in held and not _is_gone(one)
    ]
    entries = [(_result(one), _bound(statements.result_report, one)) for one in reports]
    entries += [(_result(one), _bound(statements.lone_result, one)) for one in lone]
    return Part(columns=("Test", "Value", "Date"), entries=entries)


def _vitals(record: Record) -> Part:
    vitals = [one for one in record.get("Observation", ()) if _category(one) == "vital-signs" and not _is_gone(one)]
    panels = [one for one in vitals if one.get("hasMember")]
    by_name = {f"Observation/{one['id']}": one for one in vitals}
    entries: list[tuple[Row, Callable[[Hand, Element], None]]] = []
    held: set[str] = set()
    for panel in panels:
        names = [str(one.get("reference")) for one in panel["hasMember"]]
        held.update(names)
        members = [by_name[name] for name in names if name in by_name]
        if members:
            entries.append((_vital(members), _panel(panel, members)))
    alone = [one for one in vitals if not one.get("hasMember") and f"Observation/{one['id']}" not in held]
    for one in alone:
        entries.append((_vital([one]), _panel(_moment_of(one), [one])))
    return Part(columns=("Vital signs", "Values", "Date"), entries=entries)


def _moment_of(one: Json) -> Json:
    """The time of an observation, for the set that it stands in alone."""
    return {key: value for key, value in one.items() if key.startswith("effective")}


def _panel(panel: Json, members: list[Json]) -> Callable[[Hand, Element], None]:
    return lambda hand, entry: statements.vital_panel(hand, entry, panel, members)


def _social(record: Record, patient: Json) -> Part:
    found = [one for one in record.get("Observation", ()) if _category(one) == "social-history" and not _is_gone(one)]
    entries = [(_result(one), _bound(_social_writer(one), one)) for one in found]
    sex = next((one.get("valueCode") for one in patient.get("extension", ()) if one.get("url") == _BIRTH_SEX), None)
    if sex and not any(_has_code(one, _BIRTH_SEX_CODES) for one in found):
        observation = statements.birth_sex_of(str(sex), patient)
        entries.append((("Sex at birth", str(sex), ""), _bound(statements.birth_sex, observation)))
    return Part(columns=("Habit", "Value", "Date"), entries=entries)


def _social_writer(one: Json) -> Callable[[Hand, Element, Json], None]:
    if _has_code(one, _SMOKING):
        return statements.smoking
    return statements.birth_sex if _has_code(one, _BIRTH_SEX_CODES) else statements.social


def _has_code(one: Json, codes: frozenset[str]) -> bool:
    return any(coding.get("code") in codes for coding in one.get("code", {}).get("coding", ()))


def _allergy(one: Json) -> Row:
    return words(one.get("code")), _coded(one.get("clinicalStatus")), _day(one.get("onsetDateTime"))


def _problem(one: Json) -> Row:
    return words(one.get("code")), _coded(one.get("clinicalStatus")), _day(one.get("onsetDateTime"))


def _drug(one: Json) -> Row:
    span = one.get("effectivePeriod", {})
    since = span.get("start") or one.get("effectiveDateTime") or one.get("authoredOn")
    said = orders.directions_of(one)
    return words(one.get("medicationCodeableConcept")), str(one.get("status", "")), _day(since), said


def _procedure(one: Json) -> Row:
    return words(one.get("code")), str(one.get("status", "")), _day(_when(one, "performed"))


def _result(one: Json) -> Row:
    return words(one.get("code")), _said(one), _day(_when(one, "effective"))


def _vital(members: Sequence[Json]) -> Row:
    values = "; ".join(f"{words(one.get('code'))}: {_said(one)}" for one in members)
    return "Vital signs", values, _day(_when(members[0], "effective"))


def _vaccine(one: Json) -> Row:
    return words(one.get("vaccineCode")), str(one.get("status", "")), _day(one.get("occurrenceDateTime"))


def _visit(one: Json) -> Row:
    kind = next(iter(one.get("type", ())), None)
    shown = words(kind) if kind else str(one.get("class", {}).get("display") or one.get("class", {}).get("code", ""))
    return shown, str(one.get("status", "")), _day(one.get("period", {}).get("start"))


def _plan(one: Json) -> Row:
    return words(one.get("code")), str(one.get("status", "")), _day(_when(one, "occurrence"))


def _goal(one: Json) -> Row:
    return words(one.get("description")), str(one.get("lifecycleStatus", "")), _day(one.get("startDate"))


def _coverage(one: Json) -> Row:
    return words(one.get("type")), str(one.get("status", "")), str(one.get("subscriberId", ""))


def words(concept: Mapping[str, Any] | None) -> str:
    """A coded value for people."""
    if not concept:
        return "unknown"
    shown = concept.get("text") or next(
        (one["display"] for one in concept.get("coding", ()) if one.get("display")), None
    )
    return str(shown or next((one.get("code") for one in concept.get("coding", ())), "unknown"))


def _said(one: Json) -> str:
    if "valueQuantity" in one:
        return f"{one['valueQuantity'].get('value', '')} {one['valueQuantity'].get('unit', '')}".strip()
    if "valueCodeableConcept" in one:
        return words(one["valueCodeableConcept"])
    return str(one.get("valueString", one.get("valueInteger", "")))


def _when(one: Json, choice: str) -> str:
    return str(one.get(f"{choice}DateTime") or one.get(f"{choice}Period", {}).get("start") or "")


def _day(text: str | None) -> str:
    return (text or "").partition("T")[0]


def _coded(concept: Mapping[str, Any] | None) -> str:
    codings: Sequence[Json] = (concept or {}).get("coding", ())
    return str(codings[0].get("code", "")) if codings else ""


def _category(one: Json) -> str:
    codes = [coding.get("code") for category in one.get("category", ()) for coding in category.get("coding", ())]
    return next((code for code in codes if code in ("laboratory", "vital-signs", "social-history")), "")
