"""The longitudinal record: FHIR R4 resources with their versions, their index, their change feed."""

from careloop.record.model import Amendment, Finding, HistoryEntry, HistoryPage, SearchPage, Stored, Write, Written
from careloop.record.record import Record

__all__ = [
    "Amendment",
    "Finding",
    "HistoryEntry",
    "HistoryPage",
    "Record",
    "SearchPage",
    "Stored",
    "Write",
    "Written",
]
