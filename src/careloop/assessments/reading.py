"""A QuestionnaireResponse as answers: ours and those of other systems. Pure.

Ours say `<instrument>/<item>` as linkId. In others an item is known by its LOINC code as linkId, or by its own id where
the form's address names the instrument; an instrument is known by that address or by the codes of all its items.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.assessments.model import Answer, Choice, Content, Instrument, Item, Said

Resource = Mapping[str, Any]
ANSWERED = "urn:careloop:answered"
_YES, _NO = "LA33-6", "LA32-8"
_ORDINALS = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/ordinalValue",
        "http://hl7.org/fhir/StructureDefinition/iso21090-CO-value",
        "http://hl7.org/fhir/StructureDefinition/itemWeight",
    }
)


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a form says: answers of each instrument that it holds, by LOINC code, and by the ids of own items."""

    instruments: Mapping[str, Mapping[str, Answer]]
    versions: Mapping[str, str | None] = field(default_factory=dict)
    by_loinc: Mapping[str, Answer] = field(default_factory=dict)
    by_item: Mapping[str, Answer] = field(default_factory=dict)
    said: Mapping[str, Said] = field(default_factory=dict)


def read_response(response: Resource, content: Content) -> Read:
    """The answers of one form. An item without an answer is not there: missing is never zero."""
    lines = list(_lines(response.get("item", ())))
    url, _, version = str(response.get("questionnaire", "")).partition("|")
    told = _instrument_of(url, content)
    instruments: dict[str, dict[str, Answer]] = {}
    for link, line in lines:
        name, _, rest = link.partition("/")
        if name in content.instruments and rest:
            instruments.setdefault(name, {})
            _put(instruments[name], content.instruments[name].item(rest), line)
    by_loinc = _by_loinc(lines, instruments, content)
    for other in _others(told, lines, by_loinc, instruments, content):
        instruments[other.id] = _foreign(other, lines)
    return Read(
        instruments=instruments,
        versions={told.id: version or None} if told else {},
        by_loinc=by_loinc,
        by_item={link.rpartition("/")[2]: answer_of(line) for link, line in lines if answer_of(line).given},
        said={link: one for link, line in lines if (one := said_of(line, response)) is not None},
    )


def answer_of(line: Resource, item: Item | None = None) -> Answer:
    """What stands in one item; with an instrument's item its words are understood as its codes."""
    codes: list[str] = []
    number: Decimal | None = None
    texts: list[str] = []
    for one in line.get("answer", ()):
        code, found, text = _value(one)
        codes += [code] if code else []
        number = found if found is not None else number
        texts += [text] if text else []
    choices = item.choices if item else ()
    return Answer(codes=tuple(dict.fromkeys(_known_codes(codes, texts, choices))), number=number, text=", ".join(texts))


def said_of(line: Resource, response: Resource) -> Said | None:
    """An answer with who gave it and when: as the answer itself says, else as the form does."""
    answer = answer_of(line)
    if not answer.given:
        return None
    marks = {
        part.get("url"): part for one in line.get("answer", ()) for part in _parts(one.get("extension", ()), ANSWERED)
    }
    source = response.get("source") or response.get("author") or {}
    at = _text(marks.get("at")) or str(response.get("authored", ""))
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    if instant.tzinfo is None:
        return None
    return Said(
        answer=answer,
        words=answer.text or (str(answer.number) if answer.number is not None else ", ".join(answer.codes)),
        by=_text(marks.get("by")) or str(source.get("display") or source.get("reference") or ""),
        at=instant,
        mode=_text(marks.get("mode")),
        language=_text(marks.get("language")) or str(response.get("language", "")),
        source=f"QuestionnaireResponse/{response.get('id', '')}",
    )


def _parts(extensions: Any, url: str) -> list[Resource]:
    return [part for one in extensions if one.get("url") == url for part in one.get("extension", ())]


def _text(part: Resource | None) -> str:
    if part is None:
        return ""
    return str(part.get("valueString") or part.get("valueDateTime") or part.get("valueCode") or "")


def _lines(items: Any) -> Iterator[tuple[str, Resource]]:
    """Every item with its linkId, those inside groups and answers too."""
    for item in items:
        if not isinstance(item, Mapping):
            continue
        yield str(item.get("linkId", "")), item
        yield from _lines(item.get("item", ()))
        for answer in item.get("answer", ()):
            yield from _lines(answer.get("item", ()))


def _value(answer: Resource) -> tuple[str, Decimal | None, str]:
    """Code, number and words of one answer."""
    if "valueCoding" in answer:
        coding = answer["valueCoding"]
        ordinal = next(
            (one.get("valueDecimal") for one in coding.get("extension", ()) if one.get("url") in _ORDINALS), None
        )
        return str(coding.get("code", "")), _number(ordinal), str(coding.get("display", ""))
    if "valueBoolean" in answer:
        return (_YES if answer["valueBoolean"] else _NO), None, ("Yes" if answer["valueBoolean"] else "No")
    if "valueQuantity" in answer:
        return "", _number(answer["valueQuantity"].get("value")), ""
    for name in ("valueInteger", "valueDecimal"):
        if name in answer:
            return "", _number(answer[name]), ""
    for name in ("valueString", "valueDate", "valueDateTime"):
        if name in answer:
            return "", None, str(answer[name])
    return "", None, ""


def _number(value: Any) -> Decimal | None:
    try:
        found = None if value is None or isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _known_codes(codes: list[str], texts: list[str], choices: tuple[Choice, ...]) -> list[str]:
    """Codes of the list; where the sender has others, the words say which it is."""
    known = {one.code for one in choices}
    if not known or any(code in known for code in codes):
        return codes
    by_words = {one.text.casefold(): one.code for one in choices}
    return [by_words[text.casefold()] for text in texts if text.casefold() in by_words] or codes


def _put(into: dict[str, Answer], item: Item | None, line: Resource) -> None:
    if item is not None and (answer := answer_of(line, item)).given:
        into[item.id] = answer


def _by_loinc(
    lines: list[tuple[str, Resource]], instruments: Mapping[str, Mapping[str, Answer]], content: Content
) -> dict[str, Answer]:
    found = {code: answer_of(line) for link, line in lines if (code := _loinc(link)) and answer_of(line).given}
    for name, answers in instruments.items():
        for item in content.instruments[name].items:
            if item.loinc and item.id in answers:
                found.setdefault(item.loinc, answers[item.id])
    return found


def _loinc(link: str) -> str:
    """The LOINC code that a linkId is or ends with (`/88122-7`)."""
    last = link.rpartition("/")[2]
    number, dash, check = last.rpartition("-")
    return last if dash and number.isdecimal() and len(check) == 1 and check.isdecimal() else ""


def _instrument_of(url: str, content: Content) -> Instrument | None:
    """The instrument whose form has this address."""
    if not url:
        return None
    for one in content.instruments.values():
        if url in (one.url, *one.aliases) or (one.panel and url.rstrip("/").endswith(f"/{one.panel}")):
            return one
    return None


def _others(
    told: Instrument | None,
    lines: list[tuple[str, Resource]],
    by_loinc: Mapping[str, Answer],
    ours: Mapping[str, Mapping[str, Answer]],
    content: Content,
) -> list[Instrument]:
    """Instruments of a form that does not speak our way: the one that its address names, else those all of whose
    scored items stand in it, without those that are part of a larger one."""
    if told is not None and told.id not in ours:
        return [told]
    if ours or told is not None:
        return []
    links = {_loinc(link) for link, _ in lines} - {""}
    codes = {
        one.id: frozenset(item.loinc for item in one.items if item.loinc and item.scored)
        for one in content.instruments.values()
        if one.items and all(item.loinc for item in one.items if item.scored)
    }
    whole = {name: found for name, found in codes.items() if found and found <= links and found & by_loinc.keys()}
    largest = [name for name, found in whole.items() if not any(found < other for other in whole.values())]
    kept: dict[frozenset[str | None], str] = {}
    for name in sorted(largest, key=lambda one: (-len(content.instruments[one].items), one)):
        kept.setdefault(whole[name], name)
    return [content.instruments[name] for name in sorted(kept.values())]


def _foreign(instrument: Instrument, lines: list[tuple[str, Resource]]) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for item in instrument.items:
        for link, line in lines:
            if link == item.id or (item.loinc and _loinc(link) == item.loinc):
                _put(found, item, line)
    return found
