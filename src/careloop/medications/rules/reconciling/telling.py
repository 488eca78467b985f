"""What a patient is told about their medicines, in plain words of at most sixth grade (ui.md §8, §10). Pure.

Words are content (`content/medications/plain.yaml`): what a medicine is for, and the sentences. Numbers are digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from careloop.medications.model import plain
from careloop.medications.rules.reconciling.values import Dosing, Period

CHANGES = ("more", "less", "new", "stop", "other", "hold", "ask", "keep")
"""In the order of the sheet: what is different first."""


@dataclass(frozen=True, kw_only=True)
class Telling:
    """The words of the sheet: `heads` and `sentences` by change, `purposes` by ingredient, then by class."""

    heads: Mapping[str, str]
    sentences: Mapping[str, str]
    purposes: Mapping[str, str]
    classes: Mapping[str, str]
    times: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SheetLine:
    """One medicine on the sheet."""

    change: str
    name: str
    purpose: str
    how: str
    says: str
    until: str = ""


def telling_of(document: Mapping[str, Any]) -> Telling:
    """The content as a value."""
    return Telling(
        heads=document["heads"],
        sentences=document["sentences"],
        purposes=document["purposes"],
        classes=document["classes"],
        times=document["times"],
    )


def purpose_of(telling: Telling, ingredients: Sequence[str], classes: Mapping[str, frozenset[str]]) -> str:
    """What the medicine is for, as people say it (`water pill`); empty where we have no plain word."""
    for name in ingredients:
        if name in telling.purposes:
            return telling.purposes[name]
    for name in ingredients:
        for one in sorted(classes.get(name, ())):
            if one in telling.classes:
                return telling.classes[one]
    return ""


def how_words(telling: Telling, dosing: Dosing | None, said: str) -> str:
    """`40 mg, 2 times a day`; the source's own words where the dose is not known as numbers."""
    if dosing is None or dosing.unit.startswith("{"):
        return said
    unit = {"ug": "mcg", "[iU]": "units", "meq": "mEq"}.get(dosing.unit, dosing.unit)
    amount = f"{plain(dosing.amount)} {unit}"
    if dosing.as_needed:
        most = f", {telling.times['at-most'].format(takes=plain(dosing.takes))}" if dosing.takes > 1 else ""
        return f"{amount}, {telling.times['as-needed']}{most}"
    return ", ".join([f"{amount}, {_often(telling, dosing)}", *filter(None, [" and ".join(dosing.when)])])


def _often(telling: Telling, dosing: Dosing) -> str:
    kind = {Period.DAY: "day", Period.WEEK: "week", Period.MONTH: "month"}[dosing.per]
    if dosing.takes == 1:
        return telling.times[f"once-a-{kind}"]
    if dosing.per is Period.DAY and dosing.takes < 1:
        return telling.times["every-days"].format(days=plain((1 / dosing.takes).quantize(Decimal(1))))
    return telling.times[f"times-a-{kind}"].format(takes=plain(dosing.takes))


def line_of(
    telling: Telling, *, change: str, name: str, purpose: str, how: str, until: date | None = None, condition: str = ""
) -> SheetLine:
    """One medicine in a sentence."""
    when = f"{until:%B} {until.day}" if until else condition
    says = telling.sentences[change].format(name=name, how=how or "as the label says", until=when)
    return SheetLine(change=change, name=name, purpose=purpose, how=how, says=says, until=when)


def in_order(lines: Sequence[SheetLine]) -> list[SheetLine]:
    """What is different first, then by name."""
    return sorted(lines, key=lambda one: (CHANGES.index(one.change), one.name.casefold()))
