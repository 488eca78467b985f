"""HL7 v2 as text: delimiters, segments, repetitions, components, escapes, batches. Knows no meaning.

A message keeps the text of every field exactly as it came, Z-segments too, so that writing a parsed message gives the
same message again (with CR as the segment end). Splitting below the field happens when a value is asked for.
Source: HL7 v2.5.1 chapter 2 (message construction, escape sequences 2.7, batch protocol 2.10.3).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from careloop.errors import Rejected

_ADDRESS = re.compile(r"^([A-Z][A-Z0-9]{2})-(\d{1,3})(?:\[(\d{1,3})\])?(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?$")
_SEGMENT_END = re.compile(r"\r\n|\r|\n")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DECLARED = {
    "8859/1": "iso8859-1", "8859/2": "iso8859-2", "8859/3": "iso8859-3", "8859/4": "iso8859-4",
    "8859/5": "iso8859-5", "8859/6": "iso8859-6", "8859/7": "iso8859-7", "8859/8": "iso8859-8",
    "8859/9": "iso8859-9", "8859/15": "iso8859-15", "GB 18030-2000": "gb18030", "KS X 1001": "euc-kr",
    "BIG-5": "big5", "CNS 11643-1992": "big5", "UNICODE UTF-16": "utf-16", "ISO IR87": "iso2022-jp",
    "ISO IR159": "iso2022-jp-1",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and MSH-2. `escape` and `subcomponent` are empty where the sender has none."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str

    @property
    def msh_2(self) -> str:
        """The encoding characters as they stand in MSH-2."""
        return self.component + self.repetition + self.escape + self.subcomponent


STANDARD = Delimiters("|", "^", "~", "\\", "&")


@dataclass(frozen=True, slots=True)
class Value:
    """One repetition of one field: raw text and the delimiters to read it with."""

    raw: str
    delimiters: Delimiters
    whole: Delimiters | None = None
    """Of a part: the delimiters of the field, by which escapes were written."""

    def component(self, number: int, subcomponent: int = 1) -> str:
        """The unescaped text of a component (its first sub-component unless another is named); `""` when absent."""
        parts = self.raw.split(self.delimiters.component)
        if number > len(parts):
            return ""
        text = parts[number - 1]
        if self.delimiters.subcomponent and self.delimiters.subcomponent in text:
            subparts = text.split(self.delimiters.subcomponent)
            text = subparts[subcomponent - 1] if subcomponent <= len(subparts) else ""
        elif subcomponent > 1:
            return ""
        return unescape(text, self.whole or self.delimiters)

    def part(self, number: int) -> "Value":
        """A component as a value of its own, whose components are the sub-components."""
        parts = self.raw.split(self.delimiters.component)
        raw = parts[number - 1] if number <= len(parts) else ""
        sign = self.delimiters
        return Value(raw, Delimiters(sign.field, sign.subcomponent or "\x00", sign.repetition, sign.escape, ""), sign)

    @property
    def text(self) -> str:
        """The first component."""
        return self.component(1)

    @property
    def is_null(self) -> bool:
        """True for `""`, the sender's word for: delete what you have (chapter 2, 2.5.3)."""
        return self.raw == '""'


@dataclass(frozen=True, slots=True)
class Segment:
    """One line. `fields[n]` is the raw text of field n; for MSH, `fields[1]` is the field separator itself."""

    name: str
    fields: tuple[str, ...]
    delimiters: Delimiters

    def raw(self, number: int) -> str:
        """The raw text of a field; `""` when the segment is shorter."""
        return self.fields[number] if number < len(self.fields) else ""

    def values(self, number: int) -> list[Value]:
        """The repetitions of a field that hold anything."""
        text = self.raw(number)
        if not text:
            return []
        if self.delimiters.repetition not in text or (self.name == "MSH" and number <= 2):
            return [Value(text, self.delimiters)]
        return [Value(part, self.delimiters) for part in text.split(self.delimiters.repetition) if part]

    def value(self, number: int) -> Value:
        """The first repetition of a field, empty when absent."""
        values = self.values(number)
        return values[0] if values else Value("", self.delimiters)

    def text(self, number: int, component: int = 1) -> str:
        """The unescaped, trimmed text of one component of a field's first repetition."""
        return self.value(number).component(component).strip()


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a sequence of segments, the first of which is MSH. `notes` say what reading it had to assume."""

    segments: tuple[Segment, ...]
    delimiters: Delimiters
    notes: tuple[str, ...] = ()

    @property
    def msh(self) -> Segment:
        """The message header."""
        return self.segments[0]

    def all(self, name: str) -> list[Segment]:
        """Every segment of this name, in order."""
        return [segment for segment in self.segments if segment.name == name]

    def first(self, name: str) -> Segment | None:
        """The first segment of this name."""
        return next((segment for segment in self.segments if segment.name == name), None)

    def get(self, address: str) -> str:
        """The text at an address such as `PV1-36`, `PID-3.4.2` or `PID-3[2].1`; `""` when nothing is there."""
        name, field, repetition, component, subcomponent = _parsed_address(address)
        segment = self.first(name)
        if segment is None:
            return ""
        values = segment.values(field)
        return values[repetition - 1].component(component, subcomponent) if repetition <= len(values) else ""

    def write(self) -> str:
        """The message as text, each segment ended by CR."""
        return "".join(_written(segment) + "\r" for segment in self.segments)


def read(raw: bytes) -> Message:
    """The message in `raw`, decoded as MSH-18 says (UTF-8 by default; Latin-1 with a note when that fails)."""
    text, notes = decode(raw)
    message = parse(text)
    return Message(message.segments, message.delimiters, notes) if notes else message


def parse(text: str) -> Message:
    """The message in `text`. Segments may end with CR, LF or both. `Rejected` when it cannot be read as HL7."""
    text = text.lstrip("\ufeff \t\r\n\x0b\x00")
    delimiters = _delimiters(text)
    lines = [line for line in _SEGMENT_END.split(text) if line.strip()]
    return Message(tuple(_segment(line, delimiters) for line in lines), delimiters)


def decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    """The text of `raw` and notes on how it was read."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace"), ()
    declared = _declared_encoding(raw)
    if declared:
        try:
            return raw.decode(declared), ()
        except UnicodeDecodeError:
            return raw.decode("iso8859-1"), (f"MSH-18: expected text in {declared}; it was read as Latin-1",)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return raw.decode("iso8859-1"), ("MSH-18: expected an encoding, or text in UTF-8; it was read as Latin-1",)


def split_file(text: str) -> list[str]:
    """The messages of a file in order: one message, several, or a batch file (FHS/BHS ... BTS/FTS)."""
    messages: list[list[str]] = []
    for line in _SEGMENT_END.split(text.lstrip("\ufeff")):
        stripped = line.strip(" \t\x0b\x1c\ufeff")
        if not stripped or stripped[:3] in ("FHS", "BHS", "BTS", "FTS"):
            continue
        if stripped.startswith("MSH") or not messages:
            messages.append([])
        messages[-1].append(stripped)
    return ["\r".join(lines) + "\r" for lines in messages]


def escape(text: str, delimiters: Delimiters = STANDARD) -> str:
    """`text` with every delimiter written as its escape sequence; line ends become `\\.br\\`."""
    mark = delimiters.escape
    if not mark:
        return text
    text = text.replace(mark, "\x00")
    for sign, letter in _escapes(delimiters):
        text = text.replace(sign, f"{mark}{letter}{mark}")
    return re.sub(r"\r\n|\r|\n", lambda _: f"{mark}.br{mark}", text).replace("\x00", f"{mark}E{mark}")


def unescape(text: str, delimiters: Delimiters = STANDARD) -> str:
    """`text` with escape sequences resolved and control characters taken out; unknown sequences stay as they are."""
    mark = delimiters.escape
    if mark and mark in text:
        text = _unescaped(text, delimiters)
    return _CONTROL.sub("", text) if not text.isprintable() else text


def _unescaped(text: str, delimiters: Delimiters) -> str:
    letters = {letter: sign for sign, letter in _escapes(delimiters)} | {"E": delimiters.escape, "H": "", "N": ""}
    pieces = text.split(delimiters.escape)
    result, index = [pieces[0]], 1
    while index < len(pieces):
        if index + 1 == len(pieces):
            result.append(delimiters.escape + pieces[index])
            break
        resolved = _sequence(pieces[index], letters)
        if resolved is None:
            result.append(delimiters.escape + pieces[index])
            index += 1
        else:
            result += [resolved, pieces[index + 1]]
            index += 2
    return "".join(result)


def _sequence(code: str, letters: dict[str, str]) -> str | None:
    if code in letters:
        return letters[code]
    if code in (".br", ".sp", ".fi", ".nf"):
        return "\n" if code in (".br", ".sp") else ""
    if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", code):
        return bytes.fromhex(code[1:]).decode("utf-8", errors="replace")
    return None


def _escapes(delimiters: Delimiters) -> Iterator[tuple[str, str]]:
    signs: Sequence[tuple[str, str]] = (
        (delimiters.field, "F"), (delimiters.component, "S"), (delimiters.subcomponent, "T"),
        (delimiters.repetition, "R"),
    )  # fmt: skip
    return ((sign, letter) for sign, letter in signs if sign)


def _delimiters(text: str) -> Delimiters:
    if text[:3] != "MSH" or len(text) < 8:
        raise Rejected(at="MSH", expected="a message that starts with an MSH segment", code="structure")
    separator = text[3]
    encoding = text[4:12].split(separator, 1)[0]
    if text[4 + len(encoding) : 5 + len(encoding)] != separator:
        raise Rejected(at="MSH-2", expected="two to five encoding characters", code="structure")
    signs = separator + encoding[:4]
    if len(encoding) < 2 or len(set(signs)) != len(signs) or any(sign.isalnum() or sign in " \r\n\t" for sign in signs):
        raise Rejected(at="MSH-2", expected="two to five different signs as encoding characters", code="structure")
    return Delimiters(separator, encoding[0], encoding[1], encoding[2:3], encoding[3:4])


def _segment(line: str, delimiters: Delimiters) -> Segment:
    fields = line.split(delimiters.field)
    name = fields[0]
    if name == "MSH":
        fields.insert(1, delimiters.field)
    return Segment(name, tuple(fields), delimiters)


def _written(segment: Segment) -> str:
    if segment.name == "MSH":
        return "MSH" + segment.delimiters.field + segment.delimiters.field.join(segment.fields[2:])
    return segment.delimiters.field.join(segment.fields)


def _declared_encoding(raw: bytes) -> str | None:
    start = raw.find(b"MSH")
    if start < 0 or len(raw) < start + 4:
        return None
    header = re.split(rb"[\r\n]", raw[start : start + 4096], maxsplit=1)[0]
    fields = header.split(header[3:4]) if len(header) > 3 else []
    name = re.split(rb"[~^]", fields[17], maxsplit=1)[0].decode("ascii", "ignore").strip() if len(fields) > 17 else ""
    return _DECLARED.get(name.upper())


@lru_cache(maxsize=4096)
def _parsed_address(address: str) -> tuple[str, int, int, int, int]:
    found = _ADDRESS.match(address)
    if not found:
        raise ValueError(f"not a field address: {address}")
    name, field, repetition, component, subcomponent = found.groups()
    return name, int(field), int(repetition or 1), int(component or 1), int(subcomponent or 1)
