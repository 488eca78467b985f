"""What safety rows may ask about a person. What is not on record is None or absent, never a harmless number."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Lab:
    """The newest result of a test. `reference`: where it stands, empty where it was computed."""

    value: Decimal
    unit: str
    day: date
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allergy:
    """One allergy or intolerance as told. `type`: `allergy`, `intolerance` or empty."""

    reference: str
    text: str
    codes: frozenset[str] = frozenset()
    type: str = ""
    reactions: tuple[str, ...] = ()
    severity: str = ""
    criticality: str = ""
    category: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person on one day. `conditions`: ids of `content/medications/facts.yaml`. `pregnant` is None where nobody said;
    `weeks` likewise."""

    today: date
    age: int | None = None
    sex: str = ""
    conditions: frozenset[str] = frozenset()
    labs: Mapping[str, Lab] = field(default_factory=dict)
    allergies: tuple[Allergy, ...] = ()
    pregnant: bool | None = None
    weeks: int | None = None

    def lab(self, test: str, within_days: int | None = None) -> Lab | None:
        """The newest result of a test, None where there is none or it is older than asked for."""
        found = self.labs.get(test)
        if found is None or (within_days is not None and (self.today - found.day).days > within_days):
            return None
        return found
