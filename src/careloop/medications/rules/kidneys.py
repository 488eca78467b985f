"""Kidney function: the newest eGFR, and creatinine clearance by Cockcroft and Gault where age, sex, weight are known.

CKD-EPI 2021 without race (Inker, NEJM 385:1737, 2021): 142 x min(Scr/k,1)^a x max(Scr/k,1)^-1.200 x 0.9938^age, x
1.012 for women; k 0.7 and a -0.241 for women, 0.9 and -0.302 for men. Cockcroft-Gault (Nephron 16:31, 1976):
(140 - age) x kg / (72 x Scr), x 0.85 for women. Creatinine in mg/dL, days by the calendar.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from careloop.medications.person import Lab, Person

_SEXES = ("female", "male")


@dataclass(frozen=True, slots=True)
class Kidneys:
    """What is known; None where it is not. `stands_in`: the eGFR is used where a clearance is asked for."""

    person: Person
    egfr: Lab | None
    crcl: Lab | None

    def value(self, test: str, within_days: int | None = None) -> Lab | None:
        """The newest eGFR or clearance, not older than asked for. The eGFR stands in for a clearance without weight."""
        found = self.egfr if test == "egfr" else self.crcl or self.egfr
        if found is None or (within_days is not None and (self.person.today - found.day).days > within_days):
            return None
        return found

    def note(self, test: str) -> str:
        """What to say of a value that is not the one that was asked for."""
        if test == "crcl" and self.crcl is None and self.egfr is not None:
            return "creatinine clearance cannot be computed without weight, age and sex; the eGFR stands in"
        return ""


def kidneys_of(person: Person) -> Kidneys:
    """Measured or computed, whichever is newer; a computed one carries the day of its creatinine."""
    return Kidneys(person, _newer(person.labs.get("egfr"), _ckd_epi(person)),
                   _newer(person.labs.get("crcl"), _cockcroft_gault(person)))  # fmt: skip


def _newer(measured: Lab | None, computed: Lab | None) -> Lab | None:
    if measured is None or computed is None:
        return measured or computed
    return computed if computed.day > measured.day else measured


def _ckd_epi(person: Person) -> Lab | None:
    creatinine = person.labs.get("creatinine")
    if creatinine is None or person.age is None or person.age < 18 or person.sex not in _SEXES or creatinine.value <= 0:
        return None
    female = person.sex == "female"
    kappa, alpha = (0.7, -0.241) if female else (0.9, -0.302)
    ratio = float(creatinine.value) / kappa
    value = 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**person.age * (1.012 if female else 1)
    return Lab(_whole(Decimal(value)), "mL/min/{1.73_m2}", creatinine.day, creatinine.reference)


def _cockcroft_gault(person: Person) -> Lab | None:
    creatinine, weight = person.labs.get("creatinine"), person.labs.get("weight")
    if creatinine is None or weight is None or person.age is None or person.sex not in _SEXES or creatinine.value <= 0:
        return None
    share = Decimal("0.85") if person.sex == "female" else Decimal(1)
    value = (140 - person.age) * weight.value / (72 * creatinine.value) * share
    return Lab(_whole(value), "mL/min", creatinine.day, creatinine.reference)


def _whole(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1), rounding=ROUND_HALF_UP)
