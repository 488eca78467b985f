"""Facts as clinical statements: allergies, problems, procedures, results, vital signs, visits, habits."""

from collections.abc import Mapping
from typing import Any

from careloop.fhir.xmls import Element
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.writing.types import Hand, time_of

_SNOMED = "2.16.840.1.113883.6.96"
_LOINC = "2.16.840.1.113883.6.1"
_ACT = "2.16.840.1.113883.5.6"
_ACT_CODE = "2.16.840.1.113883.5.4"
_STATUS_CODES = {"active": "55561003", "inactive": "73425007", "resolved": "413322009"}
_PROBLEM_STATUS = {
    **_STATUS_CODES, "recurrence": "246455001", "relapse": "263855007", "remission": "277022003",
}  # fmt: skip
_ALLERGY_TYPES = {
    ("allergy", "medication"): ("416098002", "Allergy to drug"),
    ("allergy", "food"): ("414285001", "Allergy to food"),
    ("allergy", "environment"): ("426232007", "Environmental allergy"),
    ("allergy", ""): ("419199007", "Allergy to substance"),
    ("intolerance", "medication"): ("59037007", "Drug intolerance"),
    ("intolerance", "food"): ("235719002", "Food intolerance"),
    ("", "medication"): ("419511003", "Propensity to adverse reaction to drug"),
    ("", "food"): ("418471000", "Propensity to adverse reactions to food"),
}
_SMOKING = {"system": "http://loinc.org", "code": "72166-2", "display": "Tobacco smoking status"}
_NO_ALLERGY = {
    "716186003": "419199007",
    "409137002": "416098002",
    "429625007": "414285001",
    "428607008": "426232007",
}
_SEVERITIES = {"mild": ("255604002", "Mild"), "moderate": ("6736007", "Moderate"), "severe": ("24484000", "Severe")}
_CRITICALITY = {"low": "CRITL", "high": "CRITH", "unable-to-assess": "CRITU"}
_OBSERVATION_STATUS = {"final": "completed", "amended": "completed", "corrected": "completed", "preliminary": "active"}
_PROCEDURE_STATUS = {"completed": "completed", "in-progress": "active", "stopped": "aborted", "not-done": "completed"}


def allergy(hand: Hand, entry: Element, one: Json) -> None:
    """AllergyIntolerance as an allergy concern act with its observation."""
    status = _coded(one, "clinicalStatus")
    concern = hand.add(entry, "act", classCode="ACT", moodCode="EVN")
    hand.template(concern, "22.4.30")
    hand.ids(concern, one)
    hand.add(concern, "code", code="CONC", codeSystem=_ACT, displayName="Concern")
    hand.add(concern, "statusCode", code="active" if status == "active" else "completed")
    begun = one.get("recordedDate") or one.get("onsetDateTime")
    hand.period(concern, "effectiveTime", begun, None, open_end=status != "active")
    observation = hand.add(
        hand.add(concern, "entryRelationship", typeCode="SUBJ"), "observation", classCode="OBS", moodCode="EVN",
        negationInd="true" if _none_known(one) or _coded(one, "verificationStatus") == "refuted" else None,
    )  # fmt: skip
    hand.template(observation, "22.4.7")
    hand.ids(observation, one)
    hand.add(observation, "code", code="ASSERTION", codeSystem=_ACT_CODE)
    hand.add(observation, "statusCode", code="completed")
    hand.period(observation, "effectiveTime", one.get("onsetDateTime"), None)
    code, shown = _allergy_type(one)
    hand.add(observation, "value", xsi_type="CD", code=code, codeSystem=_SNOMED, displayName=shown)
    hand.author(observation, one.get("recordedDate"), hand.who(one.get("recorder")))
    role = hand.add(hand.add(observation, "participant", typeCode="CSM"), "participantRole", classCode="MANU")
    entity = hand.add(role, "playingEntity", classCode="MMAT")
    hand.code(entity, "code", None if _none_known(one) else one.get("code"), null="NA")
    if status in _STATUS_CODES:
        _status(hand, observation, "22.4.28", _STATUS_CODES[status], status, kind="CE")
    for reaction in one.get("reaction", ()):
        _reaction(hand, observation, reaction)
    if one.get("criticality") in _CRITICALITY:
        inner = _related(hand, observation, "22.4.145", "SUBJ", inversion=True)
        hand.add(inner, "code", code="82606-5", codeSystem=_LOINC, displayName="Criticality")
        hand.add(inner, "statusCode", code="completed")
        code = _CRITICALITY[one["criticality"]]
        hand.add(inner, "value", xsi_type="CD", code=code, codeSystem="2.16.840.1.113883.5.1063")


def _allergy_type(one: Mapping[str, Any]) -> tuple[str, str | None]:
    for coding in one.get("code", {}).get("coding", ()):
        if coding.get("code") in _NO_ALLERGY:
            return _NO_ALLERGY[coding["code"]], None
    category = next(iter(one.get("category", ())), "")
    kind = str(one.get("type", ""))
    return (
        _ALLERGY_TYPES.get((kind, category)) or _ALLERGY_TYPES.get((kind, "")) or ("419199007", "Allergy to substance")
    )


def _none_known(one: Mapping[str, Any]) -> bool:
    return any(coding.get("code") in _NO_ALLERGY for coding in one.get("code", {}).get("coding", ()))


def _reaction(hand: Hand, parent: Element, reaction: Mapping[str, Any]) -> None:
    for number, manifestation in enumerate(reaction.get("manifestation", ())):
        inner = _related(hand, parent, "22.4.9", "MFST", inversion=True)
        hand.add(inner, "id", nullFlavor="NI")
        hand.add(inner, "code", code="ASSERTION", codeSystem=_ACT_CODE)
        hand.add(inner, "statusCode", code="completed")
        if reaction.get("onset"):
            hand.period(inner, "effectiveTime", reaction["onset"], None)
        hand.code(inner, "value", manifestation, kind="CD")
        if reaction.get("severity") in _SEVERITIES and number == 0:
            code, shown = _SEVERITIES[reaction["severity"]]
            severity = _related(hand, inner, "22.4.8", "SUBJ", inversion=True)
            hand.add(severity, "code", code="SEV", codeSystem=_ACT_CODE)
            hand.add(severity, "statusCode", code="completed")
            hand.add(severity, "value", xsi_type="CD", code=code, codeSystem=_SNOMED, displayName=shown)


def problem(hand: Hand, entry: Element, one: Json) -> None:
    """Condition as a problem concern act with its observation."""
    status = _coded(one, "clinicalStatus") or "active"
    concern = hand.add(entry, "act", classCode="ACT", moodCode="EVN")
    hand.template(concern, "22.4.3")
    hand.ids(concern, one)
    hand.add(concern, "code", code="CONC", codeSystem=_ACT, displayName="Concern")
    hand.add(concern, "statusCode", code="active" if status in ("active", "recurrence", "relapse") else "completed")
    begun = one.get("recordedDate") or one.get("onsetDateTime")
    hand.period(concern, "effectiveTime", begun, None, open_end=status in ("inactive", "resolved"))
    link = hand.add(concern, "entryRelationship", typeCode="SUBJ")
    problem_observation(hand, link, one, status)


def discharge_diagnosis(hand: Hand, entry: Element, one: Json) -> None:
    """Condition as a hospital discharge diagnosis."""
    act = hand.add(entry, "act", classCode="ACT", moodCode="EVN")
    hand.template(act, "22.4.33")
    hand.add(act, "code", code="11535-2", codeSystem=_LOINC, displayName="Hospital discharge diagnosis")
    hand.add(act, "statusCode", code="active")
    link = hand.add(act, "entryRelationship", typeCode="SUBJ")
    problem_observation(hand, link, one, _coded(one, "clinicalStatus") or "active")


def problem_observation(hand: Hand, link: Element, one: Json, status: str) -> None:
    """The observation of a problem."""
    none = any(coding.get("code") == "160245001" for coding in one.get("code", {}).get("coding", ()))
    refuted = none or _coded(one, "verificationStatus") == "refuted"
    inner = hand.add(link, "observation", classCode="OBS", moodCode="EVN", negationInd="true" if refuted else None)
    hand.template(inner, "22.4.4")
    hand.ids(inner, one)
    kinds = [
        said["valueCodeableConcept"]
        for said in one.get("extension", ())
        if said.get("url") == "urn:careloop:problem-type"
    ]
    default = {"coding": [{"system": "http://snomed.info/sct", "code": "55607006", "display": "Problem"}]}
    hand.code(inner, "code", kinds[0] if kinds else default)
    hand.add(inner, "statusCode", code="completed")
    hand.period(inner, "effectiveTime", one.get("onsetDateTime"), one.get("abatementDateTime"))
    if none:
        hand.add(inner, "value", xsi_type="CD", code="55607006", codeSystem=_SNOMED, displayName="Problem")
    else:
        hand.code(inner, "value", one.get("code"), kind="CD")
    for site in one.get("bodySite", ()):
        hand.code(inner, "targetSiteCode", site)
    hand.author(inner, one.get("recordedDate"), hand.who(one.get("recorder")))
    if status in _PROBLEM_STATUS:
        _status(hand, inner, "22.4.6", _PROBLEM_STATUS[status], status)


def procedure(hand: Hand, entry: Element, one: Json) -> None:
    """Procedure as a procedure activity."""
    negated = "true" if one.get("status") == "not-done" else None
    inner = hand.add(entry, "procedure", classCode="PROC", moodCode="EVN", negationInd=negated)
    hand.template(inner, "22.4.14")
    hand.ids(inner, one)
    hand.code(inner, "code", one.get("code"))
    hand.add(inner, "statusCode", code=_PROCEDURE_STATUS.get(str(one.get("status")), "completed"))
    hand.when(inner, "effectiveTime", one, "performed")
    for site in one.get("bodySite", ()):
        hand.code(inner, "targetSiteCode", site)
    hand.performed_by(inner, "performer", [said.get("actor") for said in one.get("performer", ())])
    hand.author(inner, None, hand.who(one.get("recorder")))


def result_report(hand: Hand, entry: Element, one: Json) -> None:
    """DiagnosticReport with its Observations as a result organizer."""
    organizer = hand.add(entry, "organizer", classCode="BATTERY", moodCode="EVN")
    hand.template(organizer, "22.4.1")
    hand.ids(organizer, one)
    hand.code(organizer, "code", one.get("code"))
    hand.add(organizer, "statusCode", code=_OBSERVATION_STATUS.get(str(one.get("status")), "completed"))
    _span(hand, organizer, one)
    for reference in one.get("result", ()):
        observation = hand.resolve(str(reference.get("reference")))
        if observation is not None:
            result(hand, hand.add(organizer, "component"), observation)


def lone_result(hand: Hand, entry: Element, one: Json) -> None:
    """An Observation that no report holds, in an organizer of its own code."""
    organizer = hand.add(entry, "organizer", classCode="BATTERY", moodCode="EVN")
    hand.template(organizer, "22.4.1")
    hand.add(organizer, "id", nullFlavor="NI")
    hand.code(organizer, "code", one.get("code"))
    hand.add(organizer, "statusCode", code="completed")
    result(hand, hand.add(organizer, "component"), one)


def result(hand: Hand, parent: Element, one: Json) -> None:
    """A result observation."""
    _observation(hand, parent, one, "22.4.2")


def vital_panel(hand: Hand, entry: Element, panel: Json, members: list[Json]) -> None:
    """A set of vital signs of one time."""
    organizer = hand.add(entry, "organizer", classCode="CLUSTER", moodCode="EVN")
    hand.template(organizer, "22.4.26")
    if panel.get("hasMember"):
        hand.ids(organizer, panel)
    else:
        hand.add(organizer, "id", nullFlavor="NI")
    hand.add(organizer, "code", code="46680005", codeSystem=_SNOMED, displayName="Vital signs")
    hand.add(organizer, "statusCode", code="completed")
    hand.when(organizer, "effectiveTime", panel, "effective")
    for one in members:
        _observation(hand, hand.add(organizer, "component"), one, "22.4.27")


def _observation(hand: Hand, parent: Element, one: Json, template: str) -> Element:
    inner = hand.add(parent, "observation", classCode="OBS", moodCode="EVN")
    hand.template(inner, template)
    hand.ids(inner, one)
    hand.code(inner, "code", one.get("code"))
    hand.add(inner, "statusCode", code=_OBSERVATION_STATUS.get(str(one.get("status")), "completed"))
    hand.when(inner, "effectiveTime", one, "effective")
    hand.value(inner, one)
    for said in one.get("interpretation", ()):
        hand.code(inner, "interpretationCode", said)
    if one.get("method"):
        hand.code(inner, "methodCode", one["method"])
    hand.performed_by(inner, "performer", one.get("performer", ()))
    hand.reference_ranges(inner, one)
    return inner


def outcome(hand: Hand, entry: Element, one: Json) -> Element:
    """An observation that tells how far a goal was reached."""
    return _observation(hand, entry, one, "22.4.144")


def smoking(hand: Hand, entry: Element, one: Json) -> None:
    """A smoking status."""
    inner = hand.add(entry, "observation", classCode="OBS", moodCode="EVN")
    hand.template(inner, "22.4.78")
    hand.ids(inner, one)
    codings = one.get("code", {}).get("coding", ())
    first = [coding for coding in codings if coding.get("code") == "72166-2"] or [_SMOKING]
    others = [coding for coding in codings if coding.get("code") != "72166-2"]
    hand.code(inner, "code", {**one.get("code", {}), "coding": [*first, *others]})
    hand.add(inner, "statusCode", code="completed")
    at = one.get("effectiveDateTime") or one.get("effectivePeriod", {}).get("start")
    hand.add(inner, "effectiveTime", value=time_of(at) if at else None, nullFlavor=None if at else "UNK")
    hand.value(inner, one)


def birth_sex(hand: Hand, entry: Element, one: Json) -> None:
    """The sex recorded at birth."""
    inner = hand.add(entry, "observation", classCode="OBS", moodCode="EVN")
    hand.template(inner, "22.4.200")
    if one.get("identifier"):
        hand.ids(inner, one)
    hand.code(inner, "code", one.get("code"))
    hand.add(inner, "statusCode", code="completed")
    if "effectiveDateTime" in one or "effectivePeriod" in one:
        hand.when(inner, "effectiveTime", one, "effective")
    hand.value(inner, one)


def birth_sex_of(code: str, patient: Json) -> Json:
    """The observation that says what the Patient's extension says."""
    shown = {"M": "Male", "F": "Female"}.get(code)
    said = {"system": "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender", "code": code, "display": shown}
    kind = {"system": "http://loinc.org", "code": "76689-9", "display": "Sex assigned at birth"}
    value = {"coding": [{key: one for key, one in said.items() if one}]}
    return {"id": f"birth-sex-{patient.get('id')}", "code": {"coding": [kind]}, "valueCodeableConcept": value}


def health_concern(hand: Hand, entry: Element, one: Json) -> None:
    """Condition as a health concern."""
    act = hand.add(entry, "act", classCode="ACT", moodCode="EVN")
    hand.template(act, "22.4.132")
    hand.add(act, "id", nullFlavor="NI")
    hand.add(act, "code", code="75310-3", codeSystem=_LOINC, displayName="Health concerns document")
    hand.add(act, "statusCode", code="active")
    link = hand.add(act, "entryRelationship", typeCode="REFR")
    problem_observation(hand, link, one, _coded(one, "clinicalStatus") or "active")


def social(hand: Hand, entry: Element, one: Json) -> None:
    """A social history observation."""
    _observation(hand, entry, one, "22.4.38")
    code = next(entry.iter("{*}observation")).find("{*}code")
    if code.get("codeSystem") != _LOINC and code.find("{*}translation") is None:
        hand.add(code, "translation", nullFlavor="NI")


def encounter(hand: Hand, entry: Element, one: Json) -> None:
    """Encounter as an encounter activity."""
    inner = hand.add(entry, "encounter", classCode="ENC", moodCode="EVN")
    hand.template(inner, "22.4.49")
    hand.ids(inner, one)
    kind = {"coding": [one["class"]]} if one.get("class", {}).get("code") not in (None, "UNK") else None
    hand.code(inner, "code", next(iter(one.get("type", ())), kind))
    if one.get("status") in ("finished", "in-progress", "cancelled"):
        codes = {"finished": "completed", "in-progress": "active", "cancelled": "cancelled"}
        hand.add(inner, "statusCode", code=codes[one["status"]])
    span = one.get("period", {})
    hand.period(inner, "effectiveTime", span.get("start"), span.get("end"))
    hand.performed_by(inner, "performer", [said.get("individual") for said in one.get("participant", ())])
    for said in one.get("diagnosis", ()):
        condition = hand.resolve(str(said.get("condition", {}).get("reference")))
        if condition is not None:
            act = hand.add(
                hand.add(inner, "entryRelationship", typeCode="COMP"), "act", classCode="ACT", moodCode="EVN"
            )
            hand.template(act, "22.4.80")
            hand.add(act, "code", code="29308-4", codeSystem=_LOINC, displayName="Diagnosis")
            hand.add(act, "statusCode", code="active")
            link = hand.add(act, "entryRelationship", typeCode="SUBJ")
            problem_observation(hand, link, condition, _coded(condition, "clinicalStatus") or "active")


def _span(hand: Hand, parent: Element, one: Mapping[str, Any]) -> None:
    """An organizer's time is an interval with both its ends."""
    span = one.get("effectivePeriod", {})
    low, high = (one.get("effectiveDateTime") or span.get("start")), (one.get("effectiveDateTime") or span.get("end"))
    if low or high:
        hand.period(parent, "effectiveTime", low, high, open_end=True)


def _status(hand: Hand, parent: Element, template: str, code: str, shown: str, *, kind: str = "CD") -> None:
    inner = _related(hand, parent, template, "REFR")
    hand.add(inner, "code", code="33999-4", codeSystem=_LOINC, displayName="Status")
    hand.add(inner, "statusCode", code="completed")
    hand.add(inner, "value", xsi_type=kind, code=code, codeSystem=_SNOMED, displayName=shown.capitalize())


def _related(hand: Hand, parent: Element, template: str, kind: str, *, inversion: bool = False) -> Element:
    link = hand.add(parent, "entryRelationship", typeCode=kind, inversionInd="true" if inversion else None)
    inner = hand.add(link, "observation", classCode="OBS", moodCode="EVN")
    hand.template(inner, template)
    return inner


def _coded(one: Mapping[str, Any], element: str) -> str:
    codings = one.get(element, {}).get("coding", ())
    return str(codings[0].get("code", "")) if codings else ""
