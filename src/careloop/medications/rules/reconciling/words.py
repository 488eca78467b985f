"""Differences and sources in words. Pure."""

from collections.abc import Mapping

from careloop.medications.rules.reconciling.values import Difference, Row, Side, Source

DIFFERENCES: Mapping[Difference, str] = {
    Difference.OMISSION: "Left out, and nobody said why",
    Difference.COMMISSION: "New, and nobody said why",
    Difference.DOSE: "Other dose",
    Difference.FREQUENCY: "Taken at other times",
    Difference.ROUTE: "Taken another way",
    Difference.FORMULATION: "Other form: fast or slow release",
    Difference.DUPLICATE: "Two products of the same medicine",
    Difference.INTERACTION: "Two medicines that must not meet",
    Difference.ALLERGY: "Allergy",
    Difference.CONDITION: "Not safe with a problem of this patient",
    Difference.RENAL: "Kidneys: dose or medicine to change",
    Difference.AGE: "Risky at this age",
    Difference.PREGNANCY: "Not in pregnancy",
    Difference.STOPPED_BUT_TAKING: "Stopped, and still taken",
    Difference.NOT_TAKING: "Not taken at home",
    Difference.NO_INDICATION: "No reason on record",
    Difference.UNKNOWN_PRODUCT: "Not in our tables: not checked",
    Difference.CANNOT_COMPARE: "Doses cannot be compared",
}
"""Each kind as the screen says it."""

SOURCES: Mapping[Source, str] = {
    Source.HOSPITAL: "hospital",
    Source.CLINIC: "our list",
    Source.PHARMACY: "pharmacy fills",
    Source.PATIENT: "the patient",
    Source.CAREGIVER: "a caregiver",
}

SIDES: Mapping[Side, str] = {Side.HOSPITAL: "Hospital", Side.CLINIC: "Our list", Side.HOME: "At home"}

_LOUD = (
    Difference.INTERACTION,
    Difference.ALLERGY,
    Difference.CONDITION,
    Difference.RENAL,
    Difference.AGE,
    Difference.PREGNANCY,
)
_SAID_BY_GROUP = frozenset({Difference.NO_INDICATION})


def reasons_of(row: Row) -> tuple[str, ...]:
    """What is different, in words; what warnings say stands in the warnings."""
    kinds = [kind for kind in Difference if kind in row.kinds and kind not in _LOUD and kind not in _SAID_BY_GROUP]
    return tuple(DIFFERENCES[kind] for kind in kinds)
