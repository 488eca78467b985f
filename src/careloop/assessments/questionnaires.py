"""Instruments and check-ins as FHIR `Questionnaire` with SDC extensions: any client can show and fill them. Pure."""

from typing import Any

from careloop.assessments.model import CheckIn, Choice, Content, In, Instrument, Item, OwnItem, Section

Json = dict[str, Any]
LOINC, ANSWER = "http://loinc.org", "urn:careloop:answer"
_ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
_CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
_EXTRACT = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-observationExtract"
_UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"
_HIDDEN = "http://hl7.org/fhir/StructureDefinition/questionnaire-hidden"


def questionnaires(content: Content) -> list[Json]:
    """The Questionnaires of everything whose wording may be shown."""
    shown = [one for one in content.instruments.values() if one.can_be_asked]
    return [
        *(questionnaire_of(one) for one in shown),
        *(checkin_form(one, content) for one in content.checkins.values()),
    ]


def questionnaire_of(instrument: Instrument) -> Json:
    """One instrument. Its total is calculated where it is a plain sum."""
    form = _frame(instrument.id, instrument.url, instrument.version, instrument.title, reviewed=instrument.reviewed)
    if instrument.panel:
        form["code"] = [{"system": LOINC, "code": instrument.panel}]
    form["copyright"] = instrument.notice
    form["item"] = [*(_item(instrument, one) for one in instrument.items), *_total(instrument)]
    return form


def checkin_form(checkin: CheckIn, content: Content) -> Json:
    """A conversation: one group for each section."""
    form = _frame(checkin.id, checkin.url, checkin.version, checkin.title, reviewed=checkin.reviewed)
    form["item"] = [group for section in checkin.sections for group in _groups(section, content)]
    return form


def _frame(id_: str, url: str, version: str, title: str, *, reviewed: bool) -> Json:
    return {
        "resourceType": "Questionnaire",
        "id": id_,
        "url": url,
        "version": version,
        "name": "".join(word.capitalize() for word in id_.split("-")),
        "title": title,
        "status": "active",
        "experimental": not reviewed,
        "subjectType": ["Patient"],
        "purpose": "Reviewed by a clinician" if reviewed else "Not reviewed by a clinician yet",
    }


def _groups(section: Section, content: Content) -> list[Json]:
    if section.instrument is None:
        items = [_own(section.id, one) for one in section.items]
        return [{"linkId": section.id, "text": section.title, "type": "group", "item": items}]
    names = [section.instrument, *([section.then[0]] if section.then else [])]
    found = [content.instruments[name] for name in names if name in content.instruments]
    return [
        {"linkId": one.id, "text": one.title, "type": "group", "item": [_item(one, item) for item in one.items]}
        for one in found
        if one.can_be_asked
    ]


def _item(instrument: Instrument, item: Item) -> Json:
    made: Json = {
        "linkId": f"{instrument.id}/{item.id}",
        "text": f"{item.lead} {item.text}".strip(),
        "type": "choice" if item.choices else "decimal",
    }
    if item.loinc:
        made["code"] = [{"system": LOINC, "code": item.loinc}]
        made["extension"] = [{"url": _EXTRACT, "valueBoolean": True}]
    if item.many:
        made["repeats"] = True
    if item.choices:
        made["answerOption"] = [{"valueCoding": coding_of(one)} for one in item.choices]
    if item.unit:
        unit = {"url": _UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": item.unit}}
        made["extension"] = [*made.get("extension", ()), unit]
    if when := _enable(instrument, item):
        made |= when
    return made


def _enable(instrument: Instrument, item: Item) -> Json:
    """`only` is asked after one of its answers, `unless` after none of them."""
    condition: In | None = item.only or item.unless
    if condition is None:
        return {}
    operator = "=" if item.only else "!="
    lines = [
        {
            "question": f"{instrument.id}/{condition.item}",
            "operator": operator,
            "answerCoding": {"system": system_of(code), "code": code},
        }
        for code in sorted(condition.codes)
    ]
    return {"enableWhen": lines, "enableBehavior": "any" if item.only else "all"}


def _total(instrument: Instrument) -> list[Json]:
    """The total of a plain sum, calculated by the form where every item is answered."""
    scored = [item for item in instrument.items if item.scored]
    is_plain = all(item.choices and item.weight == 1 and not item.reverse for item in scored)
    if instrument.method != "sum" or not is_plain or instrument.score_private:
        return []
    ids = " or ".join(f"linkId = '{instrument.id}/{item.id}'" for item in scored)
    answers = f"%resource.item.where({ids}).answer.value"
    ordinals = f"{answers}.extension('{_ORDINAL}').value"
    expression = f"iif({answers}.count() = {len(scored)}, {ordinals}.aggregate($this + $total, 0), {{}})"
    calculated = {
        "url": _CALCULATED,
        "valueExpression": {"description": "The sum", "language": "text/fhirpath", "expression": expression},
    }
    total: Json = {
        "linkId": f"{instrument.id}/total",
        "text": f"{instrument.short} total",
        "type": "decimal",
        "readOnly": True,
        "extension": [calculated],
    }
    if instrument.total_code:
        total["code"] = [{"system": LOINC, "code": instrument.total_code}]
    return [total]


def _own(section_id: str, item: OwnItem) -> Json:
    kind = {"text": "text", "number": "integer"}.get(item.kind, "choice")
    made: Json = {"linkId": f"{section_id}/{item.id}", "text": item.text, "type": kind}
    if item.choices:
        made["answerOption"] = [{"valueCoding": coding_of(one)} for one in item.choices]
    return made


def coding_of(choice: Choice) -> Json:
    """The answer as a coding with its points as `ordinalValue`."""
    coding: Json = {"system": system_of(choice.code), "code": choice.code, "display": choice.text}
    if choice.score is not None:
        coding["extension"] = [{"url": _ORDINAL, "valueDecimal": choice.score}]
    return coding


def system_of(code: str) -> str:
    """LOINC for answer codes of LOINC, else our own."""
    return LOINC if code.startswith("LA") and code[2:3].isdecimal() else ANSWER
