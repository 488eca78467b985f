"""FHIR quantities as amounts of ours: the unit by the words of `content/medications/words.yaml`. Pure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from careloop.medications.drugs import Words
from careloop.medications.model import Amount, Strength


def amount_of(quantity: Any, words: Words) -> Amount | None:
    """The amount, None where there is no number or no unit that can be read. No unit at all means pieces."""
    if not isinstance(quantity, Mapping) or quantity.get("value") is None:
        return None
    value = number(quantity["value"])
    told = [str(quantity[name]).lower() for name in ("code", "unit") if quantity.get(name)]
    unit = next((words.units[one] for one in told if one in words.units), "" if told else "piece")
    unit = unit or (told[-1] if told else "")
    return Amount(value, unit) if value is not None and unit else None


def strength_of(ratio: Any, words: Words) -> Strength | None:
    """A FHIR Ratio as a strength: per piece where the denominator is one of anything countable."""
    if not isinstance(ratio, Mapping):
        return None
    over, under = amount_of(ratio.get("numerator"), words), amount_of(ratio.get("denominator"), words)
    if over is None:
        return None
    if under is None or under.unit == "piece":
        share = over.value / under.value if under is not None and under.value else over.value
        return Strength(Amount(share, over.unit))
    return Strength(over, under)


def number(value: Any) -> Decimal | None:
    """The number, None where it is none or without end."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
