"""Medicines as values: read from the record, checked for safety, compared, and how they are taken."""

from careloop.medications.drugs import Drugs, drugs_of
from careloop.medications.model import Ingredient, Medicine, Origin, Release, Route, Status, Unknown
from careloop.medications.reading import TYPES, read_medicine
from careloop.medications.rules.doses import daily_dose

__all__ = [
    "TYPES",
    "Drugs",
    "Ingredient",
    "Medicine",
    "Origin",
    "Release",
    "Route",
    "Status",
    "Unknown",
    "daily_dose",
    "drugs_of",
    "read_medicine",
]
