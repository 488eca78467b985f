"""The closed set of operators that pathway files may use to say what counts as proof.

A condition is a mapping of operators that must all hold for one fact; `any`, `all` and `not` join conditions. Every
operator has its schema (`condition_schema` writes `content/schemas/condition.json`), its test, and its words for
people. To add one: a function under `@operator(...)` here, and its test.

A fact that names the step in `basedOn` or `partOf` is tied to it: operators marked `waived_by_tie` (what kind of
thing it is called) then hold; its resource type and status must fit all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.loops.facts.model import Fact

Condition = Mapping[str, Any]
Test = Callable[[Any, Fact], bool]
Words = Callable[[Any], str]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One operator: what it accepts, whether it holds, and how a nurse reads it."""

    name: str
    schema: Mapping[str, Any]
    holds: Test
    words: Words
    waived_by_tie: bool = False


OPERATORS: dict[str, Operator] = {}

_CODES = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"^\S+\|\S+$"}}
_WORDS = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"^[A-Za-z-]+$"}}
_RESOURCES = {
    "Appointment": "an appointment",
    "Booking": "a booking",
    "CarePlan": "a care plan",
    "CareTeam": "a care team",
    "Communication": "a call or message",
    "Consent": "a consent",
    "DetectedIssue": "a finding",
    "DiagnosticReport": "a report",
    "DocumentReference": "a document",
    "Encounter": "a visit",
    "Flag": "a flag",
    "ImagingStudy": "images",
    "Observation": "a measurement",
    "Procedure": "a procedure",
    "QuestionnaireResponse": "a form",
    "ServiceRequest": "an order",
    "Specimen": "a specimen",
    "Task": "a request",
}
"""What a fact may come from. `Booking` is the making of an Appointment, `Appointment` the visit at its start."""
_SENDERS = {"Patient": "the patient", "RelatedPerson": "a relative", "Practitioner": "the staff"}
_CLASSES = {"AMB": "at the practice", "HH": "at home", "VR": "virtual", "FLD": "in the field"}
_CODE_WORDS = {
    "http://snomed.info/sct|430193006": "medication reconciliation (SNOMED CT 430193006)",
    "http://loinc.org|18842-5": "discharge summary (LOINC 18842-5)",
}


def operator(
    name: str, *, schema: Mapping[str, Any], words: Words, waived_by_tie: bool = False
) -> Callable[[Test], Test]:
    """Registers the function below it as the operator `name`."""

    def register(holds: Test) -> Test:
        OPERATORS[name] = Operator(name=name, schema=schema, holds=holds, words=words, waived_by_tie=waived_by_tie)
        return holds

    return register


def _listed(values: Sequence[str]) -> str:
    return " or ".join(values)


def _coded(values: Sequence[str]) -> str:
    return _listed([_CODE_WORDS.get(value, value.rsplit("|", 1)[1]) for value in values])


@operator("resource", schema={"enum": sorted(_RESOURCES)}, words=lambda name: _RESOURCES[name])
def is_resource(name: str, fact: Fact) -> bool:
    """The fact comes from this FHIR resource type."""
    return fact.resource_type == name


@operator("status", schema=_WORDS, words=lambda names: f"that is {_listed(names)}")
def has_status(names: Sequence[str], fact: Fact) -> bool:
    """The resource has one of these statuses."""
    return fact.status in names


@operator("category", schema=_CODES, words=lambda codes: f"filed as {_coded(codes)}", waived_by_tie=True)
def has_category(codes: Sequence[str], fact: Fact) -> bool:
    """One of the resource's categories is one of these codes."""
    return not fact.categories.isdisjoint(codes)


@operator("code", schema=_CODES, words=lambda codes: f"that is a {_coded(codes)}", waived_by_tie=True)
def has_code(codes: Sequence[str], fact: Fact) -> bool:
    """The resource's code or type is one of these codes."""
    return not fact.codes.isdisjoint(codes)


@operator("class", schema=_WORDS, words=lambda codes: _listed([_CLASSES.get(code, code) for code in codes]))
def has_class(codes: Sequence[str], fact: Fact) -> bool:
    """The encounter has one of these classes (v3-ActCode)."""
    return fact.encounter_class in codes


@operator(
    "contact",
    schema={"enum": ["reached", "attempt"]},
    words=lambda kind: "that reached the patient or caregiver" if kind == "reached" else "that reached nobody",
)
def is_contact(kind: str, fact: Fact) -> bool:
    """The fact is a two-way contact, or an attempt at one (TR-21 to TR-23)."""
    return fact.contact is not None and fact.contact.value == kind


@operator(
    "performed_by",
    schema=_WORDS,
    words=lambda roles: f"by a {_listed(roles)} (or a practitioner whose role nobody recorded)",
)
def is_performed_by(roles: Sequence[str], fact: Fact) -> bool:
    """A practitioner took part whose role is one of these, or is not recorded."""
    return fact.has_practitioner and (fact.roles is None or not fact.roles.isdisjoint(roles))


@operator("intent", schema=_WORDS, words=lambda names: f"meant as {_listed(names)}")
def has_intent(names: Sequence[str], fact: Fact) -> bool:
    """The request is meant so (`order`, `plan`)."""
    return fact.intent in names


@operator("business_status", schema=_CODES, words=lambda codes: f"in the state {_coded(codes)}")
def has_business_status(codes: Sequence[str], fact: Fact) -> bool:
    """One of the request's business statuses is one of these codes."""
    return not fact.business_status.isdisjoint(codes)


@operator("reason", schema=_CODES, words=lambda codes: f"because of {_coded(codes)}")
def has_reason(codes: Sequence[str], fact: Fact) -> bool:
    """One of the resource's reasons is one of these codes."""
    return not fact.reasons.isdisjoint(codes)


@operator("interpretation", schema=_WORDS, words=lambda codes: f"read as {_listed(codes)}")
def has_interpretation(codes: Sequence[str], fact: Fact) -> bool:
    """The result was marked with one of these codes (v3-ObservationInterpretation)."""
    return any(coded.rsplit("|", 1)[1] in codes for coded in fact.interpretation)


@operator(
    "from",
    schema={"type": "array", "minItems": 1, "items": {"enum": sorted(_SENDERS)}},
    words=lambda kinds: f"from {_listed([_SENDERS[kind] for kind in kinds])}",
)
def is_from(kinds: Sequence[str], fact: Fact) -> bool:
    """Somebody of these kinds sent it, asked for it or filled it in."""
    return fact.sender.split("/")[0] in kinds


@operator("to_patient", schema={"type": "boolean"}, words=lambda yes: "to the patient" if yes else "not to the patient")
def is_to_patient(yes: bool, fact: Fact) -> bool:
    """The patient, or somebody who cares for them, was told."""
    return fact.about_patient is yes


@operator("by_staff", schema={"type": "boolean"}, words=lambda yes: f"{'' if yes else 'not '}by a practitioner")
def is_by_staff(yes: bool, fact: Fact) -> bool:
    """A practitioner sent it, performed it or took part."""
    return fact.has_practitioner is yes


@operator(
    "key",
    schema={"type": "object", "minProperties": 1, "additionalProperties": _WORDS},
    words=lambda wanted: " and ".join(f"whose {name} is {_listed(values)}" for name, values in wanted.items()),
)
def has_keys(wanted: Mapping[str, Sequence[str]], fact: Fact) -> bool:
    """Each of these named words of the fact is one of those given; one that it does not have is none of them."""
    return all(fact.keys.get(name) in values for name, values in wanted.items())


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What a loop is about: its focus, and everything that belongs to it (`PatientFacts.belonging`)."""

    focus: str
    things: frozenset[str]
    keys: Mapping[str, str] = field(default_factory=dict)
    """The newest words of the matter, for what a fact must have in common with it."""


NO_MATTER = Matter(focus="", things=frozenset())
_ABOUT = {"belongs": "about this very matter", "itself": "the matter itself"}


def holds(condition: Condition, fact: Fact, *, tied: bool = False, matter: Matter = NO_MATTER) -> bool:
    """True when `fact` satisfies `condition`. `tied`: the fact names the step itself. `matter`: of the loop."""
    return all(_one_holds(name, value, fact, tied=tied, matter=matter) for name, value in condition.items())


def _one_holds(name: str, value: Any, fact: Fact, *, tied: bool, matter: Matter) -> bool:
    if name == "all":
        return all(holds(part, fact, tied=tied, matter=matter) for part in value)
    if name == "any":
        return any(holds(part, fact, tied=tied, matter=matter) for part in value)
    if name == "not":
        return not holds(value, fact, tied=False, matter=matter)
    if name == "belongs":
        return tied or fact.thing in matter.things
    if name == "itself":
        return fact.thing == matter.focus
    if name == "same_key":
        return all(matter.keys.get(theirs) in fact.keys.get(ours, "").split() for ours, theirs in value.items())
    found = OPERATORS[name]
    return (tied and found.waived_by_tie) or found.holds(value, fact)


def could_hold(condition: Condition, kind: str, words: Mapping[str, str]) -> bool:
    """False where no fact of this kind with these words satisfies the condition, whatever else it says. A cheap look
    before a fact is read at all; a word that is not among `words` may be anything."""
    for name, value in condition.items():
        if name == "resource" and value != kind:
            return False
        if name == "key" and any(words.get(key, values[0]) not in values for key, values in value.items()):
            return False
        if name == "all" and not all(could_hold(part, kind, words) for part in value):
            return False
        if name == "any" and not any(could_hold(part, kind, words) for part in value):
            return False
    return True


def resource_types(condition: Condition) -> frozenset[str]:
    """The kinds of fact that can satisfy the condition; all kinds where it names none."""
    found = frozenset(_RESOURCES)
    if "resource" in condition:
        found &= {condition["resource"]}
    for part in condition.get("all", ()):
        found &= resource_types(part)
    if "any" in condition:
        found &= frozenset().union(*(resource_types(part) for part in condition["any"]))
    return found


def in_words(condition: Condition) -> str:
    """The condition as a nurse reads it: `a visit that is finished at home`."""
    return " ".join(_one_in_words(name, value) for name, value in condition.items())


def _one_in_words(name: str, value: Any) -> str:
    if name == "all":
        return ", and ".join(in_words(part) for part in value)
    if name == "any":
        return ", or ".join(in_words(part) for part in value)
    if name == "not":
        return f"not ({in_words(value)})"
    if name in _ABOUT:
        return _ABOUT[name]
    if name == "same_key":
        return " and ".join(f"that {ours} what this matter {theirs}" for ours, theirs in value.items())
    return OPERATORS[name].words(value)


def condition_schema() -> dict[str, Any]:
    """The JSON Schema of a condition, made from the operators above."""
    itself = {"$ref": "#"}
    properties: dict[str, Any] = {name: dict(found.schema) for name, found in sorted(OPERATORS.items())}
    properties |= {"all": {"type": "array", "minItems": 1, "items": itself}}
    properties |= {"any": {"type": "array", "minItems": 1, "items": itself}, "not": itself}
    properties |= {name: {"const": True} for name in _ABOUT}
    names = {"type": "string", "pattern": "^[a-z-]+$"}
    properties["same_key"] = {"type": "object", "minProperties": 1, "additionalProperties": names}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:careloop:schema:condition",
        "title": "A condition over one fact, generated from careloop.loops.rules.conditions",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": properties,
    }
