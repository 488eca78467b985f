"""Daily dose of an ingredient (ME-03): dose per take by takes per day, in milligrams or the unit of the ingredient.

A weekly or monthly schedule has no daily dose: `Takes.pattern` keeps it as it is. Units are converted within one
dimension only; anything else is `Unknown`.
"""

from decimal import Decimal

from careloop.medications.model import Amount, Dosage, Dose, Medicine, Pattern, Strength, Takes, Unknown

_MASS = {"mcg": Decimal("0.001"), "mg": Decimal(1), "g": Decimal(1000)}
_VOLUME = {"mL": Decimal(1), "L": Decimal(1000), "teaspoon": Decimal(5)}
_COUNTED = frozenset({"piece", "puff", "drop"})


def same_dimension(one: str, other: str) -> bool:
    """True where an amount in one unit can be said in the other."""
    return one == other or any(one in group and other in group for group in (_MASS, _VOLUME))


def in_unit(amount: Amount, unit: str) -> Amount | None:
    """The amount in another unit of its dimension, None across dimensions."""
    for group in (_MASS, _VOLUME):
        if amount.unit in group and unit in group:
            return Amount(amount.value * group[amount.unit] / group[unit], unit)
    return amount if amount.unit == unit else None


def standard(amount: Amount) -> Amount:
    """Masses in mg, volumes in mL, anything else as it is."""
    return in_unit(amount, "mg") or in_unit(amount, "mL") or amount


def take_of(medicine: Medicine, ingredient: str, dosage: Dosage) -> Amount | Unknown:
    """How much of the ingredient is taken at most at one time."""
    if isinstance(dosage.dose, Unknown):
        return dosage.dose
    place = next((at for at, one in enumerate(medicine.ingredients) if one.key == ingredient), None)
    if place is None:
        return Unknown("the product does not hold it")
    strength = medicine.strengths[place] if place < len(medicine.strengths) else None
    return _of_dose(dosage.dose, strength, alone=len(medicine.ingredients) == 1)


def _of_dose(dose: Dose, strength: Strength | None, *, alone: bool) -> Amount | Unknown:
    amount = standard(Amount(dose.high, dose.unit))
    if amount.unit not in _COUNTED and amount.unit != "mL":
        return amount if alone else Unknown("the dose is not stated for each ingredient")
    if strength is None:
        return Unknown("the strength is not stated")
    if strength.per is None:
        return standard(Amount(amount.value * strength.amount.value, strength.amount.unit)) if amount.unit in _COUNTED \
            else Unknown("the strength is not stated by volume")  # fmt: skip
    per = standard(strength.per)
    if per.unit != amount.unit or not per.value:
        return Unknown("dose and strength are in units that cannot be compared")
    return standard(Amount(amount.value / per.value * strength.amount.value, strength.amount.unit))


def daily_dose(medicine: Medicine, ingredient: str) -> Amount | Unknown:
    """The most of this ingredient that is taken on one day. Lines of one step are added; of several steps the largest
    counts (ME-03, a range is its maximum)."""
    if not medicine.dosages:
        return Unknown("no dose is stated")
    by_step: dict[int, list[Amount | Unknown]] = {}
    for dosage in medicine.dosages:
        by_step.setdefault(dosage.step, []).append(_daily(medicine, ingredient, dosage))
    if len(by_step) == len(medicine.dosages) > 1 and _beside(medicine):
        by_step = {1: [one for some in by_step.values() for one in some]}
    totals = [_total(some) for some in by_step.values()]
    known = [one for one in totals if isinstance(one, Amount)]
    unknown = next((one for one in totals if isinstance(one, Unknown)), None)
    if unknown is not None:
        return unknown
    return (
        max(known, key=lambda one: one.value) if len({one.unit for one in known}) == 1 else Unknown("different units")
    )


def _beside(medicine: Medicine) -> bool:
    """Numbered lines that name moments of one day are taken side by side, not after each other."""
    return all(isinstance(one.takes, Takes) and one.takes.pattern is Pattern.DAILY for one in medicine.dosages) and all(
        any(word in one.text.lower() for word in ("morning", "evening", "night", "bedtime", "noon"))
        for one in medicine.dosages
    )


def _daily(medicine: Medicine, ingredient: str, dosage: Dosage) -> Amount | Unknown:
    if dosage.most_per_day is not None and isinstance(dosage.takes, Unknown):
        limit = dosage.most_per_day
        return take_of(medicine, ingredient, Dosage(Dose(limit.value, limit.value, limit.unit), dosage.takes))
    if isinstance(dosage.takes, Unknown):
        return dosage.takes
    if dosage.takes.pattern in (Pattern.WEEKLY, Pattern.MONTHLY):
        return Unknown(f"taken {dosage.takes.pattern.value}, not daily")
    once = take_of(medicine, ingredient, dosage)
    return once if isinstance(once, Unknown) else Amount(once.value * dosage.takes.per_day, once.unit)


def _total(some: list[Amount | Unknown]) -> Amount | Unknown:
    unknown = next((one for one in some if isinstance(one, Unknown)), None)
    if unknown is not None:
        return unknown
    known = [one for one in some if isinstance(one, Amount)]
    if len({one.unit for one in known}) > 1:
        return Unknown("different units")
    return Amount(sum((one.value for one in known), Decimal(0)), known[0].unit)
