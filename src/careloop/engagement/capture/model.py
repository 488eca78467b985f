"""What was typed into the capture box, read: items, note, and faults that say what, where and what was expected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Code:
    """A code with its system and name."""

    system: str
    code: str
    display: str

    @property
    def token(self) -> str:
        """As a search names it."""
        return f"{self.system}|{self.code}"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond these, in the canonical unit, nobody believes a value at once."""

    low: Decimal
    high: Decimal
    rule: str


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit as people say it and as UCUM codes it. `times`: canonical units in one, where UCUM cannot tell."""

    words: tuple[str, ...]
    unit: str
    code: str
    times: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the two values of a pair."""

    title: str
    code: Code
    limits: Limits


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Something that is measured. `most_change` is in canonical units a day."""

    word: str
    title: str
    code: Code
    same: tuple[str, ...]
    parts: tuple[Part, ...]
    units: tuple[Unit, ...]
    default: str
    canonical: str
    fresh_hours: int
    limits: Limits | None
    most_change: Decimal | None
    change_rule: str
    example: str


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One part that a word takes."""

    name: str
    kind: str
    needed: bool
    bare: bool
    expected: str
    choices: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word after a slash, what it takes and what it writes."""

    word: str
    title: str
    writes: str
    opens: str
    example: str
    takes: tuple[Taken, ...]


@dataclass(frozen=True, kw_only=True)
class Who:
    """Somebody to do something: a role, or one person by reference; `says` as it was typed."""

    role: str
    reference: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A measured value: the numbers as typed, and the unit as typed and coded."""

    measure: Measure
    values: tuple[Decimal, ...]
    unit: Unit


Value = str | Decimal | date | Who | Reading


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that the entry asks for. `at` is where it stands in the text."""

    word: str
    title: str
    writes: str
    opens: str
    at: int
    values: Mapping[str, Value]

    def text(self, name: str) -> str:
        """The part of this name as text, empty where it was not said."""
        found = self.values.get(name, "")
        return found if isinstance(found, str) else ""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What cannot be read: what stands there, from which letter (0 is the first), and what was expected."""

    at: int
    what: str
    expected: str

    @property
    def says(self) -> str:
        """The fault as a sentence."""
        found = f"“{self.what}” cannot be read here" if self.what else "Something is missing"
        return f"{found}. Expected: {self.expected}."


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Everything that was typed. With any fault nothing of it may be written."""

    text: str
    note: str
    items: Sequence[Item]
    faults: Sequence[Wrong]

    @property
    def is_good(self) -> bool:
        """There is something to write, and all of it was understood."""
        return not self.faults and bool(self.items or self.note)
