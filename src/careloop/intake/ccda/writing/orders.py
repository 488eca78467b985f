"""Medications, immunizations, plans, goals and coverage as clinical statements."""

from collections.abc import Mapping
from typing import Any

from careloop.fhir.xmls import Element
from careloop.intake.ccda.model import Json
from careloop.intake.ccda.writing.types import Hand, time_of

_TAKEN = {
    "active": "active", "completed": "completed", "stopped": "aborted", "on-hold": "suspended", "intended": "active",
    "entered-in-error": "nullified",
}  # fmt: skip
_ASKED = {
    "active": "active", "completed": "completed", "stopped": "aborted", "cancelled": "cancelled",
    "on-hold": "suspended", "draft": "new", "revoked": "aborted", "entered-in-error": "nullified",
}  # fmt: skip
_LOINC = "2.16.840.1.113883.6.1"
_MOODS = {"order": "RQO", "plan": "INT", "proposal": "PRP"}
_GOALS = {"active": "active", "completed": "completed", "cancelled": "cancelled", "on-hold": "suspended"}


def anchor_of(one: Mapping[str, Any]) -> str:
    """The ID of the directions of a medication in the narrative."""
    return f"directions-{one.get('id', '')}"


def directions_of(one: Mapping[str, Any]) -> str:
    """The directions in words."""
    dose: Json = next(iter(one.get("dosageInstruction") or one.get("dosage") or ()), {})
    return str(dose.get("text", ""))


def medication(hand: Hand, entry: Element, one: Json) -> None:
    """MedicationStatement or MedicationRequest as a medication activity."""
    asked = one["resourceType"] == "MedicationRequest"
    mood = _MOODS.get(str(one.get("intent")), "INT") if asked else "EVN"
    negated = "true" if one.get("status") == "not-taken" or one.get("doNotPerform") else None
    inner = hand.add(entry, "substanceAdministration", classCode="SBADM", moodCode=mood, negationInd=negated)
    hand.template(inner, "22.4.16" if mood in ("EVN", "INT") else "22.4.42")
    hand.ids(inner, one)
    status = (_ASKED if asked else _TAKEN).get(str(one.get("status")))
    hand.add(inner, "statusCode", code=status, nullFlavor=None if status else "UNK")
    dose: Json = next(iter(one.get("dosageInstruction" if asked else "dosage", ())), {})
    _times(hand, inner, one, dose)
    repeats = one.get("dispenseRequest", {}).get("numberOfRepeatsAllowed")
    if repeats is not None:
        hand.add(inner, "repeatNumber", value=repeats)
    for name, key in (("routeCode", "route"), ("approachSiteCode", "site")):
        if dose.get(key):
            hand.code(inner, name, dose[key])
    _doses(hand, inner, dose)
    _product(hand, inner, _drug(hand, one), "22.4.23")
    at = one.get("authoredOn" if asked else "dateAsserted")
    hand.author(inner, at, hand.who(one.get("requester" if asked else "informationSource")))
    for reason in one.get("reasonCode", ()):
        link = hand.add(inner, "entryRelationship", typeCode="RSON")
        why = hand.add(link, "observation", classCode="OBS", moodCode="EVN")
        hand.template(why, "22.4.19")
        hand.add(why, "id", nullFlavor="NI")
        hand.add(why, "code", code="ASSERTION", codeSystem="2.16.840.1.113883.5.4")
        hand.add(why, "statusCode", code="completed")
        hand.code(why, "value", reason, kind="CD")
    if dose.get("text"):
        link = hand.add(inner, "entryRelationship", typeCode="COMP")
        sig = hand.add(link, "substanceAdministration", classCode="SBADM", moodCode=mood if mood != "INT" else "INT")
        hand.template(sig, "22.4.147")
        hand.add(sig, "code", code="76662-6", codeSystem=_LOINC, displayName="Instructions Medication")
        hand.add(hand.add(sig, "text"), "reference", value=f"#{anchor_of(one)}")
        hand.add(
            hand.add(hand.add(sig, "consumable"), "manufacturedProduct"), "manufacturedLabeledDrug", nullFlavor="NA"
        )
    _condition(hand, inner, dose)


def _condition(hand: Hand, inner: Element, dose: Mapping[str, Any]) -> None:
    """Taken only when needed: for what, where that is said."""
    if not (dose.get("asNeededBoolean") or dose.get("asNeededCodeableConcept")):
        return
    precondition = hand.add(inner, "precondition", typeCode="PRCN")
    criterion = hand.add(precondition, "criterion")
    hand.template(criterion, "22.4.25")
    hand.add(criterion, "code", code="ASSERTION", codeSystem="2.16.840.1.113883.5.4")
    if dose.get("asNeededCodeableConcept"):
        hand.code(criterion, "value", dose["asNeededCodeableConcept"], kind="CD")
    else:
        hand.add(criterion, "value", xsi_type="CD", nullFlavor="NI")


def discharge_medication(hand: Hand, entry: Element, one: Json) -> None:
    """A medication at discharge."""
    act = hand.add(entry, "act", classCode="ACT", moodCode="EVN")
    hand.template(act, "22.4.35")
    code = hand.add(act, "code", code="10183-2", codeSystem=_LOINC, displayName="Hospital discharge medications")
    hand.add(code, "translation", code="75311-1", codeSystem=_LOINC, displayName="Discharge medications")
    hand.add(act, "statusCode", code="completed")
    medication(hand, hand.add(act, "entryRelationship", typeCode="SUBJ"), one)


def _times(hand: Hand, inner: Element, one: Mapping[str, Any], dose: Mapping[str, Any]) -> None:
    repeat = dose.get("timing", {}).get("repeat", {})
    span = one.get("effectivePeriod") or one.get("dispenseRequest", {}).get("validityPeriod")
    span = span or repeat.get("boundsPeriod")
    if one.get("effectiveDateTime"):
        hand.add(inner, "effectiveTime", value=time_of(one["effectiveDateTime"]))
    else:
        span = span or {}
        hand.period(inner, "effectiveTime", span.get("start"), span.get("end"), kind="IVL_TS")
    if repeat.get("period") and repeat.get("frequency", 1) == 1 and repeat.get("periodUnit"):
        element = hand.add(
            inner, "effectiveTime", xsi_type="PIVL_TS", operator="A", institutionSpecified="true"
        )  # fmt: skip
        if repeat.get("periodMax"):
            inside = hand.add(element, "period", xsi_type="IVL_PQ")
            hand.add(inside, "low", value=repeat["period"], unit=repeat["periodUnit"])
            hand.add(inside, "high", value=repeat["periodMax"], unit=repeat["periodUnit"])
        else:
            hand.add(element, "period", value=repeat["period"], unit=repeat["periodUnit"])
    elif repeat.get("when"):
        element = hand.add(inner, "effectiveTime", xsi_type="EIVL_TS", operator="A")
        hand.add(element, "event", code=repeat["when"][0])


def _doses(hand: Hand, inner: Element, dose: Mapping[str, Any]) -> None:
    said: Json = next(iter(dose.get("doseAndRate", ())), {})
    if "doseQuantity" in said:
        hand.quantity(inner, "doseQuantity", said["doseQuantity"])
    elif "doseRange" in said:
        _range(hand, inner, "doseQuantity", said["doseRange"])
    else:
        hand.add(inner, "doseQuantity", nullFlavor="UNK")
    if "rateQuantity" in said:
        hand.quantity(inner, "rateQuantity", said["rateQuantity"])
    elif "rateRange" in said:
        _range(hand, inner, "rateQuantity", said["rateRange"])


def _range(hand: Hand, inner: Element, name: str, said: Mapping[str, Any], *, kind: str | None = None) -> None:
    element = hand.add(inner, name, xsi_type=kind)
    for end in ("low", "high"):
        if end in said:
            hand.quantity(element, end, said[end])


def _drug(hand: Hand, one: Mapping[str, Any]) -> Json | None:
    """The drug's code: here, or in the Medication that is referred to."""
    if "medicationCodeableConcept" in one:
        coded: Json = one["medicationCodeableConcept"]
        return coded
    found = hand.resolve(str(one.get("medicationReference", {}).get("reference", "")))
    return found.get("code") if found else None


def _product(hand: Hand, inner: Element, code: Mapping[str, Any] | None, template: str) -> Element:
    product = hand.add(hand.add(inner, "consumable"), "manufacturedProduct", classCode="MANU")
    hand.template(product, template)
    material = hand.add(product, "manufacturedMaterial")
    hand.code(material, "code", code)
    return product


def immunization(hand: Hand, entry: Element, one: Json) -> None:
    """Immunization as an immunization activity."""
    negated = str(one.get("status") == "not-done").lower()
    inner = hand.add(entry, "substanceAdministration", classCode="SBADM", moodCode="EVN", negationInd=negated)
    hand.template(inner, "22.4.52")
    hand.ids(inner, one)
    hand.add(inner, "statusCode", code="completed")
    at = one.get("occurrenceDateTime")
    hand.add(inner, "effectiveTime", value=time_of(at) if at else None, nullFlavor=None if at else "UNK")
    for number in one.get("protocolApplied", ())[:1]:
        if number.get("doseNumberPositiveInt"):
            hand.add(inner, "repeatNumber", value=number["doseNumberPositiveInt"])
    for name, key in (("routeCode", "route"), ("approachSiteCode", "site")):
        if one.get(key):
            hand.code(inner, name, one[key])
    if one.get("doseQuantity"):
        hand.quantity(inner, "doseQuantity", one["doseQuantity"])
    product = _product(hand, inner, one.get("vaccineCode"), "22.4.54")
    if one.get("lotNumber"):
        hand.add(product.find("{*}manufacturedMaterial"), "lotNumberText", one["lotNumber"])
    maker = hand.resolve(str(one.get("manufacturer", {}).get("reference", "")))
    if maker is not None:
        hand.organization(hand.add(product, "manufacturerOrganization"), maker)
    hand.performed_by(inner, "performer", [said.get("actor") for said in one.get("performer", ())])
    if one.get("statusReason"):
        link = hand.add(inner, "entryRelationship", typeCode="RSON")
        refusal = hand.add(link, "observation", classCode="OBS", moodCode="EVN")
        hand.template(refusal, "22.4.53")
        hand.add(refusal, "id", nullFlavor="NI")
        hand.code(refusal, "code", one["statusReason"])
        hand.add(refusal, "statusCode", code="completed")


def planned(hand: Hand, entry: Element, one: Json) -> None:
    """ServiceRequest as a planned procedure."""
    mood = _MOODS.get(str(one.get("intent")), "INT")
    inner = hand.add(entry, "procedure", classCode="PROC", moodCode=mood)
    hand.template(inner, "22.4.41")
    hand.ids(inner, one)
    hand.code(inner, "code", one.get("code"))
    hand.add(inner, "statusCode", code=_ASKED.get(str(one.get("status")), "active"))
    if one.get("occurrenceDateTime") or one.get("occurrencePeriod"):
        hand.when(inner, "effectiveTime", one, "occurrence")
    hand.performed_by(inner, "performer", one.get("performer", ()))
    hand.author(inner, one.get("authoredOn"), hand.who(one.get("requester")))


def goal(hand: Hand, entry: Element, one: Json) -> None:
    """Goal as a goal observation."""
    inner = hand.add(entry, "observation", classCode="OBS", moodCode="GOL")
    hand.template(inner, "22.4.121")
    hand.ids(inner, one)
    target: Json = next(iter(one.get("target", ())), {})
    described = one.get("description", {})
    plain = described.get("text") if not described.get("coding") else None
    fallback = {"coding": [{"system": "http://loinc.org", "code": "75310-3", "display": "Health concerns"}]}
    hand.code(inner, "code", target.get("measure") or (None if plain else described) or fallback)
    hand.add(inner, "statusCode", code=_GOALS.get(str(one.get("lifecycleStatus")), "active"))
    if one.get("startDate") or target.get("dueDate"):
        hand.period(inner, "effectiveTime", one.get("startDate"), target.get("dueDate"))
    if plain:
        hand.add(inner, "value", plain, xsi_type="ST")
    elif "detailQuantity" in target:
        hand.quantity(inner, "value", target["detailQuantity"], kind="PQ")
    elif "detailRange" in target:
        _range(hand, inner, "value", target["detailRange"], kind="IVL_PQ")
    elif "detailCodeableConcept" in target:
        hand.code(inner, "value", target["detailCodeableConcept"], kind="CD")


def coverage(hand: Hand, entry: Element, one: Json) -> None:
    """Coverage as a coverage activity with its policy."""
    act = hand.add(entry, "act", classCode="ACT", moodCode="EVN")
    hand.template(act, "22.4.60")
    hand.add(act, "id", nullFlavor="NI")
    hand.add(act, "code", code="48768-6", codeSystem=_LOINC, displayName="Payment sources")
    hand.add(act, "statusCode", code="completed")
    policy = hand.add(hand.add(act, "entryRelationship", typeCode="COMP"), "act", classCode="ACT", moodCode="EVN")
    hand.template(policy, "22.4.61")
    hand.ids(policy, one)
    hand.code(policy, "code", one.get("type"))
    hand.add(policy, "statusCode", code="completed")
    for reference in one.get("payor", ()):
        payer = hand.resolve(str(reference.get("reference", "")))
        if payer is not None:
            entity = hand.add(hand.add(policy, "performer", typeCode="PRF"), "assignedEntity")
            hand.ids(entity, payer)
            hand.organization(hand.add(entity, "representedOrganization"), payer)
    covered = hand.add(policy, "participant", typeCode="COV")
    if span := one.get("period"):
        hand.period(covered, "time", span.get("start"), span.get("end"))
    role = hand.add(covered, "participantRole", classCode="PAT")
    member = one.get("subscriberId")
    hand.add(role, "id", root="8c1f4c0e-2f0b-5f7e-9d56-7d1b6a2f3c11" if member else None, extension=member,
             nullFlavor=None if member else "UNK")  # fmt: skip
    hand.code(role, "code", one.get("relationship"))
