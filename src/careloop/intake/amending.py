"""What a feed's settings make of a message before anybody reads it: habits set right, codes translated.

The inbox keeps the bytes as they came; the settings work on what is read from them, so that other settings give other
facts from the same bytes. Habits (quirks) are content (`content/feeds/quirks.yaml`): each is a list of steps from the
closed list in `_STEPS`. Pure.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from careloop.errors import ContentError, Fault
from careloop.intake.hl7v2 import Message, Segment, decode, parse, read
from careloop.intake.model import Feed

Step = Mapping[str, Any]
_Lines = list[list[str]]

_LINE_END = re.compile(r"\r\n|\r|\n")
_SEGMENT_START = re.compile(r"^[A-Z][A-Z0-9]{2}(?![A-Za-z0-9])")
_OFFSET = re.compile(
    r"(?<![0-9])((?:1[89]|2[01])\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{2,6}(?:\.\d{1,6})?)[+-]\d{4}(?![0-9])"
)
_ENCODINGS = frozenset({"cp1252", "iso8859-1", "cp437", "cp850"})
_BEFORE_READING = frozenset({"decode", "segment-end", "join-lines"})
_DATES: Mapping[str, tuple[re.Pattern[str], str]] = {
    "MM/DD/YYYY": (re.compile(r"(?<![0-9])(\d{1,2})/(\d{1,2})/(\d{4})(?![0-9])"), "mdy"),
    "DD.MM.YYYY": (re.compile(r"(?<![0-9])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![0-9])"), "dmy"),
    "YYYY-MM-DD": (re.compile(r"(?<![0-9])(\d{4})-(\d{2})-(\d{2})(?![0-9])"), "ymd"),
}


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """A habit of some senders that a feed may set right. `says` is what a person ticks, `example` how it looks."""

    id: str
    says: str
    example: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class CodeField:
    """A coded field whose site codes a feed may translate to one of `choices` (code → words).

    `stored` names the setting of the feed that holds the map; where it is `codes`, the code is translated in the
    message itself, before it is read. `table` is the mapping table that knows the standard codes."""

    id: str
    title: str
    fields: tuple[str, ...]
    choices: Mapping[str, str]
    stored: str = "codes"
    table: str = ""


@dataclass(frozen=True, kw_only=True)
class Amending:
    """All quirks and coded fields that content knows, in the order in which they stand there."""

    quirks: Mapping[str, Quirk] = field(default_factory=dict)
    code_fields: Mapping[str, CodeField] = field(default_factory=dict)

    def read(self, raw: bytes, feed: Feed) -> Message:
        """The message as the feed's settings make it. `Rejected` when it cannot be read as HL7."""
        if not feed.quirks and not feed.codes:
            return read(raw)
        steps = [step for quirk in self.quirks.values() if quirk.id in feed.quirks for step in quirk.steps]
        message = _parsed(raw, [step for step in steps if step["do"] in _BEFORE_READING])
        return self._amended(message, [step for step in steps if step["do"] not in _BEFORE_READING], feed)

    def _amended(self, message: Message, steps: Sequence[Step], feed: Feed) -> Message:
        lines = [list(segment.fields) for segment in message.segments]
        for step in steps:
            _STEPS[step["do"]](lines, message, step)
        for one in self.code_fields.values():
            codes = feed.codes.get(one.id) if one.stored == "codes" else None
            if codes:
                _translate(lines, message, one.fields, codes)
        segments = tuple(Segment(line[0], tuple(line), message.delimiters) for line in lines)
        return Message(segments, message.delimiters, message.notes)


def load_amending(documents: Mapping[str, Mapping[str, Any]]) -> Amending:
    """The quirks and coded fields in the documents of `content/feeds`. `ContentError` names a step not whole."""
    quirks = {
        one["id"]: Quirk(id=one["id"], says=one["says"], example=one["example"], steps=tuple(one["steps"]))
        for one in documents.get("quirks", {}).get("quirks", ())
    }
    fields = {
        one["id"]: CodeField(
            id=one["id"], title=one["title"], fields=tuple(one["fields"]), choices=one["choices"],
            stored=one.get("stored", "codes"), table=one.get("table", ""),
        )
        for one in documents.get("code-fields", {}).get("fields", ())
    }  # fmt: skip
    faults = [fault for quirk in quirks.values() for fault in _faults(quirk)]
    if faults:
        raise ContentError(faults)
    return Amending(quirks=quirks, code_fields=fields)


def _faults(quirk: Quirk) -> Iterable[Fault]:
    for number, step in enumerate(quirk.steps):
        place = f"feeds/quirks.yaml: {quirk.id}.steps[{number}]"
        if step["do"] == "decode" and step.get("as") not in _ENCODINGS:
            yield Fault(at=f"{place}.as", expected=f"one of {', '.join(sorted(_ENCODINGS))}")
        missing = sorted(_NEEDS[step["do"]] - step.keys())
        if missing:
            yield Fault(at=place, expected=f"{', '.join(missing)} for {step['do']}", code="required")


def _parsed(raw: bytes, steps: Sequence[Step]) -> Message:
    encoding = next((step["as"] for step in steps if step["do"] == "decode"), None)
    text, notes = (raw.decode(encoding, errors="replace"), ()) if encoding else decode(raw)
    for step in steps:
        if step["do"] == "segment-end":
            text = text.replace(step["text"], "\r")
        elif step["do"] == "join-lines":
            text = _joined(text)
    message = parse(text)
    return Message(message.segments, message.delimiters, notes)


def _joined(text: str) -> str:
    """Lines that begin no segment belong to the line before; between them stands the sign for a new line."""
    mark = text[6:7] if text[:3] == "MSH" and len(text) > 6 and not text[6].isalnum() else ""
    between = f"{mark}.br{mark}" if mark else " "
    joined: list[str] = []
    for line in _LINE_END.split(text):
        if joined and line.strip() and not _SEGMENT_START.match(line):
            joined[-1] += between + line
        else:
            joined.append(line)
    return "\r".join(joined)


def _split(address: str) -> tuple[str, int]:
    name, _, number = address.partition("-")
    return name, int(number)


def _raw(line: Sequence[str], number: int) -> str:
    return line[number] if number < len(line) else ""


def _put(line: list[str], number: int, text: str) -> None:
    line += [""] * (number + 1 - len(line))
    line[number] = text


def _each(lines: _Lines, addresses: Iterable[str]) -> Iterable[tuple[list[str], int]]:
    """Each filled place that one of the addresses names."""
    for name, number in map(_split, addresses):
        for line in lines:
            if line[0] == name and _raw(line, number):
                yield line, number


def _rewrite(lines: _Lines, message: Message, addresses: Iterable[str], change: Callable[[str], str]) -> None:
    """`change` applied to the first component of each repetition of these fields."""
    sign = message.delimiters
    for line, number in _each(lines, addresses):
        repetitions = []
        for repetition in line[number].split(sign.repetition):
            first, component, rest = repetition.partition(sign.component)
            repetitions.append(change(first) + component + rest)
        line[number] = sign.repetition.join(repetitions)


def _translate(lines: _Lines, message: Message, addresses: Iterable[str], codes: Mapping[str, str]) -> None:
    upper = {code.upper(): ours for code, ours in codes.items()}
    _rewrite(lines, message, addresses, lambda code: upper.get(code.strip().upper(), code))


def _fill(lines: _Lines, message: Message, step: Step) -> None:
    name, number = _split(step["field"])
    for line in lines:
        if line[0] == name and not _raw(line, number).strip():
            _put(line, number, step["value"])


def _copy(lines: _Lines, message: Message, step: Step) -> None:
    found = next((line[number] for line, number in _each(lines, [step["from"]])), "")
    if found:
        _fill(lines, message, {"field": step["to"], "value": found})


def _swap(lines: _Lines, message: Message, step: Step) -> None:
    sign, (one, other) = message.delimiters, step["components"]
    for line, number in _each(lines, step["fields"]):
        repetitions = []
        for repetition in line[number].split(sign.repetition):
            parts = repetition.split(sign.component)
            parts += [""] * (max(one, other) - len(parts))
            parts[one - 1], parts[other - 1] = parts[other - 1], parts[one - 1]
            repetitions.append(sign.component.join(parts).rstrip(sign.component))
        line[number] = sign.repetition.join(repetitions)


def _number(lines: _Lines, message: Message, step: Step) -> None:
    """Counts the segments from 1, anew after each segment of the name in `within`."""
    count = 0
    for line in lines:
        if line[0] == step["within"]:
            count = 0
        elif line[0] == step["segment"]:
            count += 1
            _put(line, step["place"], str(count))


def _number_repeats(lines: _Lines, message: Message, step: Step) -> None:
    """Of segments that say the same in `same`, the second and later get their count at `place`."""
    seen: dict[tuple[str, ...], int] = {}
    for line in lines:
        if line[0] == step["within"]:
            seen = {}
        elif line[0] == step["segment"]:
            key = tuple(_raw(line, number) for number in step["same"])
            seen[key] = seen.get(key, 0) + 1
            if seen[key] > 1:
                _put(line, step["place"], str(seen[key]))


def _drop_offset(lines: _Lines, message: Message, step: Step) -> None:
    for line in lines:
        for number in range(1, len(line)):
            if "+" in line[number] or "-" in line[number]:
                line[number] = _OFFSET.sub(r"\1", line[number])


def _clear(lines: _Lines, message: Message, step: Step) -> None:
    """A field, or one repetition's first component, that is one of these words says nothing."""
    words = {str(word).upper() for word in step["values"]}

    def change(text: str) -> str:
        return "" if text.strip().upper() in words else text

    if "fields" in step:
        _rewrite(lines, message, step["fields"], change)
        return
    for line in lines:
        first = 3 if line[0] == "MSH" else 1
        for number in range(first, len(line)):
            line[number] = change(line[number])


def _strip_zeros(lines: _Lines, message: Message, step: Step) -> None:
    _rewrite(lines, message, step["fields"], lambda text: text.lstrip("0") or text)


def _dates(lines: _Lines, message: Message, step: Step) -> None:
    pattern, order = _DATES[step["form"]]

    def digits(found: re.Match[str]) -> str:
        said = dict(zip(order, found.groups(), strict=True))
        return f"{said['y']}{int(said['m']):02d}{int(said['d']):02d}"

    for line, number in _each(lines, step["fields"]):
        line[number] = _without_signs(pattern.sub(digits, line[number]))


def _without_signs(text: str) -> str:
    """`20260331 14:05` as HL7 writes it: `202603311405`."""
    return re.sub(
        r"(?<=\d{8})[ T](\d{2}):(\d{2})(?::(\d{2}))?", lambda part: "".join(filter(None, part.groups())), text
    )


_STEPS: Mapping[str, Callable[[_Lines, Message, Step], None]] = {
    "fill": _fill,
    "copy": _copy,
    "swap": _swap,
    "number": _number,
    "number-repeats": _number_repeats,
    "drop-offset": _drop_offset,
    "clear": _clear,
    "strip-zeros": _strip_zeros,
    "dates": _dates,
}

_NEEDS: Mapping[str, frozenset[str]] = {
    "decode": frozenset({"as"}),
    "segment-end": frozenset({"text"}),
    "join-lines": frozenset(),
    "fill": frozenset({"field", "value"}),
    "copy": frozenset({"from", "to"}),
    "swap": frozenset({"fields", "components"}),
    "number": frozenset({"segment", "place", "within"}),
    "number-repeats": frozenset({"segment", "same", "place", "within"}),
    "drop-offset": frozenset(),
    "clear": frozenset({"values"}),
    "strip-zeros": frozenset({"fields"}),
    "dates": frozenset({"fields", "form"}),
}
