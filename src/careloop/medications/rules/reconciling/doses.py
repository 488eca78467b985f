"""Doses held against each other, exactly (ME-03, ME-05). Pure."""

from decimal import Decimal

from careloop.fhir import ucum
from careloop.medications.rules.reconciling.values import Difference, Dosing, Period

_DAYS = {Period.DAY: Decimal(1), Period.WEEK: Decimal(7), Period.MONTH: Decimal(30)}


def in_common(one: Dosing, other: Dosing) -> tuple[Decimal, Decimal] | None:
    """What each take comes to in one unit; None where the two have no common dimension (ME-03)."""
    if one.unit == other.unit:
        return one.amount, other.amount
    left, right = _canonical(one), _canonical(other)
    if left is None or right is None or left[1] != right[1]:
        return None
    return left[0], right[0]


def doses_differ(one: Dosing, other: Dosing) -> frozenset[Difference]:
    """How two ways of taking differ: `dose` by what a day comes to, `frequency` by how it is split (ME-03, ME-05).

    A weekly schedule is not a daily one (methotrexate), and "as needed" is not every day. Morning is not bedtime; who
    says neither says nothing else.
    """
    amounts = in_common(one, other)
    if amounts is None:
        return frozenset({Difference.CANNOT_COMPARE})
    found = set()
    if amounts[0] * one.takes * _DAYS[other.per] != amounts[1] * other.takes * _DAYS[one.per]:
        found.add(Difference.DOSE)
    if (one.takes, one.per, one.as_needed) != (other.takes, other.per, other.as_needed):
        found.add(Difference.FREQUENCY)
    if not (set(one.when) <= set(other.when) or set(other.when) <= set(one.when)):
        found.add(Difference.FREQUENCY)
    return frozenset(found)


def more_or_less(before: Dosing, after: Dosing) -> int | None:
    """1 where a day comes to more than before, -1 to less, 0 to the same; None where they cannot be compared."""
    amounts = in_common(before, after)
    if amounts is None:
        return None
    then, now = amounts[0] * before.takes / _DAYS[before.per], amounts[1] * after.takes / _DAYS[after.per]
    return (now > then) - (now < then)


def _canonical(dosing: Dosing) -> tuple[Decimal, str] | None:
    """The amount in base units; None for a unit that counts things (tablets, puffs): a thing has no amount."""
    if dosing.unit.startswith("{") or not dosing.unit:
        return None
    return ucum.canonical(dosing.amount, dosing.unit)
