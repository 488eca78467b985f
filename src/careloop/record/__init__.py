"""The longitudinal record: FHIR R4 resources with their versions, their index, their change feed."""

from careloop.record.decide import Prepared
from careloop.record.model import Amendment, Finding, HistoryEntry, HistoryPage, SearchPage, Stored, Write, Written
from careloop.record.record import Record
from careloop.record.writing import Begun

__all__ = [
    "Amendment",
    "Begun",
    "Finding",
    "HistoryEntry",
    "HistoryPage",
    "Prepared",
    "Record",
    "SearchPage",
    "Stored",
    "Write",
    "Written",
]
